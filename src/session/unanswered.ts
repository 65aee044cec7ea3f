// Task management functions and logouts of one connection that have no answer yet: they wait for requests, or for tasks to end.
// What they do is task-management.ts's and logout.ts's.

/** That many at most: some initiators abort each command of a stuck disk by itself. Immediate ones are limited by no window (RFC 7143 §4.2.2.1). */
const UNANSWERED_MAX = 256;

/** See the file's head. */
export class Unanswered {
  #count = 0;

  /** No more can wait. */
  get full(): boolean {
    return this.#count >= UNANSWERED_MAX;
  }

  /** One begins; call what this answers once, in place of `send`. */
  begin<Answer>(send: (answer: Answer) => void): (answer: Answer) => void {
    this.#count++;
    return (answer) => {
      this.#count--;
      send(answer);
    };
  }
}
