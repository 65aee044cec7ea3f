// Where JavaScript's memory is, as the kernel sees it: addresses of shared buffers, page-aligned memory, mapped regions.
// What lies in that memory is the engine's business.

import { assert } from '../base/assert.ts';
import { PAGE_BYTES, pageFrom } from '../base/page.ts';
import { KernelError } from './errno.ts';
import { libc } from './libc.ts';

/**
 * The machine address of a shared buffer's first byte. The memory of a SharedArrayBuffer never moves,
 * so the address holds for as long as the buffer is referenced.
 */
export function addressOf(memory: SharedArrayBuffer): number {
  const view = new Uint8Array(memory);
  const address = libc().memcpy(view, view, 0);
  assert(Number.isSafeInteger(address) && address > 0, 'the address of a buffer is a safe integer');
  return address;
}

/**
 * Copies `length` bytes between machine addresses; the ranges may overlap. About 0.2 µs and 30 ns for each KiB; on AMD's Zen 3 and 4 five
 * times that where, pages left aside, `to` is 1 to 31 bytes behind `from`: `rep movsb`, which C libraries take for it (glibc's bug
 * 30994). A buffer of many pages begins 16 bytes behind a page: lay out what is copied often from a page on.
 */
export function copyMemory(to: number, from: number, length: number): void {
  libc().memmove(to, from, length);
}

/** Offset of the first byte of `memory` that starts a page: the `align` that a Slab asks for. */
export function pageOffset(memory: SharedArrayBuffer): number {
  const address = addressOf(memory);
  return pageFrom(address) - address;
}

const MADV_DONTNEED = 4;
const MADV_HUGEPAGE = 14;

/** madvise(2) for the whole pages in `memory`. Answers whether the kernel takes the advice. */
function advise(memory: SharedArrayBuffer, advice: number): boolean {
  const offset = pageOffset(memory);
  const length = Math.floor((memory.byteLength - offset) / PAGE_BYTES) * PAGE_BYTES;
  return length > 0 && libc().madvise(addressOf(memory) + offset, length, advice) === 0;
}

/**
 * Asks for huge pages behind `memory`, which was just made: fewer faults while it fills, and random access that misses the TLB less. Answers
 * whether the kernel will try; it does not where they are switched off, and then all is as it was.
 */
export function adviseHugePages(memory: SharedArrayBuffer): boolean {
  return advise(memory, MADV_HUGEPAGE);
}

/**
 * Gives what lies in `memory` back to the kernel; it reads as zeroes afterwards. The buffer itself lasts until every thread that has seen it has
 * collected its garbage, which a worker hardly ever does. Answers whether the kernel took it.
 */
export function discard(memory: SharedArrayBuffer): boolean {
  return advise(memory, MADV_DONTNEED);
}

/**
 * A buffer whose pages count once they are used. Of any other that only holds where the C library has its memory from the kernel, as from 128 KiB
 * on at first, but once it has freed some, only above what it has freed: what it had before must be written with zeroes, up to 32 MiB.
 */
export function untouchedMemory(bytes: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes);
  discard(memory);
  return memory;
}

/** A page-aligned run of zeroed memory that both the kernel and JavaScript know the place of. */
export class PageMemory {
  readonly memory: SharedArrayBuffer;
  /** Machine address of the first byte. */
  readonly address: number;
  readonly view: DataView;
  /** Signed, because small integers stay unboxed; storing a larger number keeps its low 32 bits. */
  readonly words: Int32Array;

  constructor(bytes: number) {
    assert(bytes % 4 === 0, 'page memory is counted in words');
    this.memory = new SharedArrayBuffer(bytes + PAGE_BYTES);
    const offset = pageOffset(this.memory);
    this.address = addressOf(this.memory) + offset;
    this.view = new DataView(this.memory, offset, bytes);
    this.words = new Int32Array(this.memory, offset, bytes / 4);
  }
}

/** Memory that the kernel shares through a descriptor. */
export class Mapping {
  readonly words: Int32Array;
  readonly #address: number;
  readonly #length: number;

  constructor(fd: number, offset: number, length: number) {
    const PROT_READ_WRITE = 0x1 | 0x2;
    const MAP_SHARED_POPULATE = 0x1 | 0x8000;
    this.#length = length;
    this.#address = libc().mmap(0, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
    if (this.#address === -1) throw new KernelError('mmap', libc().errno());
    this.words = new Int32Array(libc().view(this.#address, length), 0, length >> 2);
  }

  /** Gives the mapping back. Touching `words` afterwards is a segmentation fault: drop every reference first. */
  unmap(): void {
    libc().munmap(this.#address, this.#length);
  }
}
