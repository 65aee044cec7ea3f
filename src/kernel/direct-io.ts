// What O_DIRECT demands of one open file: asked of the kernel (statx, Linux 6.1) or found out by reading.
// Which block size a unit has, and what to tell its owner, is decided in control/.

import { readSync } from 'node:fs';
import { arch } from 'node:process';
import { PAGE_BYTES } from '../base/page.ts';
import { libc } from './libc.ts';
import { pageOffset } from './memory.ts';

/** Alignment in bytes of offsets and lengths, and of memory. */
export interface DirectAlignment {
  readonly offset: number;
  readonly memory: number;
}

/** The system call's number; the two architectures Node has Linux binaries for and koffi is prebuilt for. */
const STATX: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 332, arm64: 291 };
const STATX_DIOALIGN = 0x2000;
const STATX_BYTES = 256;
const AT_EMPTY_PATH = 0x1000;
// Offsets in struct statx.
const MASK = 0;
const DIO_MEMORY_ALIGN = 152;
const DIO_OFFSET_ALIGN = 156;

/** What statx says; null where kernel or file system say nothing, zeroes where the file can't be read directly. */
function askKernel(fd: number): DirectAlignment | null {
  const call = STATX[arch];
  if (call === undefined) return null;
  const answer = new DataView(new ArrayBuffer(STATX_BYTES));
  const result = libc().statx(call, fd, '', AT_EMPTY_PATH, STATX_DIOALIGN, answer);
  if (result !== 0 || (answer.getUint32(MASK, true) & STATX_DIOALIGN) === 0) return null;
  return { offset: answer.getUint32(DIO_OFFSET_ALIGN, true), memory: answer.getUint32(DIO_MEMORY_ALIGN, true) };
}

/** Whether a read of `length` bytes at `offset` works in memory aligned to `alignment` bytes and no better. */
function canRead(fd: number, length: number, offset: number, alignment: number): boolean {
  const memory = new SharedArrayBuffer(3 * PAGE_BYTES);
  const start = pageOffset(memory) + (alignment % PAGE_BYTES);
  try {
    readSync(fd, new Uint8Array(memory, start, length), 0, length, offset);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return false;
    throw error;
  }
}

/**
 * The alignment that a file opened with O_DIRECT asks for: the least of 512 and 4096 that works where the kernel does not tell.
 * Null when neither does. A hole reads at any alignment on some file systems, so the kernel's word goes first.
 * Throws where the C library can't be reached, and whatever a read may throw.
 */
export function directAlignment(fd: number): DirectAlignment | null {
  const told = askKernel(fd);
  if (told !== null) return told.offset === 0 ? null : told;
  for (const offset of [512, PAGE_BYTES]) {
    const memory = [512, PAGE_BYTES].find((alignment) => canRead(fd, offset, offset, alignment));
    if (memory !== undefined) return { offset, memory };
  }
  return null;
}
