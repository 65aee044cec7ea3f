// A fixed set of small numbers, handed out last-in first-out so that what was just used, and is still in the cache, is used again.
// Holds no objects: the caller keeps its own arrays, indexed by these numbers.

import { assert } from './assert.ts';

/** Nothing was free. */
export const NONE = -1;

/** Hands out the numbers `first` … `first + capacity - 1`, each to one owner at a time. */
export class FreeList {
  readonly capacity: number;
  readonly #first: number;
  readonly #stack: Int32Array;
  readonly #taken: Uint8Array;
  #count: number;

  constructor(capacity: number, first = 0) {
    this.capacity = capacity;
    this.#first = first;
    this.#stack = new Int32Array(capacity);
    this.#taken = new Uint8Array(capacity);
    this.#count = capacity;
    for (let index = 0; index < capacity; index++) this.#stack[index] = first + capacity - 1 - index;
  }

  /** How many are free. */
  get available(): number {
    return this.#count;
  }

  /** The number released last, or {@link NONE}. Allocates nothing. */
  take(): number {
    if (this.#count === 0) return NONE;
    const value = this.#stack[--this.#count]!;
    this.#taken[value - this.#first] = 1;
    return value;
  }

  /** Gives `value` back. Giving back what was not taken is an assertion. Allocates nothing. */
  release(value: number): void {
    const index = value - this.#first;
    assert(this.#taken[index] === 1, 'free list: released twice, or never taken');
    this.#taken[index] = 0;
    this.#stack[this.#count++] = value;
  }
}
