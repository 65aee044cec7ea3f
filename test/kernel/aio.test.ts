// Linux AIO against a real file: what is pushed arrives, what the kernel refuses is told with its reason, and nothing is told twice.
// A kernel or a sandbox without it is one that posix-files.ts does without; here it has to be.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Aio, AioFlag, AioOperation } from '../../src/kernel/aio.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { isDirect } from '../../src/kernel/libc.ts';
import { PageMemory } from '../../src/kernel/memory.ts';
import { noise, ON_DISK, Scratch } from '../support/scratch.ts';

const ENTRIES = 8;
const BLOCK = 4096;

let scratch: Scratch;
let path: string;
let fd: number;
let aio: Aio;
let memory: PageMemory;

beforeEach(() => {
  scratch = new Scratch('aio', ON_DISK);
  path = scratch.noise('disk', ENTRIES * BLOCK);
  fd = openSync(path, constants.O_RDWR | constants.O_DIRECT);
  aio = new Aio(ENTRIES);
  memory = new PageMemory(ENTRIES * BLOCK);
});
afterEach(() => {
  aio.close();
  closeSync(fd);
  scratch[Symbol.dispose]();
});

/** Everything that ends, until nothing is in flight. */
async function finish(log: [number, number][]): Promise<void> {
  const ended = (slot: number, result: number) => log.push([slot, result]);
  aio.submit(ended);
  while (aio.inFlight > 0) await new Promise<void>((resolve) => aio.wait(ended, resolve));
}

it('reads and writes, a whole context in one go', async () => {
  const log: [number, number][] = [];
  for (let slot = 0; slot < ENTRIES; slot++) {
    aio.push(slot, AioOperation.READ, fd, memory.address + slot * BLOCK, BLOCK, slot * BLOCK, 0);
  }
  await finish(log);
  expect(log.sort(([a], [b]) => a - b)).toEqual(Array.from({ length: ENTRIES }, (_, slot) => [slot, BLOCK]));
  const bytes = new Uint8Array(memory.memory, memory.view.byteOffset, ENTRIES * BLOCK);
  expect(Buffer.from(bytes).equals(noise(ENTRIES * BLOCK))).toBe(true);

  bytes.set(noise(BLOCK, 2));
  aio.push(3, AioOperation.WRITE, fd, memory.address, BLOCK, 5 * BLOCK, AioFlag.DSYNC);
  log.length = 0;
  await finish(log);
  expect(log).toEqual([[3, BLOCK]]);
  const wanted = noise(ENTRIES * BLOCK);
  noise(BLOCK, 2).copy(wanted, 5 * BLOCK);
  expect(readFileSync(path).equals(wanted)).toBe(true);
});

it('tells of what the kernel does not take, and hands over what stands behind it', async () => {
  const log: [number, number][] = [];
  const NOT_OPEN = 9999;
  aio.push(0, AioOperation.READ, fd, memory.address, BLOCK, 0, 0);
  aio.push(1, AioOperation.READ, NOT_OPEN, memory.address, BLOCK, 0, 0);
  aio.push(2, AioOperation.READ, NOT_OPEN, memory.address, BLOCK, 0, 0);
  aio.push(3, AioOperation.READ, fd, memory.address, BLOCK, BLOCK, 0);
  await finish(log);
  expect(log.sort(([a], [b]) => a - b)).toEqual([
    [0, BLOCK],
    [1, -Errno.EBADF],
    [2, -Errno.EBADF],
    [3, BLOCK],
  ]);
});

it('lets who hears of a refusal push the next operation at once', async () => {
  const log: string[] = [];
  const ended = (slot: number, result: number): void => {
    log.push(`${slot}: ${result}`);
    if (slot === 1) aio.push(5, AioOperation.READ, fd, memory.address, BLOCK, 0, 0);
  };
  aio.push(1, AioOperation.READ, 9999, memory.address, BLOCK, 0, 0);
  aio.submit(ended);
  expect(log).toEqual([`1: ${-Errno.EBADF}`]);
  aio.submit(ended);
  while (aio.inFlight > 0) await new Promise<void>((resolve) => aio.wait(ended, resolve));
  expect(log).toEqual([`1: ${-Errno.EBADF}`, `5: ${BLOCK}`]);
});

it('sends back what would have to wait, where that is asked for', async () => {
  const log: [number, number][] = [];
  // What was written through the page cache a moment ago has to reach the disk before it can be read from there.
  aio.push(0, AioOperation.READ, fd, memory.address, BLOCK, 0, AioFlag.NOWAIT);
  await finish(log);
  expect([BLOCK, -Errno.EAGAIN]).toContain(log[0]![1]);
  log.length = 0;
  aio.push(0, AioOperation.READ, fd, memory.address, ENTRIES * BLOCK, 0, 0);
  await finish(log);
  expect(log).toEqual([[0, ENTRIES * BLOCK]]);
  // Whatever else the disk or its file system is busy with may be worth a wait, too: but it passes.
  const readAtOnce = async (): Promise<number> => {
    log.length = 0;
    aio.push(0, AioOperation.READ, fd, memory.address, BLOCK, 0, AioFlag.NOWAIT);
    await finish(log);
    const [[, result]] = log as [[number, number]];
    expect([BLOCK, -Errno.EAGAIN]).toContain(result);
    return result;
  };
  await expect.poll(readAtOnce, { timeout: 20_000 }).toBe(BLOCK);
});

it('knows which descriptors are direct', () => {
  const cached = openSync(path, 'r');
  expect(isDirect(fd)).toBe(true);
  expect(isDirect(cached)).toBe(false);
  closeSync(cached);
  expect(isDirect(9999)).toBe(false);
});
