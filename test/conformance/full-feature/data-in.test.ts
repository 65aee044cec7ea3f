// READ data on its way out: lengths, order, the ends of sequences and the status in the last PDU; and the residual counts of both directions.
// How WRITE data comes in is data-out.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STATUS_BIT } from '../../../src/pdu/data-in.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { READ_BIT, ScsiCommand } from '../../../src/pdu/scsi-command.ts';
import { OVERFLOW_BIT, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../../../src/pdu/scsi-response.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { inquiry, read16, testUnitReady, write16 } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const UNIT_BYTES = 4 * 1024 * 1024;
const UNIT_BLOCKS = UNIT_BYTES / BLOCK;
/** One block, more than most segments, more than most bursts and no multiple of either, the longest. */
const LENGTHS = [BLOCK, 9 * BLOCK, 601 * BLOCK, 1024 * 1024];
const WRITTEN = noise(1024 * 1024, 1);

const SIZES = [512, 4096, 8192, 262144].flatMap((segment) => [65536, 262144].map((burst) => ({ segment, burst })));

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: `${UNIT_BYTES}` }] }],
      tuning: { engine, workers: 1 },
    });
    using initiator = await RawInitiator.logIn(target.port);
    const write = await initiator.command(write16(0, WRITTEN.length / BLOCK), { write: WRITTEN });
    expect(write.status).toBe(Status.GOOD);
  });
  afterAll(() => target.stop());

  describe('§11.7: Data-In', () => {
    it.each(SIZES)(
      'comes in order, F ends every MaxBurstLength, S the command: MaxRecvDataSegmentLength=$segment, MaxBurstLength=$burst',
      async ({ segment, burst }) => {
        const keys = { MaxRecvDataSegmentLength: `${segment}`, MaxBurstLength: `${burst}`, FirstBurstLength: '65536' };
        using initiator = await RawInitiator.logIn(target.port, { keys });
        for (const length of LENGTHS) {
          const statSN = initiator.expStatSN;
          const read = await initiator.command(read16(0, length / BLOCK), { read: length });
          expect(read).toMatchObject({ status: Status.GOOD, residual: 0 });
          expect(read.data.equals(WRITTEN.subarray(0, length))).toBe(true);
          expect(initiator.expStatSN).toBe(statSN + 1);
          let offset = 0;
          for (const [index, pdu] of read.dataIn.entries()) {
            expect(pdu).toMatchObject({ dataSN: index, bufferOffset: offset, initiatorTaskTag: read.tag });
            expect(pdu.dataSegmentLength).toBeGreaterThan(0);
            expect(pdu.dataSegmentLength).toBeLessThanOrEqual(segment);
            offset += pdu.dataSegmentLength;
            const last = offset === length;
            expect((pdu.flags & FINAL_BIT) !== 0).toBe(last || offset % burst === 0);
            expect((pdu.flags & STATUS_BIT) !== 0).toBe(last);
            if (last) expect(pdu.statSN).toBe(statSN);
          }
          expect(offset).toBe(length);
        }
      },
    );

    it('§4.2.2.2: StatSN advances by one for each command, whether its status comes with data or by itself', async () => {
      using initiator = await RawInitiator.logIn(target.port, { keys: { MaxRecvDataSegmentLength: '512' } });
      const first = initiator.expStatSN;
      for (let command = 0; command < 12; command += 3) {
        await initiator.command(read16(0, 8), { read: 8 * BLOCK });
        expect(initiator.expStatSN).toBe(first + command + 1);
        await initiator.command(testUnitReady());
        expect(initiator.expStatSN).toBe(first + command + 2);
        await initiator.command(read16(UNIT_BLOCKS, 1), { read: BLOCK });
        expect(initiator.expStatSN).toBe(first + command + 3);
      }
    });
  });

  describe('§11.4.5: the residual count', () => {
    it.each([
      { what: 'less than was expected', blocks: 2, expected: 5 * BLOCK, moved: 2 * BLOCK },
      { what: 'more than was expected', blocks: 5, expected: 2 * BLOCK, moved: 2 * BLOCK },
      { what: 'as much as was expected', blocks: 2, expected: 2 * BLOCK, moved: 2 * BLOCK },
    ])('of a READ that has $what', async ({ blocks, expected, moved }) => {
      using initiator = await RawInitiator.logIn(target.port);
      const read = await initiator.command(read16(0, blocks), { read: expected });
      const residual = blocks * BLOCK - expected;
      expect(read).toMatchObject({ status: Status.GOOD, residual });
      expect(read.data.equals(WRITTEN.subarray(0, moved))).toBe(true);
      const { flags, residualCount } = read.dataIn.at(-1)!;
      expect(flags & (OVERFLOW_BIT | UNDERFLOW_BIT)).toBe(bitOf(residual));
      expect(residualCount).toBe(Math.abs(residual));
    });

    it('of an INQUIRY is what the unit had less to say', async () => {
      using initiator = await RawInitiator.logIn(target.port);
      const reply = await initiator.command(inquiry(5), { read: 36 });
      expect(reply).toMatchObject({ status: Status.GOOD, residual: 5 - 36 });
      expect(reply.data).toHaveLength(5);
    });

    it.each([
      { what: 'takes less than was offered', blocks: 2, offered: 5 * BLOCK, stored: 2 * BLOCK },
      { what: 'takes more than was offered', blocks: 5, offered: 2 * BLOCK, stored: 2 * BLOCK },
    ])('of a WRITE that $what', async ({ blocks, offered, stored }) => {
      using initiator = await RawInitiator.logIn(target.port);
      const lba = 4096;
      const before = noise(8 * BLOCK, 2);
      expect((await initiator.command(write16(lba, 8), { write: before })).status).toBe(Status.GOOD);
      const written = noise(offered, 3);
      const write = await initiator.command(write16(lba, blocks), { write: written });
      expect(write).toMatchObject({ status: Status.GOOD, residual: blocks * BLOCK - offered });
      const after = await initiator.command(read16(lba, 8), { read: before.length });
      expect(after.data.subarray(0, stored).equals(written.subarray(0, stored))).toBe(true);
      expect(after.data.subarray(stored).equals(before.subarray(stored))).toBe(true);
    });

    it('of a command that moves nothing is all that was expected', async () => {
      using initiator = await RawInitiator.logIn(target.port);
      expect(await initiator.command(testUnitReady(), { read: 100 })).toMatchObject({ status: 0, residual: -100 });
    });
  });

  it('§11.4.7: CHECK CONDITION comes in a SCSI Response, the length of the sense data first', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const cdb = Buffer.alloc(16);
    cdb.set(read16(UNIT_BLOCKS, 1));
    const header = { flags: FINAL_BIT | READ_BIT, lun: lunField(0), expectedDataTransferLength: BLOCK, cdb };
    const tag = initiator.send(ScsiCommand, header);
    const response = await initiator.expect(ScsiResponse);
    expect(response).toMatchObject({
      initiatorTaskTag: tag,
      flags: FINAL_BIT | UNDERFLOW_BIT,
      response: 0,
      status: Status.CHECK_CONDITION,
      expDataSN: 0,
      residualCount: BLOCK,
    });
    const senseLength = response.data.readUInt16BE(0);
    expect(senseLength).toBe(response.data.length - SENSE_LENGTH_SIZE);
    const sense = response.data.subarray(SENSE_LENGTH_SIZE);
    expect(sense.length).toBeGreaterThanOrEqual(18);
    expect(sense[2]! & 0x0f).toBe(SenseKey.ILLEGAL_REQUEST);
    expect(sense.readUInt16BE(12)).toBe(AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
  });

  it('§11.7: Data-In without status has no A bit at ErrorRecoveryLevel 0, and the reserved tag', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: { MaxRecvDataSegmentLength: '512' } });
    const { dataIn } = await initiator.command(read16(0, 16), { read: 16 * BLOCK });
    expect(dataIn).toHaveLength(16);
    for (const { flags, targetTransferTag, totalAHSLength, opcode } of dataIn) {
      expect(flags & 0x40).toBe(0);
      expect({ targetTransferTag, totalAHSLength, opcode }).toEqual({
        targetTransferTag: 0xffff_ffff,
        totalAHSLength: 0,
        opcode: 0x25,
      });
    }
  });
});

function bitOf(residual: number): number {
  if (residual === 0) return 0;
  return residual > 0 ? OVERFLOW_BIT : UNDERFLOW_BIT;
}
