// Units whose storage has lost writes that were acknowledged: one shared word per unit, the errno of the sync that said so.
// The kernel says it once (fsync(2)), to the worker that asks first; the others have it from here. What follows is the backends'.

import { UNITS_MAX } from './turns.ts';

/** The words of all units. Every thread makes one over the same memory. */
export class LostWrites {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  static create(): LostWrites {
    return new LostWrites(new SharedArrayBuffer(UNITS_MAX * Int32Array.BYTES_PER_ELEMENT));
  }

  /** A sync of the unit's storage failed with `errno`, positive. True: nobody has said that before. */
  note(unit: number, errno: number): boolean {
    return Atomics.compareExchange(this.#words, unit, 0, errno) === 0;
  }

  /** The errno of the first sync that failed since the unit's storage was opened; 0: none has. Allocates nothing. */
  errnoOf(unit: number): number {
    return Atomics.load(this.#words, unit);
  }

  /** The unit's storage has just been opened: nothing has been acknowledged yet. */
  clear(unit: number): void {
    Atomics.store(this.#words, unit, 0);
  }
}
