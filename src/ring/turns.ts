// Whose turn it is at a unit, among workers: one shared word per unit, for commands that read, change and write back blocks.
// Within a worker scsi/exclusion.ts keeps the order; a worker that must wait tells main, and is called when the turn is free.

import { assert } from '../base/assert.ts';

const FREE = 0;
/** Beside the owner's number (its index plus one): somebody waits. */
const WANTED = 2 ** 30;

/** Units at a time: their ids are below. Main hands them out (control/unit-store.ts). */
export const UNITS_MAX = 64 * 1024;

/** The words of all units. Every thread makes one over the same memory. */
export class Turns {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  static create(): Turns {
    return new Turns(new SharedArrayBuffer(UNITS_MAX * Int32Array.BYTES_PER_ELEMENT));
  }

  /** Takes the turn at `unit` for worker `worker`. False: another has it, and {@link give} will tell that somebody waits. */
  take(unit: number, worker: number): boolean {
    assert(unit >= 0 && unit < UNITS_MAX, 'turns: there is no such unit');
    for (;;) {
      const word = Atomics.load(this.#words, unit);
      const free = (word & ~WANTED) === FREE;
      const next = free ? word | (worker + 1) : word | WANTED;
      if (Atomics.compareExchange(this.#words, unit, word, next) === word) return free;
    }
  }

  /** Gives the turn back; true: somebody waits for it, and must be told. */
  give(unit: number, worker: number): boolean {
    const before = Atomics.exchange(this.#words, unit, FREE);
    assert((before & ~WANTED) === worker + 1, 'turns: given back by somebody who did not have it');
    return (before & WANTED) !== 0;
  }

  /** True: nobody has the turn just now. Otherwise it is marked as wanted: {@link give} will tell. */
  freeOrWanted(unit: number): boolean {
    for (;;) {
      const word = Atomics.load(this.#words, unit);
      if ((word & ~WANTED) === FREE) return true;
      if (Atomics.compareExchange(this.#words, unit, word, word | WANTED) === word) return false;
    }
  }

  /** A worker is gone, and what it had is free; answers the units at which somebody may wait. */
  release(worker: number): number[] {
    const freed: number[] = [];
    for (let unit = 0; unit < UNITS_MAX; unit++) {
      if ((Atomics.load(this.#words, unit) & ~WANTED) !== worker + 1) continue;
      Atomics.store(this.#words, unit, FREE);
      freed.push(unit);
    }
    return freed;
  }
}
