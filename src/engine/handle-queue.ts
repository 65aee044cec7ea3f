// A first-in first-out queue of socket handles in which each stands at most once.
// What waits for whom is the engine's business: it keeps one queue for each reason to wait.

import { assert } from '../base/assert.ts';

/** Handles `0` … `capacity - 1`, each at most once, so that it never overflows. */
export class HandleQueue {
  readonly #ring: Int32Array;
  readonly #queued: Uint8Array;
  #first = 0;
  #count = 0;

  constructor(capacity: number) {
    this.#ring = new Int32Array(capacity);
    this.#queued = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#count;
  }

  /** Puts `handle` at the end, unless it stands here already. Allocates nothing. */
  push(handle: number): void {
    if (this.#queued[handle] === 1) return;
    this.#queued[handle] = 1;
    let end = this.#first + this.#count++;
    if (end >= this.#ring.length) end -= this.#ring.length;
    this.#ring[end] = handle;
  }

  /** Takes the oldest out. Allocates nothing. */
  shift(): number {
    assert(this.#count > 0, 'handle queue: empty');
    const handle = this.#ring[this.#first]!;
    this.#queued[handle] = 0;
    this.#count--;
    this.#first = this.#first + 1 === this.#ring.length ? 0 : this.#first + 1;
    return handle;
  }
}
