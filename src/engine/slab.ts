// A worker's I/O memory: one page-aligned SharedArrayBuffer, cut at start into slots by size class and small cells.
// Hands out places, never views: there is one DataView for all of it. What the bytes mean is the callers' business.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import { PAGE_BYTES, pageFrom } from '../base/page.ts';
import type { Address } from './engine.ts';

/** Alignment of every slot's data: what O_DIRECT asks of memory on any common device, and a cache line eight times over. */
export const SLOT_ALIGNMENT = 512;
/** Bytes before each slot's data that belong to it: a PDU header goes right before the data, so that one span carries both. */
export const SLOT_HEADROOM = SLOT_ALIGNMENT;
/** Bytes of a cell: a header with its digest and a short data segment (sense data, the header that a Reject quotes). */
export const CELL_BYTES = 512;
/** The largest slot's data, and so the largest piece of a transfer in one disk operation. */
export const SLOT_BYTES_MAX = 256 * 1024;

const WORD = 8;
/** Below this a call out of JavaScript costs more than it saves. */
const COPY_BY_ADDRESS_MIN = 512;

interface SizeClass {
  readonly bytes: number;
  readonly free: FreeList;
  readonly start: number;
  readonly stride: number;
  readonly first: number;
}

/** How many bytes of a slab each purpose gets. */
export interface SlabPlan {
  /** Bytes of all slots and cells together; the slab is this plus `receiveBytes`, rounded up to pages. */
  readonly bytes: number;
  /** Bytes set aside for the engine's receive buffers, at the slab's end. */
  readonly receiveBytes: number;
}

/** Shares of the slot memory: small transfers are many, large ones are big. Exhausted classes borrow from the next larger one. */
const CLASSES = [
  { bytes: 4096, share: 0.25 },
  { bytes: 16 * 1024, share: 0.1 },
  { bytes: 64 * 1024, share: 0.15 },
  { bytes: SLOT_BYTES_MAX, share: 0.5 },
] as const;
const CELL_SHARE = 1 / 16;

/** A worker's I/O memory. */
export class Slab {
  readonly memory: SharedArrayBuffer;
  /** All of it, from the first aligned byte. Offsets everywhere are offsets into this view. */
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** The same in the machine's order: what is at `offset`, a multiple of 4, is word `offset >>> 2`. */
  readonly words: Int32Array;
  readonly size: number;
  /** Offset of the receive area, `plan.receiveBytes` long. */
  readonly receiveStart: number;
  /** Engine address of offset 0; set by the engine that adopts the slab. */
  base: Address = 0;
  /** Copies by address; set by the engine that adopts the slab, where addresses are the machine's. */
  copyByAddress: ((to: Address, from: Address, length: number) => void) | null = null;
  readonly #classes: SizeClass[] = [];
  readonly #cells: FreeList;
  readonly #cellStart: number;
  /** Below 2^32, and integers to V8 as well: offsets of a Float64Array make every access that they are used for one with doubles. */
  readonly #slotData: Uint32Array;
  readonly #slotClass: Uint8Array;

  /** Takes `align`, which says where in the buffer the first page-aligned byte is: only the kernel layer can know. */
  constructor(plan: SlabPlan, align: (memory: SharedArrayBuffer) => number = () => 0) {
    const cellCount = Math.max(64, Math.floor((plan.bytes * CELL_SHARE) / CELL_BYTES));
    const slotBytes = plan.bytes - cellCount * CELL_BYTES;
    let at = 0;
    let slots = 0;
    for (const { bytes, share } of CLASSES) {
      const stride = SLOT_HEADROOM + bytes;
      const count = Math.max(2, Math.floor((slotBytes * share) / stride));
      this.#classes.push({ bytes, stride, start: at, first: slots, free: new FreeList(count, slots) });
      at += count * stride;
      slots += count;
    }
    // A data digest goes behind the data, into the next slot's unused headroom; the last slot has this instead.
    at += SLOT_HEADROOM;
    this.#cellStart = at;
    this.#cells = new FreeList(cellCount, slots);
    at = pageFrom(at + cellCount * CELL_BYTES);
    this.receiveStart = at;
    this.size = at + pageFrom(plan.receiveBytes);
    this.memory = new SharedArrayBuffer(this.size + PAGE_BYTES);
    const first = align(this.memory);
    assert(first >= 0 && first < PAGE_BYTES, 'slab: the first page boundary is within a page');
    this.view = new DataView(this.memory, first, this.size);
    this.bytes = new Uint8Array(this.memory, first, this.size);
    this.words = new Int32Array(this.memory, first, this.size >>> 2);
    this.#slotData = new Uint32Array(slots);
    this.#slotClass = new Uint8Array(slots);
    for (const [index, sizeClass] of this.#classes.entries()) {
      for (let slot = 0; slot < sizeClass.free.capacity; slot++) {
        this.#slotData[sizeClass.first + slot] = sizeClass.start + slot * sizeClass.stride + SLOT_HEADROOM;
        this.#slotClass[sizeClass.first + slot] = index;
      }
    }
  }

  /**
   * Copies `length` bytes to offset `to` from offset `from`; the ranges may overlap. V8 moves shared memory by words where both
   * are equally aligned, and byte by byte where they are not: 4 KiB in 0.2 µs or in 2.5 µs. Digests, and segments of an odd size on
   * the network, make the second case a common one, which the C library does in 0.2 µs (bench/micro/copy.ts). Allocates nothing.
   */
  copy(to: number, from: number, length: number): void {
    const equallyAligned = ((to ^ from) & (WORD - 1)) === 0;
    if (equallyAligned || length < COPY_BY_ADDRESS_MIN || this.copyByAddress === null) {
      this.bytes.copyWithin(to, from, from + length);
    } else {
      this.copyByAddress(this.base + to, this.base + from, length);
    }
  }

  /** How many slots and cells there are: tokens are below this. */
  get tokenCount(): number {
    return this.#slotData.length + this.#cells.capacity;
  }

  get cellCount(): number {
    return this.#cells.capacity;
  }

  /** Connections that there is memory for at a time: each holds one cell, and as many are left for what they answer. */
  get connectionsMax(): number {
    return this.#cells.capacity >>> 1;
  }

  /** Bytes of data that all slots together hold. */
  get slotBytes(): number {
    return this.#classes.reduce((sum, { bytes, free }) => sum + bytes * free.capacity, 0);
  }

  /** Bytes of slots and cells that are handed out. For counters; walks the classes. */
  get bytesInUse(): number {
    let used = (this.#cells.capacity - this.#cells.available) * CELL_BYTES;
    for (const { bytes, free } of this.#classes) used += (free.capacity - free.available) * bytes;
    return used;
  }

  /** A slot for `length` bytes (at most {@link SLOT_BYTES_MAX}), or {@link NONE}. Allocates nothing. */
  takeSlot(length: number): number {
    assert(length <= SLOT_BYTES_MAX, 'slab: longer than the largest slot');
    for (let index = 0; index < this.#classes.length; index++) {
      const sizeClass = this.#classes[index]!;
      if (sizeClass.bytes < length) continue;
      const slot = sizeClass.free.take();
      if (slot !== NONE) return slot;
    }
    return NONE;
  }

  /** Offset of a slot's data, or of a cell's first byte. Allocates nothing. */
  offsetOf(token: number): number {
    const slots = this.#slotData.length;
    return token < slots ? this.#slotData[token]! : this.#cellStart + (token - slots) * CELL_BYTES;
  }

  /** Bytes of data that a slot holds. */
  capacityOf(slot: number): number {
    return this.#classes[this.#slotClass[slot]!]!.bytes;
  }

  /** Whether a token is a cell's, and not a slot's. Allocates nothing. */
  isCell(token: number): boolean {
    return token >= this.#slotData.length;
  }

  /** Bytes of slab that a slot or cell counts for: a slot's headroom is not among them. Allocates nothing. */
  footprint(token: number): number {
    return this.isCell(token) ? CELL_BYTES : this.capacityOf(token);
  }

  /** A cell of {@link CELL_BYTES}, or {@link NONE}. Allocates nothing. */
  takeCell(): number {
    return this.#cells.take();
  }

  /** Gives a slot or a cell back. Allocates nothing. */
  release(token: number): void {
    if (token < this.#slotData.length) this.#classes[this.#slotClass[token]!]!.free.release(token);
    else this.#cells.release(token);
  }
}
