// Disk operations that have ended, until a simulated worker looks at them.
// What it makes of them is engine.ts's; a disk may ask whether it ever did.

import type { Random } from './random.ts';

/** Tells a disk whether the worker that asked got to know how its operation ended. */
export type Heard = (known: boolean) => void;

interface Completion {
  readonly token: number;
  readonly result: number;
  readonly heard: Heard;
}

const NOBODY_ASKS = (): void => {};

/** See the file's head. */
export class Completions {
  #waiting: Completion[] = [];
  #abandoned = false;

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(token: number, result: number, heard: Heard = NOBODY_ASKS): void {
    if (this.#abandoned) heard(false);
    else this.#waiting.push({ token, result, heard });
  }

  /** Some are seen in this turn, in any order; the others in the next. */
  see(random: Random, done: (token: number, result: number) => void): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (const each of random.shuffled(all)) {
      if (random.chance(0.1)) {
        this.#waiting.push(each);
        continue;
      }
      done(each.token, each.result);
      each.heard(true);
    }
  }

  /** Nobody looks any more. */
  abandon(): void {
    this.#abandoned = true;
    for (const { heard } of this.#waiting) heard(false);
  }
}
