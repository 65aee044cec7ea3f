// Questions from main to workers that are answered with a number and nothing else: done.
// What was asked is in the message; a worker that is gone counts as having done everything.

/** Outstanding requests, by number. */
export class Requests {
  #next = 1;
  readonly #waiting = new Map<number, { workers: Set<number>; resolve: () => void }>();

  /** Sends a request, whose number `send` puts into its message, to `workers`; resolves when each has answered or gone. */
  ask(workers: readonly number[], send: (worker: number, request: number) => void): Promise<void> {
    const request = this.#next++;
    return new Promise((resolve) => {
      if (workers.length === 0) {
        resolve();
        return;
      }
      this.#waiting.set(request, { workers: new Set(workers), resolve });
      for (const worker of workers) send(worker, request);
    });
  }

  /** A worker answered. */
  done(worker: number, request: number): void {
    const waiting = this.#waiting.get(request);
    if (waiting === undefined) return;
    waiting.workers.delete(worker);
    if (waiting.workers.size !== 0) return;
    this.#waiting.delete(request);
    waiting.resolve();
  }

  /** A worker is gone. */
  lost(worker: number): void {
    for (const request of [...this.#waiting.keys()]) this.done(worker, request);
  }

  /** No worker is left. */
  allLost(): void {
    for (const { resolve } of this.#waiting.values()) resolve();
    this.#waiting.clear();
  }
}
