// Waits until aborted tasks are really gone: what the backend has begun, it finishes, and only then is the abort answered.
// Who aborts what is task-management.ts's and session.ts's.

/** Counts down the tasks of one abort. Cold: one object per abort. */
export class AbortWait {
  #left = 0;
  #sealed = false;
  readonly #then: () => void;

  /** `then` runs once, when the last task has ended; at once, from {@link seal}, when there was none. */
  constructor(then: () => void) {
    this.#then = then;
  }

  /** One more task (or connection, with its tasks) is being ended. */
  add(): void {
    this.#left++;
  }

  taskEnded(): void {
    this.#left--;
    this.#check();
  }

  /** No more tasks will be added. */
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
