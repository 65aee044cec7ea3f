// Records from one thread to another through shared memory: one writer, one reader, no locks, no messages.
// What a record says is channel.ts's; how a sleeping reader is woken is up to whoever made the channel.

import { assert } from '../base/assert.ts';

// Words of the control block. Each side's word is alone on its 64-byte line, so that neither slows the other down.
const HEAD = 0;
const TAIL = 16;
const RUNG = 32;
const BLOCKED = 48;
const CONTROL_BYTES = 256;

const LENGTH_BYTES = 4;
const padded = (length: number): number => (length + 3) & ~3;

/** A ring of bytes that holds whole records. Both sides make one over the same memory. */
export class Ring {
  readonly #words: Int32Array;
  readonly #data: Uint8Array;
  readonly #lengths: Int32Array;
  readonly #mask: number;

  constructor(memory: SharedArrayBuffer) {
    const capacity = memory.byteLength - CONTROL_BYTES;
    assert((capacity & (capacity - 1)) === 0, 'ring: the capacity is a power of two');
    this.#words = new Int32Array(memory, 0, CONTROL_BYTES / 4);
    this.#data = new Uint8Array(memory, CONTROL_BYTES, capacity);
    this.#lengths = new Int32Array(memory, CONTROL_BYTES, capacity / 4);
    this.#mask = capacity - 1;
  }

  /** Memory for a ring of `capacity` bytes, a power of two. */
  static allocate(capacity: number): SharedArrayBuffer {
    return new SharedArrayBuffer(CONTROL_BYTES + capacity);
  }

  /** Bytes of the longest record. */
  get recordMax(): number {
    return (this.#mask + 1) / 2 - LENGTH_BYTES;
  }

  /** Bytes that wait to be read. For figures: either side may ask at any time, and changes it meanwhile. */
  get depth(): number {
    return (Atomics.load(this.#words, TAIL) - Atomics.load(this.#words, HEAD)) >>> 0;
  }

  /** Writer: adds a record; false when there is no room for it now. */
  tryWrite(record: Uint8Array): boolean {
    assert(record.length <= this.recordMax, 'ring: a record is at most half of the ring');
    const tail = this.#words[TAIL]!;
    const used = (tail - Atomics.load(this.#words, HEAD)) >>> 0;
    const needed = LENGTH_BYTES + padded(record.length);
    if (used + needed > this.#mask + 1) return false;
    const at = tail & this.#mask;
    this.#lengths[at >>> 2] = record.length;
    this.#copyIn(record, (at + LENGTH_BYTES) & this.#mask);
    // The store publishes: whoever sees the new tail sees the record.
    Atomics.store(this.#words, TAIL, (tail + needed) | 0);
    return true;
  }

  /** Reader: the next record, copied out, or null. */
  read(): Uint8Array | null {
    const head = this.#words[HEAD]!;
    if (head === Atomics.load(this.#words, TAIL)) return null;
    const at = head & this.#mask;
    const record = new Uint8Array(this.#lengths[at >>> 2]!);
    this.#copyOut(record, (at + LENGTH_BYTES) & this.#mask);
    Atomics.store(this.#words, HEAD, (head + LENGTH_BYTES + padded(record.length)) | 0);
    return record;
  }

  /** Writer: whether the reader must be woken. Once only until it has answered the bell. */
  mustRing(): boolean {
    return Atomics.exchange(this.#words, RUNG, 1) === 0;
  }

  /** Reader: the bell was heard; whatever is written from now on rings again. Call it before reading. */
  answerBell(): void {
    Atomics.store(this.#words, RUNG, 0);
  }

  /** Writer: there was no room; the reader will say when there is. */
  block(): void {
    Atomics.store(this.#words, BLOCKED, 1);
  }

  /** Reader, after reading: whether the writer waits for room, and must be woken. */
  unblock(): boolean {
    return Atomics.load(this.#words, BLOCKED) === 1 && Atomics.exchange(this.#words, BLOCKED, 0) === 1;
  }

  #copyIn(record: Uint8Array, at: number): void {
    const first = Math.min(record.length, this.#mask + 1 - at);
    this.#data.set(record.subarray(0, first), at);
    if (first < record.length) this.#data.set(record.subarray(first), 0);
  }

  #copyOut(record: Uint8Array, at: number): void {
    const first = Math.min(record.length, this.#mask + 1 - at);
    record.set(this.#data.subarray(at, at + first));
    if (first < record.length) record.set(this.#data.subarray(0, record.length - first), first);
  }
}
