// The receive buffers that all sockets of a worker share: a socket has one when bytes are there, and not before.
// They lie in the slab's receive area. The kernel takes them from a ring; where it has no such rings (before Linux 5.19), sockets do.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import { layout, u16, u32, u64 } from '../base/layout.ts';
import { PageMemory } from '../kernel/memory.ts';
import { storeRelease } from '../kernel/ordered.ts';
import type { Uring } from '../kernel/uring.ts';
import type { Slab } from './slab.ts';

/** struct io_uring_buf. The ring's tail is in the first entry's `tail`. */
const ProvidedBuffer = layout(16, { address: u64(0), length: u32(8), index: u16(12), tail: u16(14) }, 'little');

/** The group that receive operations name. */
export const RECEIVE_GROUP = 0;

/** The kernel's limit on the entries of a buffer ring. */
const BUFFERS_MAX = 32768;
const HIGH_WORD = 2 ** -32;

/** The pool of receive buffers. */
export class ReceiveBuffers {
  /** Bytes of each. */
  readonly size: number;
  readonly count: number;
  /** Slab offset of one more buffer, which the kernel never gets: bytes that were put aside are offered from there. */
  readonly stagingAt: number;
  /** Whether the kernel reads them from a ring that it shares with us. */
  readonly ringed: boolean;
  /** Buffers that may be taken. */
  available: number;
  readonly #slab: Slab;
  readonly #ring: PageMemory | null = null;
  readonly #tail: Uint16Array | null = null;
  readonly #mask: number = 0;
  /** Without a ring: those that may be taken. */
  readonly #free: FreeList;
  #next = 0;

  /** Cuts the slab's receive area into buffers of `size` bytes. Without `wantRing` sockets take them, as on old kernels. */
  constructor(uring: Uring, slab: Slab, size: number, wantRing: boolean) {
    this.#slab = slab;
    this.size = size;
    this.count = Math.min(BUFFERS_MAX, Math.floor((slab.size - slab.receiveStart) / size) - 1);
    assert(this.count > 0, 'the receive area of the slab holds at least two buffers');
    this.stagingAt = slab.receiveStart + this.count * size;
    if (wantRing) {
      const entries = 2 ** Math.ceil(Math.log2(this.count));
      const ring = new PageMemory(entries * ProvidedBuffer.size);
      if (uring.registerBufferRing(ring, entries, RECEIVE_GROUP) === 0) {
        this.#ring = ring;
        this.#mask = entries - 1;
        this.#tail = new Uint16Array(ring.memory, ring.view.byteOffset + ProvidedBuffer.tail.offset, 1);
      }
    }
    this.ringed = this.#ring !== null;
    this.#free = new FreeList(this.count);
    this.available = this.count;
    if (this.#ring !== null) for (let index = 0; index < this.count; index++) this.#provide(this.#ring, index);
  }

  /** Slab offset of a buffer. Allocates nothing. */
  offsetOf(index: number): number {
    return this.#slab.receiveStart + index * this.size;
  }

  /** The kernel took a buffer from the ring. Allocates nothing. */
  taken(): void {
    this.available--;
  }

  /** Takes a buffer, where there is no ring; or {@link NONE}. Allocates nothing. */
  take(): number {
    const index = this.#free.take();
    if (index !== NONE) this.available--;
    return index;
  }

  /** Gives a buffer back. Allocates nothing. */
  release(index: number): void {
    this.available++;
    if (this.#ring === null) this.#free.release(index);
    else this.#provide(this.#ring, index);
  }

  #provide(ring: PageMemory, index: number): void {
    const address = this.#slab.base + this.offsetOf(index);
    const { words } = ring;
    const at = (this.#next & this.#mask) * (ProvidedBuffer.size >> 2);
    words[at] = address;
    words[at + 1] = address * HIGH_WORD;
    words[at + 2] = this.size;
    // The upper half of this word is, in the first entry, the tail that the kernel compares with: it must not change here.
    ring.view.setUint16(at * 4 + ProvidedBuffer.index.offset, index, true);
    this.#next = (this.#next + 1) & 0xffff;
    storeRelease(this.#tail!, 0, this.#next);
  }
}
