// One thing after another: what is asked for while something is under way waits for its end.
// What is done, and what becomes of its errors, is the callers' business.

/** Runs what it is given in the order in which it came, each when the one before has ended, however it ended. */
export class Sequence {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
