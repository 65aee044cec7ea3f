// What is asked of the kernel so that writes last: no test sees whether a disk keeps its promise, so this looks at what it is made to promise.

import { closeSync, constants as fileConstants, openSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Aio, AioFlag, AioOperation } from '../../src/kernel/aio.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { Operation, SyncFlag, TransferFlag } from '../../src/kernel/sqe.ts';
import { Uring } from '../../src/kernel/uring.ts';
import { Scratch } from '../support/scratch.ts';
import { Bench, ENGINES, pattern } from './harness.ts';

const disk = vi.hoisted(() => ({ syncs: 0, fails: false }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const fdatasync = (fd: number, done: (error: NodeJS.ErrnoException | null) => void): void => {
    disk.syncs++;
    if (disk.fails) setImmediate(done, Object.assign(new Error('EIO'), { errno: -Errno.EIO }));
    else fs.fdatasync(fd, done);
  };
  return { ...fs, fdatasync };
});

const BYTES = 4096;
type Make = (typeof ENGINES)[number][1];
const engine = (wanted: string): Make => ENGINES.find(([name]) => name === wanted)![1];

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch('durability');
  path = scratch.noise('disk', 64 * 1024);
  disk.syncs = 0;
  disk.fails = false;
});
afterEach(() => {
  vi.restoreAllMocks();
  scratch[Symbol.dispose]();
});

/** Starts an operation on the file, and runs the engine until it has ended. Its result. */
async function run(make: Make, flags: number, start: (bench: Bench, fd: number, address: number) => void) {
  const fd = openSync(path, fileConstants.O_RDWR | flags);
  try {
    const bench = new Bench(make);
    const { address } = bench.slot(pattern(BYTES, 1));
    let ended = Number.NaN;
    bench.on.fileDone = (_token, result) => {
      ended = result;
      bench.engine.stop();
    };
    start(bench, fd, address);
    await bench.engine.run();
    return ended;
  } finally {
    closeSync(fd);
  }
}

const write =
  (durable: boolean) =>
  (bench: Bench, fd: number, address: number): void =>
    bench.engine.write(fd, address, BYTES, 0, durable, 1);

describe.each(['uring', 'uring as on Linux 5.7'])('%s', (name) => {
  /** The operations of files that the ring was given: operation, offset, length and flags. */
  async function asked(start: Parameters<typeof run>[2]) {
    const push = vi.spyOn(Uring.prototype, 'push');
    await run(engine(name), 0, start);
    const operations: readonly number[] = [Operation.WRITE, Operation.WRITE_FIXED, Operation.FSYNC];
    return push.mock.calls
      .filter(([head]) => operations.includes(head))
      .map(([head, , offset, , length, flags]) => ({ sync: head === Operation.FSYNC, offset, length, flags }));
  }

  it.each([false, true])('has a write last, or not, as it is told: %s', async (durable) => {
    expect(await asked(write(durable))).toEqual([
      { sync: false, offset: 0, length: BYTES, flags: durable ? TransferFlag.DSYNC : 0 },
    ]);
  });

  it('has the data of a whole file last, or of the range that is named', async () => {
    expect(await asked((bench, fd) => bench.engine.sync(fd, 1))).toEqual([
      { sync: true, offset: 0, length: 0, flags: SyncFlag.DATASYNC },
    ]);
    vi.restoreAllMocks();
    expect(await asked((bench, fd) => bench.engine.sync(fd, 1, 8192, BYTES))).toEqual([
      { sync: true, offset: 8192, length: BYTES, flags: SyncFlag.DATASYNC },
    ]);
  });
});

describe('posix', () => {
  it.each([false, true])('has a write last, or not, as it is told: %s', async (durable) => {
    expect(await run(engine('posix'), 0, write(durable))).toBe(BYTES);
    expect(disk.syncs).toBe(durable ? 1 : 0);
  });

  it('fails a write that is to last, and a sync, when the disk can’t be synced', async () => {
    disk.fails = true;
    expect(await run(engine('posix'), 0, write(true))).toBe(-Errno.EIO);
    expect(await run(engine('posix'), 0, (bench, fd) => bench.engine.sync(fd, 1))).toBe(-Errno.EIO);
    expect(await run(engine('posix'), 0, write(false))).toBe(BYTES);
  });

  it.each([false, true])('has a write past the page cache last, or not, as it is told: %s', async (durable) => {
    const push = vi.spyOn(Aio.prototype, 'push');
    expect(await run(engine('posix'), fileConstants.O_DIRECT, write(durable))).toBe(BYTES);
    const lasts = push.mock.calls
      .filter(([, operation]) => operation === AioOperation.WRITE)
      .map((parameters) => (parameters[6] & AioFlag.DSYNC) !== 0);
    // Where there is no AIO, and when the kernel sends it back, it goes to libuv's threads, and is synced there.
    expect(lasts).toEqual(lasts.map(() => durable));
    expect(lasts.length !== 0 || disk.syncs === (durable ? 1 : 0)).toBe(true);
    expect(disk.syncs).toBeLessThanOrEqual(durable ? 1 : 0);
  });
});
