// What src/engine/engine.ts promises of files, of time and of bells, held against every engine: the same cases for all.
// Whoever writes to the interface must not notice which engine it is.

import {
  closeSync,
  constants as fileConstants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RangeMode, Stretch } from '../../src/engine/engine.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { ON_DISK, Scratch } from '../support/scratch.ts';
import { Bench, ENGINES, pattern } from './harness.ts';

describe.each(ENGINES)('%s: files', (_name, make) => {
  let scratch: Scratch;
  let path: string;
  let fd: number;
  const size = 1024 * 1024;

  beforeEach(() => {
    scratch = new Scratch('engine', ON_DISK);
    path = scratch.noise('disk', size);
    fd = openSync(path, 'r+');
  });
  afterEach(() => {
    closeSync(fd);
    scratch[Symbol.dispose]();
  });

  /** Starts operations, and runs the engine until all of them have ended. */
  async function results(bench: Bench, start: () => number): Promise<Map<number, number>> {
    const ended = new Map<number, number>();
    const count = start();
    bench.on.fileDone = (token, result) => {
      expect(ended.has(token)).toBe(false);
      ended.set(token, result);
      if (ended.size === count) bench.engine.stop();
    };
    await bench.engine.run();
    return ended;
  }

  it('reads into the slab and into attached memory', async () => {
    const bench = new Bench(make);
    const memory = new SharedArrayBuffer(8192);
    const base = bench.engine.attachRegion(memory);
    const slot = bench.slot(Buffer.alloc(65536));
    const ended = await results(bench, () => {
      bench.engine.read(fd, slot.address, 65536, 4096, 7);
      bench.engine.read(fd, base + 512, 4096, size - 4096, 8);
      return 2;
    });
    expect(ended).toEqual(
      new Map([
        [7, 65536],
        [8, 4096],
      ]),
    );
    const disk = readFileSync(path);
    expect(bench.copy(slot.at, 65536).equals(disk.subarray(4096, 4096 + 65536))).toBe(true);
    expect(Buffer.from(memory, 512, 4096).equals(disk.subarray(size - 4096))).toBe(true);
  });

  it('reads short at the end of the file, nothing behind it, and answers errors as negated errnos', async () => {
    const bench = new Bench(make);
    const { address } = bench.slot(Buffer.alloc(4096));
    const ended = await results(bench, () => {
      bench.engine.read(fd, address, 4096, size - 100, 1);
      bench.engine.read(fd, address, 4096, size + 4096, 2);
      bench.engine.read(9999, address, 4096, 0, 3);
      bench.engine.write(9999, address, 4096, 0, true, 4);
      bench.engine.sync(9999, 5);
      return 5;
    });
    expect(ended).toEqual(
      new Map([
        [1, 100],
        [2, 0],
        [3, -Errno.EBADF],
        [4, -Errno.EBADF],
        [5, -Errno.EBADF],
      ]),
    );
  });

  it('writes, durably or not, and syncs', async () => {
    const bench = new Bench(make);
    const memory = new SharedArrayBuffer(4096);
    new Uint8Array(memory).set(pattern(4096, 3));
    const base = bench.engine.attachRegion(memory);
    const a = bench.slot(pattern(4096, 1));
    const b = bench.slot(pattern(100_000, 2));
    const ended = await results(bench, () => {
      bench.engine.write(fd, a.address, 4096, 0, false, 1);
      bench.engine.write(fd, b.address, 100_000, 12_288, true, 2);
      bench.engine.write(fd, base, 4096, 4096, true, 3);
      bench.engine.sync(fd, 4);
      return 4;
    });
    expect(ended).toEqual(
      new Map([
        [1, 4096],
        [2, 100_000],
        [3, 4096],
        [4, 0],
      ]),
    );
    const disk = readFileSync(path);
    expect(disk.subarray(0, 4096).equals(pattern(4096, 1))).toBe(true);
    expect(disk.subarray(12_288, 112_288).equals(pattern(100_000, 2))).toBe(true);
    expect(disk.subarray(4096, 8192).equals(pattern(4096, 3))).toBe(true);
  });

  it('reads into memory that was attached after much that is gone', async () => {
    const bench = new Bench(make);
    for (let gone = 0; gone < 10_000; gone++) {
      bench.engine.detachRegion(bench.engine.attachRegion(new SharedArrayBuffer(512)));
    }
    const memory = new SharedArrayBuffer(4096);
    const base = bench.engine.attachRegion(memory);
    const ended = await results(bench, () => {
      bench.engine.read(fd, base + 1, 511, 1024, 1);
      return 1;
    });
    expect(ended).toEqual(new Map([[1, 511]]));
    expect(Buffer.from(memory, 1, 511).equals(readFileSync(path).subarray(1024, 1535))).toBe(true);
  });

  it('reaches beyond 4 GiB', async () => {
    const far = 5 * 2 ** 30;
    const bench = new Bench(make);
    const a = bench.slot(pattern(4096, 8));
    const ended = await results(bench, () => {
      bench.engine.write(fd, a.address, 4096, far, false, 1);
      return 1;
    });
    expect(ended).toEqual(new Map([[1, 4096]]));
    expect(fstatSync(fd).size).toBe(far + 4096);
  });

  it('punches holes without changing the size', async () => {
    const bench = new Bench(make);
    const blocks = fstatSync(fd).blocks;
    const ended = await results(bench, () => {
      bench.engine.clearRange(fd, RangeMode.punchHole, 65536, 131072, 1);
      bench.engine.clearRange(9999, RangeMode.punchHole, 0, 4096, 2);
      return 2;
    });
    expect(ended).toEqual(
      new Map([
        [1, 0],
        [2, -Errno.EBADF],
      ]),
    );
    expect(fstatSync(fd).size).toBe(size);
    expect(fstatSync(fd).blocks).toBeLessThan(blocks);
    const disk = readFileSync(path);
    expect(disk.subarray(65536, 65536 + 131072).every((byte) => byte === 0)).toBe(true);
    expect(disk.subarray(0, 65536).some((byte) => byte !== 0)).toBe(true);
  });

  it('clears as many ranges at a time as it is asked to', async () => {
    const bench = new Bench(make);
    const count = 600;
    const ended = await results(bench, () => {
      for (let index = 0; index < count; index++) {
        bench.engine.clearRange(fd, RangeMode.punchHole, index * 1024, 512, index);
      }
      return count;
    });
    expect([...ended.values()]).toEqual(Array.from({ length: count }, () => 0));
    const disk = readFileSync(path);
    for (let index = 0; index < count; index++) {
      const at = index * 1024;
      expect(disk.subarray(at, at + 512).every((byte) => byte === 0)).toBe(true);
      expect(disk.subarray(at + 512, at + 1024).some((byte) => byte !== 0)).toBe(true);
    }
  });

  it('zeroes ranges, or says that the file system can’t', async () => {
    const bench = new Bench(make);
    const ended = await results(bench, () => {
      bench.engine.clearRange(fd, RangeMode.zero, 4096, 8192, 1);
      return 1;
    });
    const cleared = readFileSync(path)
      .subarray(4096, 12_288)
      .every((byte) => byte === 0);
    expect([0, -Errno.EOPNOTSUPP]).toContain(ended.get(1));
    expect(cleared).toBe(ended.get(1) === 0);
  });

  it('reads and writes files that are opened with O_DIRECT, into holes too, and refuses what is not aligned', async () => {
    const bench = new Bench(make);
    const far = 4 * size;
    ftruncateSync(fd, far);
    const direct = openSync(path, fileConstants.O_RDWR | fileConstants.O_DIRECT);
    const count = 64;
    const block = 4096;
    const slots = Array.from({ length: count }, (_, index) => bench.slot(pattern(block, index)));
    const into = bench.slot(Buffer.alloc(block));
    const ended = await results(bench, () => {
      for (const [index, { address }] of slots.entries()) {
        bench.engine.write(direct, address, block, 2 * size + 2 * index * block, index % 2 === 0, index);
      }
      bench.engine.read(direct, into.address, block, block, count);
      bench.engine.read(direct, into.address + 1, block, block, count + 1);
      bench.engine.read(direct, into.address, block, far, count + 2);
      return count + 3;
    });
    closeSync(direct);
    expect(ended).toEqual(
      new Map([
        ...slots.map((_, index): [number, number] => [index, block]),
        [count, block],
        [count + 1, -Errno.EINVAL],
        [count + 2, 0],
      ]),
    );
    const disk = readFileSync(path);
    expect(bench.copy(into.at, block).equals(disk.subarray(block, 2 * block))).toBe(true);
    for (const index of slots.keys()) {
      const at = 2 * size + 2 * index * block;
      expect(disk.subarray(at, at + block).equals(pattern(block, index))).toBe(true);
    }
  });

  it('finds where a file has space, and where it has none', () => {
    const { engine } = new Bench(make);
    const far = 8 * size;
    ftruncateSync(fd, far);
    expect(engine.findStretch(fd, Stretch.data, 4096)).toBe(4096);
    const hole = engine.findStretch(fd, Stretch.hole, 4096);
    expect(hole).toBeGreaterThanOrEqual(size);
    expect(hole).toBeLessThan(far);
    expect(engine.findStretch(fd, Stretch.data, hole)).toBe(-constants.errno.ENXIO);
    expect(engine.findStretch(fd, Stretch.hole, hole + 4096)).toBe(hole + 4096);
    // The descriptor's own position, which this moves, is nobody's.
    expect(readFileSync(path).length).toBe(far);
  });

  it('has a turn pass, and another, for whoever asks', async () => {
    const bench = new Bench(make);
    const seen: string[] = [];
    bench.on.fileDone = (token, result) => {
      seen.push(`${token}: ${result}`);
      if (seen.length < 3) bench.engine.nextTurn(seen.length);
      else bench.engine.stop();
    };
    bench.engine.nextTurn(0);
    expect(seen).toEqual([]);
    await bench.engine.run();
    expect(seen).toEqual(['0: 0', '1: 0', '2: 0']);
  });

  it('takes more operations in a turn than the queue has entries', async () => {
    const bench = new Bench(make, { entries: 16 });
    writeFileSync(path, pattern(size));
    const count = 500;
    const slots = Array.from({ length: count }, () => bench.slot(Buffer.alloc(512)));
    const ended = await results(bench, () => {
      for (const [index, { address }] of slots.entries()) bench.engine.read(fd, address, 512, index * 512, index);
      return count;
    });
    expect(ended.size).toBe(count);
    for (const [index, { at }] of slots.entries()) {
      expect(ended.get(index)).toBe(512);
      expect(bench.copy(at, 512).equals(pattern(size).subarray(index * 512, index * 512 + 512))).toBe(true);
    }
  });
});

describe.each(ENGINES)('%s: time and bells', (_name, make) => {
  it('hears a bell that rang before it ran, and every bell after', async () => {
    const bench = new Bench(make);
    let rings = 0;
    bench.on.woken = () => {
      if (++rings === 5) bench.engine.stop();
      else bench.ring();
    };
    bench.ring();
    await bench.engine.run();
    expect(rings).toBe(5);
  });

  it('wakes for every alarm, no earlier than it was set for', async () => {
    const bench = new Bench(make);
    const { engine } = bench;
    const delays = [40, 1, 20, 5, 10, 2, 100];
    const heard: number[] = [];
    let start = 0;
    bench.on.woken = () => {
      start = engine.now();
      for (const delay of delays) engine.alarm(delay);
    };
    bench.on.alarmed = () => {
      heard.push(engine.now() - start);
      if (heard.length === delays.length) engine.stop();
    };
    bench.ring();
    await engine.run();
    // Timers of libuv may be early by what they round.
    for (const [index, delay] of delays.sort((a, b) => a - b).entries()) {
      expect(heard[index]).toBeGreaterThanOrEqual(delay - 1.5);
    }
  });

  it('ticks, and its clock moves on', async () => {
    const bench = new Bench(make);
    const times: number[] = [];
    bench.on.tick = () => {
      times.push(bench.engine.now());
      if (times.length === 2) bench.engine.stop();
    };
    await bench.engine.run();
    expect(times[1]).toBeGreaterThan(times[0]!);
  });
});
