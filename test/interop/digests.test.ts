// Data come through whole with every combination of digests, R2T and immediate data, which no stock client can be made to try:
// libiscsi offers no data digest. The initiator here is our own, and checks the digests that the target computes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { read16, write16 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const BLOCK_BYTES = 512;
/** One block, one segment and a little, several bursts. */
const LENGTHS = [BLOCK_BYTES, 8192 + BLOCK_BYTES, 256 * 1024, 3 * 1024 * 1024 + BLOCK_BYTES];

const YES_NO = ['Yes', 'No'] as const;
const DIGESTS = ['None', 'CRC32C'] as const;
const COMBINATIONS = DIGESTS.flatMap((header) =>
  DIGESTS.flatMap((data) =>
    YES_NO.flatMap((initialR2T) => YES_NO.map((immediateData) => ({ header, data, initialR2T, immediateData }))),
  ),
);

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, path: 'disk.img', size: '16MiB' }] }],
      tuning: { engine, workers: 1 },
    });
  });
  afterAll(() => target.stop());

  test.each(COMBINATIONS)(
    'header digest $header, data digest $data, InitialR2T=$initialR2T, ImmediateData=$immediateData',
    async ({ header, data, initialR2T, immediateData }) => {
      const keys = {
        HeaderDigest: header,
        DataDigest: data,
        InitialR2T: initialR2T,
        ImmediateData: immediateData,
        MaxRecvDataSegmentLength: '65536',
        FirstBurstLength: '65536',
        MaxBurstLength: '262144',
      };
      using initiator = await RawInitiator.logIn(target.port, { keys });
      expect(initiator.wire).toMatchObject({ headerDigest: header === 'CRC32C', dataDigest: data === 'CRC32C' });
      expect(initiator.session.parameters).toMatchObject({
        initialR2T: initialR2T === 'Yes',
        immediateData: immediateData === 'Yes',
        firstBurstLength: 65536,
        maxBurstLength: 262144,
      });
      await initiator.ping();
      for (const [index, length] of LENGTHS.entries()) {
        const lba = index * 3;
        const written = noise(length, index + 1);
        const write = await initiator.command(write16(lba, length / BLOCK_BYTES), { write: written });
        expect(write).toMatchObject({ status: 0, residual: 0 });
        const read = await initiator.command(read16(lba, length / BLOCK_BYTES), { read: length });
        expect(read).toMatchObject({ status: 0, residual: 0 });
        expect(read.data.equals(written)).toBe(true);
      }
      expect(await initiator.logOut()).toBe(0);
    },
  );
});
