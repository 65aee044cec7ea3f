// WRITE data on its way in: immediate, unsolicited and solicited, and what becomes of data that comes out of order.
// What the unit then holds is read back; how READs go out is data-in.test.ts.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { NopIn } from '../../../src/pdu/nop-in.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { decode, lunField } from '../../support/header-values.ts';
import type { CommandResult } from '../../support/initiator-command.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
/** Data-Out PDUs of this length: sequences have several, though the target would take longer ones. */
const SEGMENT = 4096;
/** One block, less than the longest first burst, more than the longest burst. */
const LENGTHS = [BLOCK, 20 * BLOCK, 524 * BLOCK];

const BURSTS = [512, 4096, 65536].flatMap((first) =>
  [512, 8192, 262144].filter((most) => first <= most).map((most) => ({ first, most })),
);
const YES_NO = ['Yes', 'No'] as const;
const WAYS = YES_NO.flatMap((initialR2T) =>
  YES_NO.flatMap((immediateData) => [1, 4].map((outstanding) => ({ initialR2T, immediateData, outstanding }))),
);

/** What the initiator may send unasked: immediate data and the sequence behind it, FirstBurstLength in all. */
function unasked(initiator: RawInitiator, length: number): number {
  const { initialR2T, immediateData, firstBurstLength } = initiator.session.parameters;
  const burst = Math.min(length, firstBurstLength);
  if (!initialR2T) return burst;
  return immediateData ? Math.min(burst, SEGMENT) : 0;
}

/** The R2Ts ask for every byte from `start` to `end`, once and in order. */
function expectBursts(result: CommandResult, start: number, end: number, maxBurstLength: number): void {
  let offset = start;
  for (const [index, r2t] of result.r2t.entries()) {
    expect(r2t).toMatchObject({ r2tSN: index, bufferOffset: offset, initiatorTaskTag: result.tag });
    expect(r2t.desiredDataTransferLength).toBeGreaterThan(0);
    expect(r2t.desiredDataTransferLength).toBeLessThanOrEqual(maxBurstLength);
    offset += r2t.desiredDataTransferLength;
  }
  expect(offset).toBe(end);
}

/** A write of `length` bytes announced; `immediate` of them ride along. Returns its Initiator Task Tag. */
function announce(initiator: RawInitiator, length: number, final: boolean, immediate = 0): number {
  const cdb = Buffer.alloc(16);
  cdb.set(write16(0, length / BLOCK));
  const flags = WRITE_BIT | (final ? FINAL_BIT : 0);
  const header = { flags, lun: lunField(0), expectedDataTransferLength: length, cdb };
  return initiator.send(ScsiCommand, header, { data: Buffer.alloc(immediate, 0xee) });
}

/** The command ends with ABORTED COMMAND, and the session takes the next as if nothing had been. */
async function expectAborted(initiator: RawInitiator, tag: number, additional: number): Promise<void> {
  const response = await initiator.expect(ScsiResponse);
  expect(response).toMatchObject({ initiatorTaskTag: tag, response: 0, status: Status.CHECK_CONDITION });
  expect(response.data[2 + 2]! & 0x0f).toBe(SenseKey.ABORTED_COMMAND);
  expect(response.data.readUInt16BE(2 + 12)).toBe(additional);
  const written = noise(64 * BLOCK, tag);
  expect((await initiator.command(write16(0, 64), { write: written })).status).toBe(Status.GOOD);
  const read = await initiator.command(read16(0, 64), { read: written.length });
  expect(read.data.equals(written)).toBe(true);
}

describe.each(['uring', 'posix'] as const)('Data-Out, engine %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '4MiB' }] }],
      tuning: { engine, workers: 1 },
    });
  });
  afterAll(() => target.stop());

  async function logIn(keys: Readonly<Record<string, string>>): Promise<RawInitiator> {
    const initiator = await RawInitiator.logIn(target.port, { keys });
    initiator.parameters.maxXmitDataSegmentLength = SEGMENT;
    return initiator;
  }

  it.each(WAYS)(
    'is asked for what did not come unasked: InitialR2T=$initialR2T, ImmediateData=$immediateData, MaxOutstandingR2T=$outstanding',
    async ({ initialR2T, immediateData, outstanding }) => {
      for (const { first, most } of BURSTS) {
        using initiator = await logIn({
          InitialR2T: initialR2T,
          ImmediateData: immediateData,
          MaxOutstandingR2T: `${outstanding}`,
          FirstBurstLength: `${first}`,
          MaxBurstLength: `${most}`,
        });
        expect(initiator.session.parameters).toMatchObject({
          initialR2T: initialR2T === 'Yes',
          immediateData: immediateData === 'Yes',
          firstBurstLength: first,
          maxBurstLength: most,
        });
        for (const length of LENGTHS) {
          const written = noise(length, length + most);
          const write = await initiator.command(write16(3, length / BLOCK), { write: written });
          expect(write).toMatchObject({ status: Status.GOOD, residual: 0 });
          expectBursts(write, unasked(initiator, length), length, most);
          const read = await initiator.command(read16(3, length / BLOCK), { read: length });
          expect(read.data.equals(written)).toBe(true);
        }
      }
    },
  );

  it('§11.8: R2Ts that wait for their data are MaxOutstandingR2T at most, and each has a tag of its own', async () => {
    using initiator = await logIn({ InitialR2T: 'Yes', MaxOutstandingR2T: '4', MaxBurstLength: '262144' });
    const most = initiator.session.parameters.maxOutstandingR2T;
    announce(initiator, 2 * 1024 * 1024, true);
    const ping = initiator.send(NopOut, {}, { immediate: true });
    const tags = new Set<number>();
    let asked = 0;
    // R2Ts come until the limit is reached; the answer to the ping, in between or behind them, ends the wait.
    for (;;) {
      const pdu = (await initiator.receive())!;
      if (pdu.opcode === Opcode.NOP_IN) {
        expect(decode(NopIn, pdu.header).initiatorTaskTag).toBe(ping);
        break;
      }
      expect(pdu.opcode).toBe(Opcode.R2T);
      tags.add(decode(R2T, pdu.header).targetTransferTag);
      asked++;
    }
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(most);
    expect(tags.size).toBe(asked);
  });

  describe('that breaks the rules ends its command with ABORTED COMMAND, and nothing else', () => {
    const SOLICITED = { InitialR2T: 'Yes', ImmediateData: 'No', FirstBurstLength: '4096', MaxBurstLength: '8192' };
    const UNSOLICITED = { ...SOLICITED, InitialR2T: 'No', ImmediateData: 'Yes' };
    const LENGTH = 16384;

    it.each([
      {
        mistake: 'a DataSN too high',
        dataSN: 1,
        shift: 0,
        length: 8192,
        additional: AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR,
      },
      {
        mistake: 'an offset too high',
        dataSN: 0,
        shift: 512,
        length: 4096,
        additional: AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR,
      },
      {
        mistake: 'more than was asked for',
        dataSN: 0,
        shift: 0,
        length: 8704,
        additional: AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA,
      },
      {
        mistake: 'less than was asked for',
        dataSN: 0,
        shift: 0,
        length: 4096,
        additional: AdditionalSense.WRITE_ERROR_NOT_ENOUGH_UNSOLICITED_DATA,
      },
    ])('asked for: $mistake', async ({ dataSN, shift, length, additional }) => {
      using initiator = await logIn(SOLICITED);
      const tag = announce(initiator, LENGTH, true);
      const { lun, targetTransferTag, bufferOffset, desiredDataTransferLength } = await initiator.expect(R2T);
      expect({ bufferOffset, desiredDataTransferLength }).toEqual({ bufferOffset: 0, desiredDataTransferLength: 8192 });
      const header = { initiatorTaskTag: tag, lun, targetTransferTag, dataSN, bufferOffset: shift };
      initiator.send(DataOut, header, { data: Buffer.alloc(length, 0xee) });
      await expectAborted(initiator, tag, additional);
    });

    it.each([
      {
        mistake: 'a DataSN too high',
        dataSN: 1,
        offset: 512,
        length: 512,
        additional: AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR,
      },
      {
        mistake: 'an offset too high',
        dataSN: 0,
        offset: 1024,
        length: 512,
        additional: AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR,
      },
      {
        mistake: 'an offset that came already',
        dataSN: 0,
        offset: 0,
        length: 512,
        additional: AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR,
      },
      {
        mistake: 'more than FirstBurstLength',
        dataSN: 0,
        offset: 512,
        length: 4096,
        additional: AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA,
      },
    ])('unasked: $mistake', async ({ dataSN, offset, length, additional }) => {
      using initiator = await logIn(UNSOLICITED);
      const tag = announce(initiator, LENGTH, false, 512);
      const header = { initiatorTaskTag: tag, dataSN, bufferOffset: offset };
      initiator.send(DataOut, header, { data: Buffer.alloc(length, 0xee) });
      await expectAborted(initiator, tag, additional);
    });

    it('unasked: a mistake in the first PDU is answered once the last of the sequence is in', async () => {
      using initiator = await logIn(UNSOLICITED);
      const tag = announce(initiator, LENGTH, false, 512);
      const data = Buffer.alloc(512, 0xee);
      initiator.send(DataOut, { flags: 0, initiatorTaskTag: tag, dataSN: 7, bufferOffset: 512 }, { data });
      await initiator.expectSilence();
      initiator.send(DataOut, { initiatorTaskTag: tag, dataSN: 8, bufferOffset: 1024 }, { data });
      await expectAborted(initiator, tag, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR);
    });

    it('§13.14: immediate data longer than FirstBurstLength', async () => {
      using initiator = await logIn(UNSOLICITED);
      const tag = announce(initiator, LENGTH, true, 4608);
      await expectAborted(initiator, tag, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA);
    });
  });

  it('of a task that is not there is dropped without a word', async () => {
    using initiator = await logIn({});
    initiator.send(DataOut, { initiatorTaskTag: 0xdead }, { data: Buffer.alloc(BLOCK) });
    initiator.send(
      DataOut,
      { initiatorTaskTag: 0xdead, targetTransferTag: 0x2000_0000 },
      { data: Buffer.alloc(BLOCK) },
    );
    await initiator.expectSilence();
  });
});
