// Addresses of shared memory: the kernel, asked to read a file to one, puts the bytes where JavaScript sees them.

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { PAGE_BYTES } from '../../src/base/page.ts';
import {
  addressOf,
  adviseHugePages,
  discard,
  PageMemory,
  pageOffset,
  untouchedMemory,
} from '../../src/kernel/memory.ts';
import { Operation } from '../../src/kernel/sqe.ts';
import { Uring } from '../../src/kernel/uring.ts';
import { Scratch } from '../support/scratch.ts';

test('bytes read to an address appear in the buffer that is there', () => {
  using scratch = new Scratch('memory');
  const path = scratch.noise('file', 3000);
  const fd = openSync(path, 'r');
  const uring = new Uring(8);
  const memory = new SharedArrayBuffer(1024 * 1024);
  let result = 0;
  uring.push(Operation.READ, fd, 0, addressOf(memory) + 12_345, 3000, 0, 0, 0, 0);
  uring.enter(1);
  uring.reap({
    preview: () => {},
    complete: (_userLow, _userHigh, bytes) => {
      result = bytes;
    },
  });
  uring.close();
  closeSync(fd);
  expect(result).toBe(3000);
  expect(Buffer.from(memory, 12_345, 3000).equals(readFileSync(path))).toBe(true);
  expect(Buffer.from(memory, 0, 12_345).every((byte) => byte === 0)).toBe(true);
});

test.each([4096, 100_000, 64 * 1024 * 1024])('a page starts where it is said to, in a buffer of %i bytes', (bytes) => {
  const memory = new SharedArrayBuffer(bytes);
  const offset = pageOffset(memory);
  expect(offset).toBeGreaterThanOrEqual(0);
  expect(offset).toBeLessThan(PAGE_BYTES);
  expect((addressOf(memory) + offset) % PAGE_BYTES).toBe(0);
});

test('page memory is aligned, zeroed, and the same through both of its views', () => {
  const pages = new PageMemory(8192);
  expect(pages.address % PAGE_BYTES).toBe(0);
  expect(pages.words).toHaveLength(2048);
  expect(pages.words.every((word) => word === 0)).toBe(true);
  pages.words[2047] = 0x01020304;
  expect(pages.view.getUint32(8188, true)).toBe(0x01020304);
  expect(pages.address - addressOf(pages.memory)).toBe(pages.view.byteOffset);
});

/** The flags that the kernel keeps for the pages at `address`: `VmFlags` of proc_pid_smaps(5). */
function pageFlags(address: number): string {
  let inside = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    if (start !== undefined) inside = Number.parseInt(start, 16) <= address && address < Number.parseInt(end!, 16);
    else if (inside && line.startsWith('VmFlags:')) return line;
  }
  throw new Error('nothing is mapped there');
}

test('huge pages are asked for where the kernel has them', () => {
  const memory = new SharedArrayBuffer(64 * 1024 * 1024);
  const middle = addressOf(memory) + memory.byteLength / 2;
  expect(pageFlags(middle)).not.toMatch(/ hg\b/);
  const known = existsSync('/sys/kernel/mm/transparent_hugepage');
  expect(adviseHugePages(memory)).toBe(known);
  if (known) expect(pageFlags(middle)).toMatch(/ hg\b/);
});

test('what lies in a buffer is given back, and the bytes around its pages are left alone', () => {
  const memory = new SharedArrayBuffer(4 * 1024 * 1024 + 100);
  const bytes = new Uint8Array(memory).fill(7);
  const offset = pageOffset(memory);
  const end = offset + Math.floor((bytes.length - offset) / PAGE_BYTES) * PAGE_BYTES;
  expect(discard(memory)).toBe(true);
  expect(bytes.subarray(offset, end).every((byte) => byte === 0)).toBe(true);
  expect([...bytes.subarray(0, offset), ...bytes.subarray(end)].every((byte) => byte === 7)).toBe(true);
});

test('a buffer counts once it is used, whatever the C library had its memory for before', () => {
  const BYTES = 8 * 1024 * 1024;
  const c = koffi.load(null);
  const malloc = c.func('malloc', 'int64', ['size_t']);
  const free = c.func('free', 'void', ['int64']);
  const memset = c.func('memset', 'int64', ['int64', 'int', 'size_t']);
  const mincore = c.func('mincore', 'int', ['int64', 'size_t', 'void *']);
  // The first comes from the kernel and goes back there; from then on the C library keeps what is no longer.
  for (let times = 0; times < 2; times++) {
    const address = malloc(BYTES);
    memset(address, 7, BYTES);
    free(address);
  }
  const memory = untouchedMemory(BYTES - PAGE_BYTES);
  const pages = new Uint8Array(Math.floor(memory.byteLength / PAGE_BYTES) - 1);
  expect(mincore(addressOf(memory) + pageOffset(memory), pages.length * PAGE_BYTES, pages)).toBe(0);
  expect(pages.some((page) => (page & 1) !== 0)).toBe(false);
  expect(new Uint8Array(memory).every((byte) => byte === 0)).toBe(true);
});
