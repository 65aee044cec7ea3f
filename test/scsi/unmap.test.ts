// UNMAP: descriptors, the checks on them, and what is on the medium afterwards.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const BLOCKS = 2048;
const LENGTH_ERROR = { senseKey: 5, additionalSense: 0x1a00 };

type Range = readonly [lba: number, count: number];

function list(ranges: readonly Range[], change: { total?: number; descriptors?: number } = {}): Buffer {
  const bytes = Buffer.alloc(8 + 16 * ranges.length);
  bytes.writeUInt16BE(change.total ?? bytes.length - 2, 0);
  bytes.writeUInt16BE(change.descriptors ?? bytes.length - 8, 2);
  for (const [index, [lba, count]] of ranges.entries()) {
    bytes.writeBigUInt64BE(BigInt(lba), 8 + 16 * index);
    bytes.writeUInt32BE(count, 16 + 16 * index);
  }
  return bytes;
}

function cdb(length: number, flags = 0): string {
  return `42 ${flags.toString(16).padStart(2, '0')} 00000000 00 ${length.toString(16).padStart(4, '0')} 00`;
}

function thin(kind: 'file' | 'memory'): { bench: ScsiBench; bytes: Uint8Array } {
  const bench = new ScsiBench({ kind, blockCount: BLOCKS, thin: true });
  const bytes = kind === 'file' ? bench.file.bytes : bench.memory;
  bytes.fill(0xaa);
  return { bench, bytes };
}

describe.each(['file', 'memory'] as const)('UNMAP on a %s unit', (kind) => {
  it('zeroes the blocks named, and no others', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: BLOCKS - 1 }), fc.nat({ max: 40 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), (drawn) => {
        const ranges = drawn.map(([lba, count]): Range => [lba, Math.min(count, BLOCKS - lba)]);
        const { bench, bytes } = thin(kind);
        const expected = bytes.slice();
        for (const [lba, count] of ranges) expected.fill(0, lba * BLOCK, (lba + count) * BLOCK);
        const data = list(ranges);
        expect(bench.run(cdb(data.length), { data }).status).toBe(Status.GOOD);
        expect(Buffer.compare(bytes, expected)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('unmaps nothing when one of the ranges does not exist', () => {
    const { bench, bytes } = thin(kind);
    const data = list([
      [0, 8],
      [BLOCKS - 1, 2],
    ]);
    expect(bench.run(cdb(data.length), { data })).toMatchObject({ senseKey: 5, additionalSense: 0x2100 });
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it('of no blocks is no error, wherever they are', () => {
    const { bench } = thin(kind);
    const data = list([
      [BLOCKS, 0],
      [0, 0],
    ]);
    expect(bench.run(cdb(data.length), { data }).status).toBe(Status.GOOD);
  });

  it('ignores a descriptor that is not all there', () => {
    const { bench, bytes } = thin(kind);
    const data = list([[0, 1]], { descriptors: 15 });
    expect(bench.run(cdb(data.length), { data }).status).toBe(Status.GOOD);
    expect(bytes[0]).toBe(0xaa);
  });
});

describe('UNMAP parameter lists', () => {
  it('may be absent or without descriptors', () => {
    const { bench } = thin('memory');
    expect(bench.run(cdb(0)).status).toBe(Status.GOOD);
    expect(bench.run(cdb(8), { data: list([]) }).status).toBe(Status.GOOD);
  });

  it('must hold their own header and what it says', () => {
    const { bench } = thin('memory');
    expect(bench.run(cdb(7), { data: Buffer.alloc(7) })).toMatchObject(LENGTH_ERROR);
    expect(bench.run(cdb(24), { data: list([[0, 1]], { descriptors: 32 }) })).toMatchObject(LENGTH_ERROR);
    expect(bench.run(cdb(40), { data: list([[0, 1]]) })).toMatchObject(LENGTH_ERROR);
  });

  it('may not ask for more blocks than the block limits page says, and is told where it does', () => {
    const bench = new ScsiBench({ kind: 'null', blockCount: 2 ** 24, thin: true });
    const most = list([[0, 2 ** 20]]);
    expect(bench.run(cdb(most.length), { data: most }).status).toBe(Status.GOOD);
    const more = list([
      [0, 2 ** 20],
      [2 ** 21, 1],
    ]);
    expect(bench.run(cdb(more.length), { data: more }).sense.slice(24)).toBe('2600' + '00' + '800020');
  });
});

describe('UNMAP', () => {
  it('is no command of a unit that is not thin', () => {
    const bench = new ScsiBench({ thin: false });
    const data = list([[0, 1]]);
    expect(bench.run(cdb(data.length), { data })).toMatchObject({ senseKey: 5, additionalSense: 0x2000 });
  });

  it('refuses to anchor', () => {
    const { bench } = thin('memory');
    const data = list([[0, 1]]);
    expect(bench.run(cdb(data.length, 1), { data }).sense.slice(-6)).toBe('c00001');
  });

  it('is a write: refused on a read-only unit and without a medium', () => {
    const data = list([[0, 1]]);
    const readOnly = new ScsiBench({ thin: true, readOnly: true });
    expect(readOnly.run(cdb(data.length), { data })).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
    const ejected = new ScsiBench({ thin: true, removable: true });
    ejected.unit.ready = false;
    expect(ejected.run(cdb(data.length), { data })).toMatchObject({ senseKey: 2, additionalSense: 0x3a00 });
  });

  it('stops where the disk fails, and names the LBA', () => {
    const { bench } = thin('file');
    bench.file.errno = DISK_FAULT;
    const data = list([
      [16, 8],
      [32, 8],
    ]);
    const outcome = bench.run(cdb(data.length), { data });
    expect(outcome.sense.slice(0, 14)).toBe('f0000300000010');
    expect(outcome.additionalSense).toBe(0x0c00);
  });
});
