// CDBs of 32 bytes (SBC-4): the same commands as those of 16, with their fields in other places.
// How such a CDB gets here is test/conformance/full-feature/long-cdb.test.ts's.

import { describe, expect, it } from 'vitest';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { type BenchUnit, ScsiBench } from '../support/scsi-bench.ts';

const BLOCK = 512;

/** A CDB of 32 bytes. */
function cdb(serviceAction: number, lba: number | string, blocks: number, flags = 0): string {
  const hex = (value: number | string, digits: number) => value.toString(16).padStart(digits, '0');
  return `7f 00 00000000 00 18 ${hex(serviceAction, 4)} ${hex(flags, 2)} 00 ${hex(lba, 16)} 00000000 0000 0000 ${hex(blocks, 8)}`;
}
const READ = 0x09;
const VERIFY = 0x0a;
const WRITE = 0x0b;
const WRITE_AND_VERIFY = 0x0c;
const WRITE_SAME = 0x0d;
const GET_LBA_STATUS = 0x12;

function unit(options: BenchUnit = {}): ScsiBench {
  return new ScsiBench({ kind: 'file', thin: true, ...options });
}

const INVALID_FIELD = { senseKey: SenseKey.ILLEGAL_REQUEST, additionalSense: AdditionalSense.INVALID_FIELD_IN_CDB };
const OUT_OF_RANGE = {
  senseKey: SenseKey.ILLEGAL_REQUEST,
  additionalSense: AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE,
};

describe('CDBs of 32 bytes', () => {
  it('READ, WRITE, WRITE AND VERIFY and VERIFY move the blocks that they name', () => {
    const bench = unit();
    const data = Buffer.alloc(3 * BLOCK, 'lunaring');
    expect(bench.run(cdb(WRITE, 7, 3), { data }).status).toBe(Status.GOOD);
    expect(bench.file.bytes.subarray(7 * BLOCK, 10 * BLOCK)).toEqual(new Uint8Array(data));
    expect(bench.run(cdb(READ, 8, 2), { expected: 2 * BLOCK }).data.equals(data.subarray(BLOCK))).toBe(true);
    expect(bench.run(cdb(WRITE_AND_VERIFY, 20, 3), { data }).status).toBe(Status.GOOD);
    expect(bench.run(cdb(VERIFY, 20, 3, 0x02), { data }).status).toBe(Status.GOOD);
    expect(bench.run(cdb(VERIFY, 21, 3, 0x02), { data }).senseKey).toBe(SenseKey.MISCOMPARE);
    expect(bench.run(cdb(VERIFY, 7, 3)).status).toBe(Status.GOOD);
  });

  it('FUA reaches the disk', () => {
    const bench = unit();
    bench.run(cdb(WRITE, 0, 1, 0x08), { data: Buffer.alloc(BLOCK, 1) });
    expect(bench.file.syncs).toBe(1);
    bench.run(cdb(WRITE, 0, 1), { data: Buffer.alloc(BLOCK, 1) });
    expect(bench.file.syncs).toBe(1);
  });

  it('WRITE SAME fills, unmaps, and takes no data with NDOB', () => {
    const bench = unit();
    expect(bench.run(cdb(WRITE_SAME, 2, 4), { data: Buffer.alloc(BLOCK, 0x5a) }).status).toBe(Status.GOOD);
    expect(bench.file.bytes.subarray(0, 7 * BLOCK).filter((byte) => byte === 0x5a)).toHaveLength(4 * BLOCK);
    expect(bench.run(cdb(WRITE_SAME, 2, 2, 0x01)).status).toBe(Status.GOOD);
    expect(bench.run(cdb(WRITE_SAME, 4, 1, 0x08), { data: Buffer.alloc(BLOCK) }).status).toBe(Status.GOOD);
    expect(bench.file.bytes.subarray(0, 7 * BLOCK).filter((byte) => byte === 0x5a)).toHaveLength(BLOCK);
    expect(bench.run(cdb(WRITE_SAME, 0, 1, 0x10), { data: Buffer.alloc(BLOCK) })).toMatchObject(INVALID_FIELD);
  });

  it('GET LBA STATUS tells what has space', () => {
    const bench = unit();
    bench.run(cdb(WRITE, 0, 8), { data: Buffer.alloc(8 * BLOCK, 1) });
    const { data } = bench.run(cdb(GET_LBA_STATUS, 0, 40), { expected: 40 });
    expect(data.readUInt32BE(0)).toBe(36);
    expect([data.readUInt32BE(16), data[20]]).toEqual([8, 0]);
    expect([data.readBigUInt64BE(24), data[36]]).toEqual([8n, 1]);
    const { sense } = bench.run(cdb(GET_LBA_STATUS, 0, 40, 2), { expected: 40 });
    expect(sense.endsWith('c0000a')).toBe(true);
  });

  it.each([
    ['RDPROTECT', READ],
    ['WRPROTECT', WRITE],
    ['VRPROTECT', VERIFY],
    ['WRPROTECT', WRITE_AND_VERIFY],
    ['WRPROTECT', WRITE_SAME],
  ])('%s is refused, and the pointer is at its byte', (_field, serviceAction) => {
    const outcome = unit().run(cdb(serviceAction, 0, 1, 0x20), { data: Buffer.alloc(BLOCK) });
    expect(outcome).toMatchObject(INVALID_FIELD);
    expect(outcome.sense.endsWith('c0000a')).toBe(true);
  });

  it.each([READ, WRITE, VERIFY, WRITE_AND_VERIFY, WRITE_SAME, GET_LBA_STATUS])(
    'service action %i: an LBA that is not there is out of range, however large',
    (serviceAction) => {
      for (const lba of [2048, 'ffffffffffffffff', '0020000000000000']) {
        const outcome = unit().run(cdb(serviceAction, lba, 1), { data: Buffer.alloc(BLOCK) });
        expect(outcome).toMatchObject(OUT_OF_RANGE);
      }
    },
  );

  it('a CDB that says another length, or did not come whole, is refused', () => {
    const bench = unit();
    for (const wrong of [cdb(READ, 0, 1).replace(' 18 ', ' 10 '), cdb(READ, 0, 1).slice(0, 47)]) {
      const outcome = bench.run(wrong, { expected: BLOCK });
      expect(outcome).toMatchObject(INVALID_FIELD);
      expect(outcome.sense.endsWith('c00007')).toBe(true);
    }
  });

  it('an unknown service action is refused, and so is NACA', () => {
    const bench = unit();
    expect(bench.run(cdb(0x01, 0, 1)).sense.endsWith('c00008')).toBe(true);
    expect(bench.run(cdb(READ, 0, 1).replace('7f 00', '7f 04'), { expected: BLOCK }).sense.endsWith('c00001')).toBe(
      true,
    );
  });
});
