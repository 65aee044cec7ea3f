// Waits for the end of several things: tasks that are aborted, connections that close, resets that are under way elsewhere.
// What ends, and who has it end, is the callers' business.

/** Counts down to the end of all that was added. Cold: one object per wait. */
export class Countdown {
  #left = 0;
  #sealed = false;
  readonly #then: () => void;

  /** `then` runs once, when the last of what was added is done; at once, from {@link seal}, when nothing is left. */
  constructor(then: () => void) {
    this.#then = then;
  }

  /** One thing more is to end. */
  add(): void {
    this.#left++;
  }

  /** One of them has ended. */
  done(): void {
    this.#left--;
    this.#check();
  }

  /** No more will be added. */
  seal(): void {
    this.#sealed = true;
    this.#check();
  }

  #check(): void {
    if (this.#sealed && this.#left === 0) {
      this.#sealed = false;
      this.#then();
    }
  }
}
