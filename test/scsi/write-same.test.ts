// WRITE SAME(10) and (16): patterns, zeroes, unmapping, and what is refused.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const BLOCKS = 2048;
const UNMAP = 0x08;
const NDOB = 0x01;
const OUT_OF_RANGE = { senseKey: 5, additionalSense: 0x2100 };

function cdb16(flags: number, lba: number, count: number): string {
  const bytes = Buffer.alloc(16);
  bytes[0] = 0x93;
  bytes[1] = flags;
  bytes.writeBigUInt64BE(BigInt(lba), 2);
  bytes.writeUInt32BE(count, 10);
  return bytes.toString('hex');
}

function cdb10(flags: number, lba: number, count: number): string {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x41;
  bytes[1] = flags;
  bytes.writeUInt32BE(lba, 2);
  bytes.writeUInt16BE(count, 7);
  return bytes.toString('hex');
}

const ZEROES = new Uint8Array(BLOCK);
const PATTERN = Uint8Array.from({ length: BLOCK }, (_, index) => (index * 13 + 1) & 0xff);

function unit(kind: 'file' | 'memory', thin = true): { bench: ScsiBench; bytes: Uint8Array } {
  const bench = new ScsiBench({ kind, blockCount: BLOCKS, thin });
  const bytes = kind === 'file' ? bench.file.bytes : bench.memory;
  bytes.fill(0xaa);
  return { bench, bytes };
}

describe.each(['file', 'memory'] as const)('WRITE SAME on a %s unit', (kind) => {
  it('puts the block into every block of the range, and into no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: BLOCKS - 1 }),
        fc.integer({ min: 1, max: BLOCKS }),
        fc.boolean(),
        fc.constantFrom(PATTERN, ZEROES),
        (lba, drawn, short, data) => {
          const count = Math.min(drawn, BLOCKS - lba);
          const { bench, bytes } = unit(kind);
          const expected = bytes.slice();
          for (let block = lba; block < lba + count; block++) expected.set(data, block * BLOCK);
          const cdb = short ? cdb10(0, lba, count) : cdb16(0, lba, count);
          expect(bench.run(cdb, { data }).status).toBe(Status.GOOD);
          expect(Buffer.compare(bytes, expected)).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('a number of blocks of 0 means all that follow', () => {
    const { bench, bytes } = unit(kind);
    expect(bench.run(cdb10(0, BLOCKS - 3, 0), { data: PATTERN }).status).toBe(Status.GOOD);
    expect(Buffer.compare(bytes.subarray(-3 * BLOCK, -2 * BLOCK), PATTERN)).toBe(0);
    expect(Buffer.compare(bytes.subarray(-BLOCK), PATTERN)).toBe(0);
    expect(bytes[bytes.length - 3 * BLOCK - 1]).toBe(0xaa);
  });

  it('with NDOB no data comes, and the blocks are zeroes', () => {
    const { bench, bytes } = unit(kind);
    expect(bench.run(cdb16(NDOB, 4, 4)).status).toBe(Status.GOOD);
    expect(bench.run(cdb16(NDOB | UNMAP, 100, 4)).status).toBe(Status.GOOD);
    expect(bytes.indexOf(0)).toBe(4 * BLOCK);
    expect(bytes.filter((byte) => byte === 0).length).toBe(8 * BLOCK);
  });

  it('with UNMAP, blocks that are not to read as zeroes are written', () => {
    const { bench, bytes } = unit(kind);
    expect(bench.run(cdb16(UNMAP, 0, 2), { data: PATTERN }).status).toBe(Status.GOOD);
    expect(Buffer.compare(bytes.subarray(BLOCK, 2 * BLOCK), PATTERN)).toBe(0);
  });

  it('blocks beyond the end are out of range', () => {
    const { bench, bytes } = unit(kind);
    for (const cdb of [cdb10(0, BLOCKS, 0), cdb10(0, BLOCKS - 1, 2), cdb16(0, 2 ** 53, 1)]) {
      expect(bench.run(cdb, { data: PATTERN })).toMatchObject(OUT_OF_RANGE);
    }
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it('data of any length but one block are refused, and nothing is written', () => {
    const { bench, bytes } = unit(kind);
    for (const length of [0, BLOCK / 2, BLOCK - 1]) {
      expect(bench.run(cdb16(0, 0, 1), { data: PATTERN.subarray(0, length) }).additionalSense).toBe(0x0e03);
    }
    expect(bench.run(cdb16(0, 0, 1), { data: PATTERN, expected: 2 * BLOCK }).additionalSense).toBe(0x0e03);
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });
});

describe('WRITE SAME is refused', () => {
  const { bench } = unit('memory');
  it.each([
    ['ANCHOR', 0x10],
    ['PBDATA', 0x04],
    ['LBDATA', 0x02],
    ['WRPROTECT', 0x20],
  ])('with %s', (_, flags) => {
    expect(bench.run(cdb16(flags, 0, 1), { data: PATTERN }).sense.slice(-6)).toBe('c00001');
    expect(bench.run(cdb10(flags, 0, 1), { data: PATTERN }).sense.slice(-6)).toBe('c00001');
  });

  it('with UNMAP in WRITE SAME(10), of any unit', () => {
    expect(bench.run(cdb10(UNMAP, 0, 1), { data: ZEROES }).sense.slice(-6)).toBe('c00001');
  });

  it('with UNMAP on a unit that is not thin', () => {
    const { bench: thick } = unit('memory', false);
    expect(thick.run(cdb16(UNMAP, 0, 1), { data: ZEROES }).sense.slice(-6)).toBe('c00001');
    expect(thick.run(cdb10(UNMAP, 0, 1), { data: ZEROES }).sense.slice(-6)).toBe('c00001');
  });

  it('for more blocks than the block limits page says, with a pointer at their number', () => {
    const large = new ScsiBench({ kind: 'null', blockCount: 2 ** 24 });
    expect(large.run(cdb16(NDOB, 0, 2 ** 19)).status).toBe(Status.GOOD);
    expect(large.run(cdb16(NDOB, 0, 2 ** 19 + 1)).sense.slice(-6)).toBe('c0000a');
    expect(large.run(cdb16(NDOB, 0, 0)).sense.slice(-6)).toBe('c0000a');
  });

  it('on a read-only unit', () => {
    const readOnly = new ScsiBench({ readOnly: true });
    expect(readOnly.run(cdb10(0, 0, 1), { data: PATTERN })).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
  });
});

describe('WRITE SAME on a failing disk', () => {
  it('names the first block of the piece that could not be written', () => {
    const { bench } = unit('file');
    bench.file.errno = DISK_FAULT;
    expect(bench.run(cdb16(0, 7, 600), { data: PATTERN }).sense.slice(0, 14)).toBe('f0000300000007');
    expect(bench.run(cdb16(0, 9, 600), { data: ZEROES }).sense.slice(0, 14)).toBe('f0000300000009');
  });
});
