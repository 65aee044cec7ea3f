// What this worker has asked of main and has no answer to yet. Both know a request by its number.
// What is asked for, and what follows from the answer, is units.ts's and its callers'.

/** The requests of one kind. */
export class Pending<Result> {
  readonly #waiting = new Map<number, (result: Result) => void>();
  #last = 0;

  /** The number of a new request, which main's answer has to name; `then` runs with that answer. */
  add(then: (result: Result) => void): number {
    const request = ++this.#last;
    this.#waiting.set(request, then);
    return request;
  }

  /** Main has answered. */
  answer(request: number, result: Result): void {
    const then = this.#waiting.get(request);
    this.#waiting.delete(request);
    then?.(result);
  }
}
