import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { CELL_BYTES } from '../../src/engine/slab.ts';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { OVERFLOW_BIT, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { read16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import { ofCommand, type SimInitiator } from '../support/sim-initiator.ts';

const MIB = 1024 * 1024;
const CONTENT = noise(4 * MIB, 3);

function benchWithContent(): SessionBench {
  const bench = new SessionBench();
  bench.memory.set(CONTENT);
  bench.file.bytes.set(CONTENT);
  return bench;
}

/** The Data-In PDUs that came, and the data that they carried. */
function dataIn(initiator: SimInitiator, tag: number) {
  const pdus = ofCommand(initiator.replies(), tag);
  expect(pdus.every(({ opcode }) => opcode === Opcode.DATA_IN)).toBe(true);
  return {
    headers: pdus.map(({ header }) => decode(DataIn, header)),
    data: Buffer.concat(pdus.map((pdu) => pdu.data)),
  };
}

describe('Data-In (RFC 7143 §11.7)', () => {
  it('keeps to the initiator’s segments and bursts: numbers, offsets, F and S', () => {
    const given = fc.record({
      lun: fc.constantFrom(SimLun.FILE, SimLun.MEMORY),
      segment: fc.oneof(fc.constantFrom(512, 8192, 262144), fc.integer({ min: 512, max: 100_000 })),
      burst: fc.oneof(fc.constantFrom(512, 65536, MIB), fc.integer({ min: 512, max: 300_000 })),
      headerDigest: fc.constantFrom(Digest.none, Digest.crc32c),
      dataDigest: fc.constantFrom(Digest.none, Digest.crc32c),
      blocks: fc.integer({ min: 1, max: 1500 }),
      lba: fc.nat({ max: 6000 }),
    });
    fc.assert(
      fc.property(given, ({ lun, segment, burst, headerDigest, dataDigest, blocks, lba }) => {
        const bench = benchWithContent();
        const one = bench.logIn({
          session: { maxBurstLength: burst, firstBurstLength: 512 },
          connection: { maxXmitDataSegmentLength: segment, headerDigest, dataDigest },
        });
        const length = blocks * BLOCK_BYTES;
        const tag = one.command(read16(lba, blocks), { read: length, lun });
        bench.settle();
        const { headers, data } = dataIn(one, tag);
        expect(data.equals(CONTENT.subarray(lba * BLOCK_BYTES, lba * BLOCK_BYTES + length))).toBe(true);
        let offset = 0;
        for (const [index, header] of headers.entries()) {
          const end = offset + header.dataSegmentLength;
          const last = index === headers.length - 1;
          expect([header.dataSN, header.bufferOffset]).toEqual([index, offset]);
          expect(header.dataSegmentLength).toBeLessThanOrEqual(segment);
          expect((header.flags & STATUS_BIT) !== 0).toBe(last);
          // §11.7.1: F ends a sequence, and a sequence is a burst (§13.13).
          expect((header.flags & FINAL_BIT) !== 0).toBe(last || end % burst === 0);
          expect(Math.floor((end - 1) / burst)).toBe(Math.floor(offset / burst));
          offset = end;
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('Data-In with a status (§11.7.3, §11.4.5)', () => {
  it.each(
    [SimLun.FILE, SimLun.MEMORY].flatMap((lun) => [
      { lun, blocks: 4, expected: 4096, moved: 2048, bit: UNDERFLOW_BIT, residualCount: 2048 },
      { lun, blocks: 8, expected: 1000, moved: 1000, bit: OVERFLOW_BIT, residualCount: 3096 },
      { lun, blocks: 8, expected: 4096, moved: 4096, bit: 0, residualCount: 0 },
    ]),
  )('says how far $blocks blocks are from $expected bytes, unit $lun', ({ lun, blocks, expected, ...told }) => {
    const bench = benchWithContent();
    const one = bench.logIn();
    one.command(read16(0, blocks), { read: expected, lun });
    bench.settle();
    const [pdu, ...others] = one.replies();
    const { flags, residualCount } = decode(DataIn, pdu!.header);
    expect([flags, residualCount]).toEqual([FINAL_BIT | STATUS_BIT | told.bit, told.residualCount]);
    expect(pdu!.data.equals(CONTENT.subarray(0, told.moved))).toBe(true);
    expect(others).toEqual([]);
  });
});

describe('Data-In after a new MaxRecvDataSegmentLength (§13.12)', () => {
  it.each([512, 3000, 262_144])('is in segments of %i, also when the disk was at it before', (length) => {
    const bench = benchWithContent();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ connection: { maxXmitDataSegmentLength: 65_536 } });
    bench.file.stuck = true;
    const tags = Array.from({ length: 8 }, () => one.command(read16(0, 8192), { read: 4 * MIB }));
    bench.settle();
    one.declareSegmentLength(length);
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    const pdus = one.replies();
    expect(one.open).toBe(true);
    for (const tag of tags) {
      const data = ofCommand(pdus, tag).map((pdu) => pdu.data);
      expect(Buffer.concat(data).equals(CONTENT)).toBe(true);
      expect(Math.max(...data.map((part) => part.length))).toBeLessThanOrEqual(length);
    }
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect([bench.engine.slab.bytesInUse, bench.host.processor.memory.shares.active]).toEqual([unused, 0]);
  });
});

it('Data-In is padded with zeroes, whatever was in that memory before', () => {
  const bench = benchWithContent();
  const one = bench.logIn({ connection: { maxXmitDataSegmentLength: 1021 } });
  const { slab } = bench.engine;
  const cells: number[] = [];
  for (let cell = slab.takeCell(); cell !== NONE; cell = slab.takeCell()) cells.push(cell);
  for (const cell of cells) {
    slab.bytes.fill(0xff, slab.offsetOf(cell), slab.offsetOf(cell) + CELL_BYTES);
    slab.release(cell);
  }
  for (const lun of [SimLun.FILE, SimLun.MEMORY]) {
    const tag = one.command(read16(0, 8), { read: 4096, lun });
    bench.settle();
    // Padding is looked at where PDUs are taken apart.
    expect(dataIn(one, tag).data.equals(CONTENT.subarray(0, 4096))).toBe(true);
  }
});

describe('Data-In to an initiator that takes none', () => {
  it.each([SimLun.FILE, SimLun.MEMORY])('waits in parts, and others of the worker go on: unit %d', (lun) => {
    const bench = benchWithContent();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ connection: { maxXmitDataSegmentLength: 512 } });
    const two = bench.logIn();
    bench.engine.setDeaf(one.socket, true);
    const tags = Array.from({ length: 16 }, () => one.command(read16(0, 8192), { read: 4 * MIB, lun }));
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBeLessThan(bench.engine.slab.size / 2);
    for (let round = 0; round < 10; round++) {
      const tag = two.command(read16(0, 2048), { read: MIB, lun });
      bench.settle();
      expect(dataIn(two, tag).data.equals(CONTENT.subarray(0, MIB))).toBe(true);
    }
    bench.engine.setDeaf(one.socket, false);
    bench.settle();
    const pdus = one.replies();
    const data = ofCommand(pdus, tags[9]!).map((pdu) => pdu.data);
    expect(pdus.filter(({ header }) => (header[1]! & STATUS_BIT) !== 0)).toHaveLength(tags.length);
    expect(Buffer.concat(data).equals(CONTENT)).toBe(true);
    for (const { socket } of [one, two]) bench.engine.hangUp(socket);
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBe(unused);
    expect(bench.host.processor.memory.shares.active).toBe(0);
  });

  it('ends with its connection in the midst of it', () => {
    const bench = benchWithContent();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ connection: { maxXmitDataSegmentLength: 512 } });
    bench.engine.setDeaf(one.socket, true);
    for (let count = 0; count < 16; count++) one.command(read16(0, 8192), { read: 4 * MIB, lun: count % 2 });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect([one.open, bench.engine.slab.bytesInUse]).toEqual([false, unused]);
    expect(bench.host.processor.memory.hungry).toBe(false);
  });
});
