// VERIFY(10), (12) and (16): reading the medium, and comparing it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const OUT_OF_RANGE = { senseKey: 5, additionalSense: 0x2100 };
const MISCOMPARE = { senseKey: 0xe, additionalSense: 0x1d00 };

function cdb10(flags: number, lba: number, count: number): string {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x2f;
  bytes[1] = flags;
  bytes.writeUInt32BE(lba, 2);
  bytes.writeUInt16BE(count, 7);
  return bytes.toString('hex');
}

describe.each(['file', 'memory'] as const)('VERIFY on a %s unit', (kind) => {
  function bench(): ScsiBench {
    const made = new ScsiBench({ kind, blockCount: 2048 });
    const bytes = kind === 'file' ? made.file.bytes : made.memory;
    for (let offset = 0; offset < bytes.length; offset++) bytes[offset] = (offset * 7 + (offset >>> 9)) & 0xff;
    return made;
  }
  function content(made: ScsiBench, lba: number, count: number): Uint8Array {
    const bytes = kind === 'file' ? made.file.bytes : made.memory;
    return bytes.slice(lba * BLOCK, (lba + count) * BLOCK);
  }

  it('BYTCHK 01b: GOOD for what is there, MISCOMPARE for any other byte', () => {
    const made = bench();
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2040 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (lba, count, position) => {
          const data = content(made, lba, count);
          expect(made.run(cdb10(0x02, lba, count), { data }).status).toBe(Status.GOOD);
          const changed = position % data.length;
          data[changed] = data[changed]! ^ 0x40;
          expect(made.run(cdb10(0x02, lba, count), { data })).toMatchObject(MISCOMPARE);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('BYTCHK 11b: one block against all of them', () => {
    const made = bench();
    const bytes = kind === 'file' ? made.file.bytes : made.memory;
    bytes.fill(0x5a, 0, 600 * BLOCK);
    const data = new Uint8Array(BLOCK).fill(0x5a);
    expect(made.run(cdb10(0x06, 0, 600), { data }).status).toBe(Status.GOOD);
    bytes[600 * BLOCK - 1] = 0;
    expect(made.run(cdb10(0x06, 0, 600), { data })).toMatchObject(MISCOMPARE);
  });

  it('the twelve and sixteen byte commands do the same', () => {
    const made = bench();
    const data = content(made, 5, 2);
    expect(made.run('af 02 00000005 00000002 00 00', { data }).status).toBe(Status.GOOD);
    expect(made.run('8f 02 0000000000000005 00000002 00 00', { data }).status).toBe(Status.GOOD);
    data[0] = data[0]! ^ 1;
    expect(made.run('af 02 00000005 00000002 00 00', { data })).toMatchObject(MISCOMPARE);
    expect(made.run('8f 02 0000000000000005 00000002 00 00', { data })).toMatchObject(MISCOMPARE);
  });

  it('a length of 0 is no error, and compares nothing', () => {
    const made = bench();
    expect(made.run(cdb10(0x00, 2047, 0)).status).toBe(Status.GOOD);
    expect(made.run(cdb10(0x02, 2047, 0)).status).toBe(Status.GOOD);
    expect(made.run(cdb10(0x06, 2047, 0)).status).toBe(Status.GOOD);
  });

  it('blocks beyond the end are out of range, even none of them', () => {
    const made = bench();
    expect(made.run(cdb10(0x00, 2048, 0))).toMatchObject(OUT_OF_RANGE);
    expect(made.run(cdb10(0x00, 2047, 2))).toMatchObject(OUT_OF_RANGE);
    expect(made.run(cdb10(0x00, 0xffffffff, 1))).toMatchObject(OUT_OF_RANGE);
    expect(made.run('8f 00 ffffffffffffffff 00000001 00 00')).toMatchObject(OUT_OF_RANGE);
  });

  it('refuses BYTCHK 10b and protection information', () => {
    const made = bench();
    expect(made.run(cdb10(0x04, 0, 1)).sense.slice(-6)).toBe('c00001');
    expect(made.run(cdb10(0x20, 0, 1)).sense.slice(-6)).toBe('c00001');
  });

  it('refuses less data than there are blocks to compare, and compares all of them where more comes', () => {
    const made = bench();
    const data = content(made, 0, 4);
    for (const length of [0, BLOCK, 4 * BLOCK - 1]) {
      const sent = { data: data.subarray(0, length), expected: length };
      expect(made.run(cdb10(0x02, 0, 4), sent).additionalSense).toBe(0x0e03);
      expect(made.run('8f 02 0000000000000000 00000004 00 00', sent).additionalSense).toBe(0x0e03);
    }
    expect(made.run(cdb10(0x02, 0, 3), { data }).status).toBe(Status.GOOD);
    data[3 * BLOCK - 1] = data[3 * BLOCK - 1]! ^ 1;
    expect(made.run(cdb10(0x02, 0, 3), { data })).toMatchObject(MISCOMPARE);
  });

  it('compares longer data than a slot', () => {
    const made = bench();
    const data = content(made, 0, 1500);
    expect(made.run(cdb10(0x02, 0, 1500), { data }).status).toBe(Status.GOOD);
    data[1400 * BLOCK] = data[1400 * BLOCK]! ^ 1;
    expect(made.run(cdb10(0x02, 0, 1500), { data })).toMatchObject(MISCOMPARE);
  });

  it('needs exactly one block where one is compared with all', () => {
    const made = bench();
    for (const length of [0, BLOCK - 1, BLOCK + 1]) {
      const data = new Uint8Array(length);
      expect(made.run(cdb10(0x06, 0, 4), { data, expected: length }).additionalSense).toBe(0x0e03);
    }
  });
});

describe('VERIFY with one block of data', () => {
  it.each(['memory', 'null'] as const)('lets others have a turn on a %s unit', (kind) => {
    const made = new ScsiBench({ kind, blockCount: 32 * 1024 });
    const task = made.begin(cdb10(0x06, 0, 32 * 1024), { data: new Uint8Array(BLOCK) });
    expect(task.completed).toBe(false);
    made.engine.settle();
    expect(task).toMatchObject({ completed: true, status: Status.GOOD });
  });
});

describe('VERIFY of the medium', () => {
  it('reads it for real, all of it', () => {
    const bench = new ScsiBench({ kind: 'file', blockCount: 4096 });
    expect(bench.run(cdb10(0x00, 0, 4096)).status).toBe(Status.GOOD);
    bench.file.errno = DISK_FAULT;
    expect(bench.run(cdb10(0x00, 3, 100))).toMatchObject({ senseKey: 3, additionalSense: 0x1100 });
  });

  it('names the LBA at which reading failed', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.file.errno = DISK_FAULT;
    expect(bench.run(cdb10(0x00, 3, 100)).sense.slice(0, 14)).toBe('f0000300000003');
  });
});
