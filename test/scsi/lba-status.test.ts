// GET LBA STATUS: every block in one stretch, mapped or not, as its file says.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScsiBench } from '../support/scsi-bench.ts';

const PAGE = 4096;
const OUT_OF_RANGE = { senseKey: 5, additionalSense: 0x2100 };
const MAPPED = 0;
const DEALLOCATED = 1;

type Extent = [lba: number, count: number, status: number];

function cdb(lba: number, allocationLength: number): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(0x9e12, 0);
  bytes.writeBigUInt64BE(BigInt(lba), 2);
  bytes.writeUInt32BE(allocationLength, 10);
  return bytes.toString('hex');
}

/** The descriptors that came whole. */
function ask(bench: ScsiBench, lba: number, allocationLength = 65_536): Extent[] {
  const { data } = bench.run(cdb(lba, allocationLength));
  const extents: Extent[] = [];
  for (let at = 8; at + 16 <= data.length; at += 16) {
    extents.push([Number(data.readBigUInt64BE(at)), data.readUInt32BE(at + 8), data[at + 12]!]);
  }
  return extents;
}

describe.each([512, 4096])('GET LBA STATUS on a file with blocks of %i', (blockSize) => {
  it('follows the map of the file', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), fc.nat(), (pages, drawn) => {
        const blockCount = (pages.length * PAGE) / blockSize;
        const bench = new ScsiBench({ kind: 'file', blockSize, blockCount, thin: true });
        for (const [page, used] of pages.entries()) if (used) bench.file.bytes[page * PAGE + 7] = 1;
        const first = drawn % blockCount;
        const statuses: number[] = [];
        for (const [lba, count, status] of ask(bench, first)) {
          expect(lba).toBe(first + statuses.length);
          for (let block = 0; block < count; block++) statuses.push(status);
        }
        const expected = Array.from({ length: blockCount - first }, (_, index) =>
          pages[Math.floor(((first + index) * blockSize) / PAGE)] ? MAPPED : DEALLOCATED,
        );
        expect(statuses).toEqual(expected);
      }),
    );
  });
});

describe('GET LBA STATUS', () => {
  it('tells of stretches, and of no more than there is room for', () => {
    const bench = new ScsiBench({ kind: 'file', blockCount: 64, thin: true });
    for (const page of [0, 2, 3]) bench.file.bytes[page * PAGE] = 1;
    const all: Extent[] = [
      [0, 8, MAPPED],
      [8, 8, DEALLOCATED],
      [16, 16, MAPPED],
      [32, 32, DEALLOCATED],
    ];
    expect(ask(bench, 0)).toEqual(all);
    expect(ask(bench, 0, 24)).toEqual(all.slice(0, 1));
    expect(ask(bench, 0, 40)).toEqual(all.slice(0, 2));
    expect(ask(bench, 17)).toEqual([[17, 15, MAPPED], all[3]]);
    expect(bench.run(cdb(0, 24)).data.readUInt32BE(0)).toBe(20);
  });

  it('tells of a block as mapped if a part of it is', () => {
    const bench = new ScsiBench({ kind: 'file', blockSize: 4096, blockCount: 4, thin: true });
    const stretches = [
      { allocated: false, end: 5120 },
      { allocated: true, end: 8192 },
      { allocated: false, end: 16_384 },
    ];
    bench.unit.backend.allocationAt = (offset) => stretches.find(({ end }) => offset < end)!;
    expect(ask(bench, 0)).toEqual([
      [0, 1, DEALLOCATED],
      [1, 1, MAPPED],
      [2, 2, DEALLOCATED],
    ]);
  });

  it('knows no holes where space is not given back', () => {
    expect(ask(new ScsiBench({ kind: 'file', blockCount: 64 }), 3)).toEqual([[3, 61, MAPPED]]);
    expect(ask(new ScsiBench({ kind: 'memory', blockCount: 64, thin: true }), 3)).toEqual([[3, 61, MAPPED]]);
  });

  it('counts no further in a descriptor than 32 bits do', () => {
    const bench = new ScsiBench({ kind: 'null', blockCount: 2 ** 33, thin: true });
    expect(ask(bench, 1)).toEqual([
      [1, 0xffff_ffff, DEALLOCATED],
      [2 ** 32, 0xffff_ffff, DEALLOCATED],
      [2 ** 33 - 1, 1, DEALLOCATED],
    ]);
  });

  it('has nothing to say of blocks that do not exist', () => {
    const bench = new ScsiBench({ blockCount: 2048 });
    for (const lba of ['0000000000000800', '8000000000000000', 'ffffffffffffffff']) {
      expect(bench.run(`9e 12 ${lba} 00000018 00 00`)).toMatchObject(OUT_OF_RANGE);
    }
  });
});
