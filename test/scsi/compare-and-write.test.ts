// COMPARE AND WRITE and ORWRITE(16): one step for everybody else.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const BLOCKS = 2048;
const MISCOMPARE = { senseKey: 0xe, additionalSense: 0x1d00 };

function compareAndWrite(lba: number, count: number, flags = 0): string {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x89;
  bytes[1] = flags;
  bytes.writeBigUInt64BE(BigInt(lba), 2);
  bytes[13] = count;
  return bytes.toString('hex');
}

function orwrite(lba: number, count: number, flags = 0): string {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x8b;
  bytes[1] = flags;
  bytes.writeBigUInt64BE(BigInt(lba), 2);
  bytes.writeUInt32BE(count, 10);
  return bytes.toString('hex');
}

function filled(blocks: number, byte: number): Buffer {
  return Buffer.alloc(blocks * BLOCK, byte);
}

describe.each(['file', 'memory'] as const)('COMPARE AND WRITE on a %s unit', (kind) => {
  function unit(): { bench: ScsiBench; bytes: Uint8Array } {
    const bench = new ScsiBench({ kind, blockCount: BLOCKS });
    const bytes = kind === 'file' ? bench.file.bytes : bench.memory;
    bytes.fill(0x11);
    return { bench, bytes };
  }

  it('writes where everything is as expected', () => {
    const { bench, bytes } = unit();
    const data = Buffer.concat([filled(255, 0x11), filled(255, 0x22)]);
    expect(bench.run(compareAndWrite(1000, 255), { data }).status).toBe(Status.GOOD);
    expect(bytes.findIndex((byte) => byte !== 0x11)).toBe(1000 * BLOCK);
    expect(bytes.filter((byte) => byte === 0x22).length).toBe(255 * BLOCK);
  });

  it('changes nothing otherwise, and says where the first difference is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (count, drawn) => {
        const { bench, bytes } = unit();
        const position = drawn % (count * BLOCK);
        const compare = filled(count, 0x11);
        compare[position] = 0x12;
        const data = Buffer.concat([compare, filled(count, 0x22)]);
        const outcome = bench.run(compareAndWrite(7, count), { data });
        expect(outcome).toMatchObject(MISCOMPARE);
        expect(outcome.sense.slice(0, 14)).toBe(`f0000e${position.toString(16).padStart(8, '0')}`);
        expect(bytes.every((byte) => byte === 0x11)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it.each([0, BLOCK - 1, BLOCK, 2 * BLOCK - 1])('sees a difference in byte %i of two blocks', (position) => {
    const { bench, bytes } = unit();
    bytes[7 * BLOCK + position] = 0x12;
    const before = bytes.slice();
    const data = Buffer.concat([filled(2, 0x11), filled(2, 0x22)]);
    expect(bench.run(compareAndWrite(7, 2), { data })).toMatchObject(MISCOMPARE);
    expect(Buffer.compare(bytes, before)).toBe(0);
  });

  it('of no blocks is no error', () => {
    expect(unit().bench.run(compareAndWrite(3, 0)).status).toBe(Status.GOOD);
  });

  it('is refused when the data are not two times the blocks', () => {
    const { bench, bytes } = unit();
    for (const blocks of [1, 3, 4]) {
      const data = Buffer.concat([filled(1, 0x11), filled(blocks - 1, 0x22)]);
      expect(bench.run(compareAndWrite(0, 1), { data, expected: data.length }).sense.slice(-6)).toBe('c0000d');
    }
    expect(bytes.every((byte) => byte === 0x11)).toBe(true);
  });

  it('is refused beyond the end, on a read-only unit, and with protection information', () => {
    const { bench } = unit();
    const data = filled(2, 0x11);
    expect(bench.run(compareAndWrite(BLOCKS, 1), { data })).toMatchObject({ senseKey: 5, additionalSense: 0x2100 });
    expect(bench.run(compareAndWrite(0, 1, 0x20), { data }).sense.slice(-6)).toBe('c00001');
    const readOnly = new ScsiBench({ kind, readOnly: true });
    expect(readOnly.run(compareAndWrite(0, 1), { data })).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
  });
});

describe('COMPARE AND WRITE', () => {
  it('of more blocks than the block limits page says is refused, with a pointer at their number', () => {
    const bench = new ScsiBench({ blockSize: 4096 });
    const outcome = bench.run(compareAndWrite(0, 33), { data: Buffer.alloc(2 * 33 * 4096) });
    expect(outcome.sense.slice(-6)).toBe('c0000d');
  });

  it('that all expect the same is won by one of them', () => {
    const bench = new ScsiBench({ kind: 'file' });
    const tasks = [1, 2, 3, 4].map((value) =>
      bench.begin(compareAndWrite(5, 1), { data: Buffer.concat([filled(1, 0), filled(1, value)]) }),
    );
    bench.engine.settle();
    expect(tasks.map((task) => task.status)).toEqual([
      Status.GOOD,
      Status.CHECK_CONDITION,
      Status.CHECK_CONDITION,
      Status.CHECK_CONDITION,
    ]);
    expect(tasks.slice(1).every((task) => task.additionalSense === MISCOMPARE.additionalSense)).toBe(true);
    expect(bench.file.bytes[5 * BLOCK]).toBe(1);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('reads nothing while another worker has the turn', () => {
    let free = false;
    let given = 0;
    const give = (): boolean => {
      given++;
      return false;
    };
    const bench = new ScsiBench({ kind: 'file', turn: { take: () => free, want: () => {}, give } });
    const task = bench.begin(compareAndWrite(5, 1), { data: Buffer.concat([filled(1, 7), filled(1, 8)]) });
    bench.engine.settle();
    // What the other worker does in its turn.
    bench.file.bytes.fill(7, 5 * BLOCK, 6 * BLOCK);
    expect([task.completed, given]).toEqual([false, 0]);
    free = true;
    bench.processor.turnCame(bench.unit.exclusion.turnCame()!);
    bench.engine.settle();
    expect([task.completed, task.status, given]).toEqual([true, Status.GOOD, 1]);
    expect(bench.file.bytes[5 * BLOCK]).toBe(8);
  });

  it('asks for the turn anew for each, so that other workers come in between two of one', () => {
    const calls: string[] = [];
    let others = 1;
    const take = (): boolean => {
      calls.push('take');
      return true;
    };
    const give = (): boolean => {
      calls.push('give');
      return others-- > 0;
    };
    const bench = new ScsiBench({ kind: 'file', turn: { take, want: () => calls.push('want'), give } });
    const tasks = [1, 2].map((value) =>
      bench.begin(compareAndWrite(5, 1), { data: Buffer.concat([filled(1, value - 1), filled(1, value)]) }),
    );
    bench.engine.settle();
    // Another worker has it now.
    expect(tasks.map(({ completed }) => completed)).toEqual([true, false]);
    bench.processor.turnCame(bench.unit.exclusion.turnCame()!);
    bench.engine.settle();
    expect(tasks.map(({ status, completed }) => [status, completed])).toEqual([
      [Status.GOOD, true],
      [Status.GOOD, true],
    ]);
    expect(calls).toEqual(['take', 'give', 'want', 'take', 'give']);
    expect(bench.file.bytes[5 * BLOCK]).toBe(2);
  });

  it('that is aborted gives its turn, or its place in the queue, to the next', () => {
    const bench = new ScsiBench({ kind: 'file' });
    const begin = (from: number, to: number): ReturnType<ScsiBench['begin']> =>
      bench.begin(compareAndWrite(5, 1), { data: Buffer.concat([filled(1, from), filled(1, to)]) });
    const [first, second, third] = [begin(0, 1), begin(0, 2), begin(0, 3)];
    bench.processor.abort(second);
    expect(second.completed).toBe(true);
    bench.processor.abort(first);
    expect(first.completed).toBe(false);
    bench.engine.settle();
    expect(first.completed).toBe(true);
    expect(third.status).toBe(Status.GOOD);
    expect(bench.file.bytes[5 * BLOCK]).toBe(3);
    expect(bench.unit.taskCount).toBe(0);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('reports what the disk says, and lets the next one have its turn', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.file.errno = DISK_FAULT;
    const data = filled(2, 0);
    const outcome = bench.run(compareAndWrite(9, 1), { data });
    expect(outcome.sense.slice(0, 14)).toBe('f0000300000009');
    bench.file.errno = 0;
    expect(bench.run(compareAndWrite(9, 1), { data }).status).toBe(Status.GOOD);
  });

  it('with FUA is on stable storage', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.run(compareAndWrite(0, 1, 0x08), { data: filled(2, 0) });
    expect(bench.file.syncs).toBe(1);
  });
});

describe.each(['file', 'memory'] as const)('ORWRITE on a %s unit', (kind) => {
  it('sets bits, over more data than a slot holds', () => {
    const bench = new ScsiBench({ kind, blockCount: BLOCKS });
    const bytes = kind === 'file' ? bench.file.bytes : bench.memory;
    bytes.fill(0x0f);
    const data = Buffer.alloc(1500 * BLOCK, 0xa0);
    expect(bench.run(orwrite(100, 1500), { data }).status).toBe(Status.GOOD);
    expect(bytes.indexOf(0xaf)).toBe(100 * BLOCK);
    expect(bytes.lastIndexOf(0xaf)).toBe(1600 * BLOCK - 1);
    expect(bytes.filter((byte) => byte === 0x0f).length).toBe(bytes.length - data.length);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('of no blocks is no error, of blocks beyond the end it is', () => {
    const bench = new ScsiBench({ kind, blockCount: BLOCKS });
    expect(bench.run(orwrite(BLOCKS - 1, 0)).status).toBe(Status.GOOD);
    expect(bench.run(orwrite(BLOCKS, 0)).additionalSense).toBe(0x2100);
    expect(bench.run(orwrite(BLOCKS - 1, 2), { data: Buffer.alloc(2 * BLOCK) }).additionalSense).toBe(0x2100);
  });
});

describe('ORWRITE', () => {
  it('loses no bits when several change the same block', () => {
    const bench = new ScsiBench({ kind: 'file' });
    const tasks = [0, 1, 2, 3, 4, 5, 6, 7].map((bit) => bench.begin(orwrite(0, 4), { data: filled(4, 1 << bit) }));
    bench.engine.settle();
    expect(tasks.every((task) => task.completed && task.status === Status.GOOD)).toBe(true);
    expect(bench.file.bytes.subarray(0, 4 * BLOCK).every((byte) => byte === 0xff)).toBe(true);
  });

  it('reports errors and ends, with its memory given back', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.file.errno = DISK_FAULT;
    expect(bench.run(orwrite(3, 1500), { data: Buffer.alloc(1500 * BLOCK) }).sense.slice(0, 14)).toBe('f0000300000003');
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });
});
