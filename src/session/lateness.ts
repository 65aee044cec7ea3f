// How long a worker was kept waiting, told from its ticks: a debugger, a busy machine or a virtual one that stood still.
// What is forgiven for it is keep-alive.ts's to say.

/** Ticks come about so often. */
const TICK_MS = 1000;

/** Of one worker. */
export class Lateness {
  #last = -1;

  /** How much later than it was due the tick comes that comes now, milliseconds. A little is nothing. */
  of(now: number): number {
    const late = this.#last < 0 ? 0 : now - this.#last - TICK_MS;
    this.#last = now;
    return late < TICK_MS ? 0 : late;
  }
}
