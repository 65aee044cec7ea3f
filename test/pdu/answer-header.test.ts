import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeAnswer, writeStatSN, writeWindow } from '../../src/pdu/answer-header.ts';
import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { DataIn } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { decode } from '../support/header-values.ts';

const AT = 2 * BHS_SIZE;
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const values = fc.record({
  length: fc.integer({ min: 0, max: 0xff_ffff }),
  lun: u32,
  tag: u32,
  second: u32,
  number: u32,
  offset: u32,
  count: u32,
  statSN: u32,
  expCmdSN: u32,
  maxCmdSN: u32,
});

/** The header that is written with them, between bytes that must stay as they are. */
function write(head: number, given: typeof values extends fc.Arbitrary<infer Values> ? Values : never): Buffer {
  const bytes = Buffer.alloc(5 * BHS_SIZE, 0xa5);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  const { length, lun, tag, second, number, offset, count, statSN, expCmdSN, maxCmdSN } = given;
  writeAnswer(words, AT, head, length, lun, tag, second, number, offset, count);
  writeStatSN(words, AT, statSN);
  writeWindow(words, AT, expCmdSN, maxCmdSN);
  const others = Buffer.concat([bytes.subarray(0, AT), bytes.subarray(AT + BHS_SIZE)]);
  expect(others.every((byte) => byte === 0xa5)).toBe(true);
  return bytes.subarray(AT, AT + BHS_SIZE);
}

describe('the header of an answer', () => {
  it('is Data-In', () => {
    fc.assert(
      fc.property(values, (given) => {
        const header = write(Opcode.DATA_IN | (FINAL_BIT << 8), given);
        expect(decode(DataIn, header)).toMatchObject({
          opcode: Opcode.DATA_IN,
          flags: FINAL_BIT,
          status: 0,
          totalAHSLength: 0,
          dataSegmentLength: given.length,
          initiatorTaskTag: given.tag,
          targetTransferTag: given.second,
          statSN: given.statSN,
          expCmdSN: given.expCmdSN,
          maxCmdSN: given.maxCmdSN,
          dataSN: given.number,
          bufferOffset: given.offset,
          residualCount: given.count,
        });
        expect([header.readUInt32BE(8), header.readUInt32BE(12)]).toEqual([given.lun, 0]);
      }),
    );
  });

  it('is R2T', () => {
    fc.assert(
      fc.property(values, (given) => {
        expect(decode(R2T, write(Opcode.R2T | (FINAL_BIT << 8), given))).toMatchObject({
          opcode: Opcode.R2T,
          flags: FINAL_BIT,
          dataSegmentLength: given.length,
          initiatorTaskTag: given.tag,
          targetTransferTag: given.second,
          statSN: given.statSN,
          r2tSN: given.number,
          bufferOffset: given.offset,
          desiredDataTransferLength: given.count,
        });
      }),
    );
  });

  it('is SCSI Response', () => {
    const status = 0x28;
    fc.assert(
      fc.property(values, (given) => {
        const header = write(Opcode.SCSI_RESPONSE | (FINAL_BIT << 8) | (status << 24), given);
        expect(decode(ScsiResponse, header)).toMatchObject({
          opcode: Opcode.SCSI_RESPONSE,
          flags: FINAL_BIT,
          response: 0,
          status,
          initiatorTaskTag: given.tag,
          snackTag: given.second,
          statSN: given.statSN,
          expDataSN: given.number,
          bidirectionalReadResidualCount: given.offset,
          residualCount: given.count,
        });
      }),
    );
  });
});
