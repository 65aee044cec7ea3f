import { expect, it } from 'vitest';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { resegment } from '../../src/session/resegmentation.ts';
import { SentPdu } from '../../src/session/sent-pdu.ts';
import { decode, encode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';

const SEGMENT = 1000;
const DATA = noise(6 * SEGMENT, 1);

/** Two sequences of three PDUs, as they were sent. `flags` are the last one's. */
function sent(flags: number): SentPdu[] {
  return Array.from({ length: 6 }, (_, dataSN) => {
    const header = encode(DataIn, {
      opcode: Opcode.DATA_IN,
      flags: dataSN === 5 ? flags : dataSN === 2 ? FINAL_BIT : 0,
      dataSegmentLength: SEGMENT,
      dataSN,
      bufferOffset: dataSN * SEGMENT,
    });
    return new SentPdu(
      new Uint8Array(Buffer.concat([header, DATA.subarray(dataSN * SEGMENT, (dataSN + 1) * SEGMENT)])),
    );
  });
}

it('copies no sequence that the initiator takes as it is: a SNACK of 48 bytes may ask for 64 MiB, again and again', () => {
  const pdus = sent(FINAL_BIT);
  const cut = resegment(pdus, 7, SEGMENT);
  expect(cut.every((bytes, index) => bytes === pdus[index]!.bytes)).toBe(true);
  expect(cut.map((bytes) => decode(DataIn, Buffer.from(bytes)).dataSN)).toEqual([7, 8, 9, 10, 11, 12]);
});

it('copies the one whose status is to come alone, and all that is too long', () => {
  const pdus = sent(FINAL_BIT | STATUS_BIT);
  const cut = resegment(pdus, 0, SEGMENT);
  expect(cut.map((bytes, index) => bytes === pdus[index]!.bytes)).toEqual([true, true, true, false, false, false]);
  expect(decode(DataIn, Buffer.from(cut[5]!)).flags).toBe(FINAL_BIT);
  expect(decode(DataIn, Buffer.from(pdus[5]!.bytes)).flags).toBe(FINAL_BIT | STATUS_BIT);
  expect(resegment(pdus, 0, SEGMENT - 1)).toHaveLength(8);
});
