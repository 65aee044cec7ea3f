// A unit in memory: one SharedArrayBuffer that every worker sees and serves.
// Completes inside the call. READs are sent straight from the unit's bytes unless the caller brings memory of its own, or the unit has
// atomic writes: then each read is a copy of what no such write was changing meanwhile.

import { assert } from '../base/assert.ts';
import { PAGE_BYTES, pageFrom } from '../base/page.ts';
import type { Address, Engine } from '../engine/engine.ts';
import { SLOT_BYTES_MAX, type Slab } from '../engine/slab.ts';
import type { Allocation, Backend, BlockComplete, BlockIo, Lender } from './backend.ts';
import { ZEROES_BYTES, zeroes } from './zeroes.ts';

/** Typed arrays end at 4 GiB on Node 20, the buffer under them does not: it is seen through windows that start this far apart. */
const WINDOW_STRIDE = 2 ** 30;

/** Behind the bytes of a unit with atomic writes: a counter on a cache line of its own, odd while one is under way. */
const SEQUENCE_BYTES = 64;

/**
 * A buffer for a unit of `size` bytes. Its blocks begin on a page, wherever the buffer does: at no distance from the slab's slots that makes
 * copies slow (kernel/memory.ts). Throws a RangeError where there is no room for it.
 */
export function unitMemory(size: number, atomic = false): SharedArrayBuffer {
  return new SharedArrayBuffer(size + PAGE_BYTES + (atomic ? SEQUENCE_BYTES : 0));
}

/** See the file's head. */
export class MemoryBackend<Io extends BlockIo> implements Backend<Io>, Lender {
  readonly kind = 'memory';
  readonly immediate = true;
  /** Itself, unless it has atomic writes: what is read must be whole, which what is lent is not. */
  readonly lender: Lender | null;
  readonly atomic: boolean;
  readonly #engine: Engine;
  readonly #slab: Slab;
  /** Of the blocks, each reaching one slot into the next, so that every operation lies in the window it starts in. */
  readonly #windows: Uint8Array[] = [];
  readonly #size: number;
  readonly #region: Address;
  /** Of the first block. */
  readonly #base: Address;
  readonly #complete: BlockComplete<Io>;
  /** One word, {@link SEQUENCE_BYTES} from the end of the buffer; null: no atomic writes. */
  readonly #sequence: Int32Array | null;

  /** Attaches `memory`, which {@link unitMemory} made, to the engine until {@link detach}. */
  constructor(engine: Engine, memory: SharedArrayBuffer, complete: BlockComplete<Io>, atomic = false) {
    this.#engine = engine;
    this.#slab = engine.slab;
    this.atomic = atomic;
    this.lender = atomic ? null : this;
    const sequenceBytes = atomic ? SEQUENCE_BYTES : 0;
    this.#size = memory.byteLength - PAGE_BYTES - sequenceBytes;
    this.#sequence = atomic ? new Int32Array(memory, memory.byteLength - sequenceBytes, 1) : null;
    this.#region = engine.attachRegion(memory);
    this.#base = pageFrom(this.#region);
    const first = this.#base - this.#region;
    for (let start = 0; start < this.#size; start += WINDOW_STRIDE) {
      const length = Math.min(WINDOW_STRIDE + SLOT_BYTES_MAX, this.#size - start);
      this.#windows.push(new Uint8Array(memory, first + start, length));
    }
    this.#complete = complete;
  }

  /** Lends the unit's bytes where `io.at` is -1, which allocates nothing; otherwise copies them. */
  read(io: Io): void {
    if (io.at < 0) io.address = this.lend(io.offset, io.length);
    else if (this.#sequence === null) this.#copyOut(io);
    else this.#copyOutWhole(io, this.#sequence);
    this.#complete(io, 0);
  }

  lend(offset: number, length: number): Address {
    assert(offset + length <= this.#size, 'memory unit: read beyond its end');
    return this.#base + offset;
  }

  #copyOut(io: Io): void {
    assert(io.offset + io.length <= this.#size, 'memory unit: read beyond its end');
    const { copyByAddress } = this.#slab;
    if (copyByAddress !== null) {
      copyByAddress(this.#slab.base + io.at, this.#base + io.offset, io.length);
    } else {
      const start = io.offset % WINDOW_STRIDE;
      this.#slab.bytes.set(this.#windowAt(io.offset).subarray(start, start + io.length), io.at);
    }
  }

  /** Copies again what an atomic write of another worker was changing meanwhile: that takes it some 20 µs. */
  #copyOutWhole(io: Io, sequence: Int32Array): void {
    for (;;) {
      const before = Atomics.load(sequence, 0);
      // Odd: one is under way. Its thread may have lost its core, so this one sleeps for a moment, at most.
      if ((before & 1) !== 0) Atomics.wait(sequence, 0, before, 1);
      else {
        this.#copyOut(io);
        if (Atomics.load(sequence, 0) === before) return;
      }
    }
  }

  /**
   * Copies the data into the unit, and allocates nothing where addresses are the machine's: the C library takes 0.3 µs for 4 KiB and
   * 2.8 µs for 64 KiB, V8 through a view that it needs each time 0.5 µs and 7.8 µs.
   */
  write(io: Io): void {
    assert(io.offset + io.length <= this.#size, 'memory unit: write beyond its end');
    if (io.atomic) this.#writeAtomically(io, this.#sequence);
    else this.#copyIn(io);
    this.#complete(io, 0);
  }

  /** One at a time, which is the caller's to see to (scsi/exclusion.ts). */
  #writeAtomically(io: Io, sequence: Int32Array | null): void {
    assert(sequence !== null, 'memory unit: made for atomic writes');
    Atomics.add(sequence, 0, 1);
    this.#copyIn(io);
    Atomics.add(sequence, 0, 1);
    Atomics.notify(sequence, 0);
  }

  #copyIn(io: Io): void {
    const { copyByAddress } = this.#slab;
    if (copyByAddress !== null) {
      copyByAddress(this.#base + io.offset, this.#slab.base + io.at, io.length);
    } else {
      const data = this.#slab.bytes.subarray(io.at, io.at + io.length);
      this.#windowAt(io.offset).set(data, io.offset % WINDOW_STRIDE);
    }
  }

  sync(io: Io): void {
    this.#complete(io, 0);
  }

  clear(io: Io): void {
    const end = io.offset + io.length;
    assert(end <= this.#size, 'memory unit: clear beyond its end');
    for (let offset = io.offset; offset < end; offset += ZEROES_BYTES) {
      const length = Math.min(ZEROES_BYTES, end - offset);
      this.#windowAt(offset).set(zeroes(length), offset % WINDOW_STRIDE);
    }
    this.#complete(io, 0);
  }

  pause(io: Io): void {
    this.#engine.nextTurn(io.index);
  }

  /** All of it was reserved at the start, and stays. */
  allocationAt(_offset: number, end: number): Allocation {
    return { allocated: true, end };
  }

  /** A pause is over. */
  fileDone(io: Io): void {
    this.#complete(io, 0);
  }

  detach(): void {
    this.#engine.detachRegion(this.#region);
  }

  #windowAt(offset: number): Uint8Array {
    return this.#windows[Math.floor(offset / WINDOW_STRIDE)]!;
  }
}
