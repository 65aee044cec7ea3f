// ErrorRecoveryLevel 1 on the wire: what an initiator says it has not received comes again, what came damaged is asked for again.
// The initiator only pretends that something was lost. Corner cases of each SNACK are test/session/snack.test.ts's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { ACKNOWLEDGE_BIT, DataIn, STATUS_BIT } from '../../../src/pdu/data-in.ts';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { SnackRequest, SnackType } from '../../../src/pdu/snack.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read16, testUnitReady, write16 } from '../../support/cdbs.ts';
import { type HeaderValues, lunField } from '../../support/header-values.ts';
import { RawInitiator, type Reply } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { BLOCK, ENGINES } from './serving.ts';

const SEGMENT = 8192;
const BURST = 32768;
/** Three sequences: eleven PDUs, the last of them short. */
const BLOCKS = 168;
const KEYS = {
  ErrorRecoveryLevel: '1',
  MaxRecvDataSegmentLength: `${SEGMENT}`,
  MaxBurstLength: `${BURST}`,
  FirstBurstLength: `${BURST}`,
  InitialR2T: 'Yes',
};
const DIGESTS = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' };
const STORED = noise(BLOCKS * BLOCK, 11);
/** Commands whose answers are kept: an initiator that acknowledges none is sent more than the target keeps for it. */
const UNACKNOWLEDGED = 96;
const READ_BYTES = 1024 * 1024;

function cdb16(cdb: Uint8Array): Buffer {
  const whole = Buffer.alloc(16);
  whole.set(cdb);
  return whole;
}

function sendRead(initiator: RawInitiator, blocks: number, values: Partial<HeaderValues<typeof ScsiCommand>> = {}) {
  const header = { flags: FINAL_BIT | READ_BIT, lun: lunField(0), cdb: cdb16(read16(0, blocks)) };
  return initiator.send(ScsiCommand, { ...header, expectedDataTransferLength: blocks * BLOCK, ...values });
}

function sendWrite(initiator: RawInitiator, blocks: number): number {
  const header = { flags: FINAL_BIT | WRITE_BIT, lun: lunField(0), cdb: cdb16(write16(0, blocks)) };
  return initiator.send(ScsiCommand, { ...header, expectedDataTransferLength: blocks * BLOCK });
}

/** Data-In PDUs up to the one with the status. */
async function receiveData(initiator: RawInitiator): Promise<Reply<typeof DataIn>[]> {
  const pdus: Reply<typeof DataIn>[] = [];
  do pdus.push(await initiator.expect(DataIn));
  while ((pdus.at(-1)!.flags & STATUS_BIT) === 0);
  return pdus;
}

function snack(initiator: RawInitiator, type: SnackType, values: Partial<HeaderValues<typeof SnackRequest>>): void {
  initiator.send(SnackRequest, { flags: FINAL_BIT | type, initiatorTaskTag: RESERVED_TAG, ...values });
}

/** Answers an R2T; the PDU with that number is damaged. */
function answer(initiator: RawInitiator, r2t: Reply<typeof R2T>, data: Uint8Array, damaged = -1): void {
  const { bufferOffset, desiredDataTransferLength, initiatorTaskTag, targetTransferTag, lun } = r2t;
  const end = bufferOffset + desiredDataTransferLength;
  for (let offset = bufferOffset, dataSN = 0; offset < end; offset += SEGMENT, dataSN++) {
    const part = data.subarray(offset, Math.min(end, offset + SEGMENT));
    const flags = offset + part.length === end ? FINAL_BIT : 0;
    const header = { flags, initiatorTaskTag, targetTransferTag, lun, dataSN, bufferOffset: offset };
    initiator.send(DataOut, header, { data: part, wrongDataDigest: dataSN === damaged });
  }
}

describe.each(ENGINES)('ErrorRecoveryLevel 1 on %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({
      tuning: { engine, workers: 1 },
      targets: [{ name: TARGET_NAME, errorRecoveryLevel: 1, luns: [{ lun: 0, backend: 'memory', size: '2MiB' }] }],
    });
    using initiator = await RawInitiator.logIn(target.port, { keys: KEYS });
    expect((await initiator.command(write16(0, BLOCKS), { write: STORED })).status).toBe(Status.GOOD);
  });
  afterAll(() => target.stop());

  it('§13.20: is agreed on when both want it, with one R2T outstanding', async () => {
    using wanted = await RawInitiator.logIn(target.port, { keys: { ErrorRecoveryLevel: '2', MaxOutstandingR2T: '4' } });
    expect(wanted.session.parameters).toMatchObject({ errorRecoveryLevel: 1, maxOutstandingR2T: 1 });
    using plain = await RawInitiator.logIn(target.port, { keys: { MaxOutstandingR2T: '4' } });
    expect(plain.session.parameters).toMatchObject({ errorRecoveryLevel: 0, maxOutstandingR2T: 4 });
    snack(plain, SnackType.STATUS, {});
    expect((await plain.expect(Reject)).reason).toBe(RejectReason.SNACK_REJECT);
  });

  it.each([{}, DIGESTS])('§11.16: lost Data-In comes again, and lost status: %o', async (digests) => {
    using initiator = await RawInitiator.logIn(target.port, { keys: { ...KEYS, ...digests } });
    const acknowledged = initiator.expStatSN;
    const tag = sendRead(initiator, BLOCKS);
    const pdus = await receiveData(initiator);
    expect(pdus.map(({ flags }) => (flags & ACKNOWLEDGE_BIT) !== 0)).toEqual(
      pdus.map((_, index) => index === 3 || index === 7),
    );
    const unacknowledged = { expStatSN: acknowledged };
    // Exact replicas, but for what the initiator may send by now.
    const { expCmdSN, maxCmdSN } = initiator;
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 4, runLength: 3, ...unacknowledged });
    for (const lost of pdus.slice(4, 7)) {
      expect(await initiator.expect(DataIn)).toEqual({ ...lost, expCmdSN, maxCmdSN });
    }
    snack(initiator, SnackType.STATUS, { begRun: acknowledged, runLength: 1, ...unacknowledged });
    const status = await initiator.expect(DataIn);
    expect(status).toEqual(pdus.at(-1));
    expect(Buffer.concat(pdus.map(({ data }) => data)).equals(STORED)).toBe(true);
    // Every other PDU of this initiator acknowledges what it has received.
    initiator.expStatSN = acknowledged + 1;
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 4, runLength: 3 });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.PROTOCOL_ERROR);
  });

  it('§11.16.2: data that DataACK acknowledged does not come again', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: KEYS });
    const acknowledged = { expStatSN: initiator.expStatSN };
    const tag = sendRead(initiator, BLOCKS);
    const pdus = await receiveData(initiator);
    const { targetTransferTag, lun } = pdus[3]!;
    snack(initiator, SnackType.DATA_ACK, { targetTransferTag, lun, begRun: 4, ...acknowledged });
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 3, runLength: 1, ...acknowledged });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.PROTOCOL_ERROR);
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 4, runLength: 1, ...acknowledged });
    expect(await initiator.expect(DataIn)).toMatchObject({ dataSN: 4, data: pdus[4]!.data });
    snack(initiator, SnackType.DATA_ACK, { targetTransferTag: 0x77, lun, begRun: 5, ...acknowledged });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.INVALID_DATA_ACK);
  });

  it('§11.16.3: after a change of MaxRecvDataSegmentLength data comes in new segments, the status behind it', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: KEYS });
    const acknowledged = { expStatSN: initiator.expStatSN };
    const tag = sendRead(initiator, BLOCKS);
    await receiveData(initiator);
    initiator.expStatSN = acknowledged.expStatSN;
    await initiator.text({ MaxRecvDataSegmentLength: '4096' });
    snack(initiator, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 99, ...acknowledged });
    const parts: Buffer[] = [];
    for (let dataSN = 0; dataSN < STORED.length / 4096; dataSN++) {
      const { data, ...header } = await initiator.expect(DataIn);
      expect(header).toMatchObject({ dataSN, bufferOffset: dataSN * 4096, initiatorTaskTag: tag });
      parts.push(data);
    }
    expect(Buffer.concat(parts).equals(STORED)).toBe(true);
    expect(await initiator.expect(ScsiResponse)).toMatchObject({
      initiatorTaskTag: tag,
      status: Status.GOOD,
      snackTag: 99,
      expDataSN: parts.length,
      statSN: acknowledged.expStatSN,
    });
  });

  it('§11.16: a lost R2T comes again', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: KEYS });
    const data = noise(BURST, 12);
    const tag = sendWrite(initiator, data.length / BLOCK);
    const lost = await initiator.expect(R2T);
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 0, runLength: 1 });
    const r2t = await initiator.expect(R2T);
    expect(r2t).toEqual(lost);
    answer(initiator, r2t, data);
    expect(await initiator.expect(ScsiResponse)).toMatchObject({ status: Status.GOOD, expDataSN: 0 });
    const read = await initiator.command(read16(0, data.length / BLOCK), { read: data.length });
    expect(read.data.equals(data)).toBe(true);
    await initiator.command(write16(0, BLOCKS), { write: STORED });
  });

  it('§7.8: damaged Data-Out is asked for again, when its sequence has ended', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: { ...KEYS, ...DIGESTS } });
    const data = noise(BURST, 13);
    sendWrite(initiator, data.length / BLOCK);
    answer(initiator, await initiator.expect(R2T), data, 1);
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.DATA_DIGEST_ERROR);
    const again = await initiator.expect(R2T);
    expect(again).toMatchObject({ r2tSN: 1, bufferOffset: SEGMENT, desiredDataTransferLength: BURST - SEGMENT });
    answer(initiator, again, data);
    expect(await initiator.expect(ScsiResponse)).toMatchObject({ status: Status.GOOD, expDataSN: 0 });
    const read = await initiator.command(read16(0, data.length / BLOCK), { read: data.length });
    expect(read.data.equals(data)).toBe(true);
    await initiator.command(write16(0, BLOCKS), { write: STORED });
  });

  it('§7.2.1: a command with damaged data counts as not received, and its retry closes the gap', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: { ...KEYS, ...DIGESTS } });
    const data = noise(BLOCK, 14);
    const { cmdSN } = initiator.session;
    const cdb = cdb16(write16(BLOCKS, 1));
    const header = { flags: FINAL_BIT | WRITE_BIT, lun: lunField(0), cdb, expectedDataTransferLength: BLOCK };
    const tag = initiator.send(ScsiCommand, header, { data, wrongDataDigest: true });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.DATA_DIGEST_ERROR);
    expect(initiator.expCmdSN).toBe(cmdSN);
    const turHeader = { flags: FINAL_BIT, lun: lunField(0), cdb: cdb16(testUnitReady()) };
    const later = initiator.send(ScsiCommand, turHeader);
    await initiator.expectSilence();
    initiator.send(ScsiCommand, { ...header, cmdSN, initiatorTaskTag: tag }, { data });
    const tags = [await initiator.expect(ScsiResponse), await initiator.expect(ScsiResponse)];
    expect(tags.map(({ initiatorTaskTag }) => initiatorTaskTag).sort()).toEqual([tag, later].sort());
    // A retry too many is dropped without a word.
    initiator.send(ScsiCommand, { ...header, cmdSN, initiatorTaskTag: tag }, { data });
    await initiator.expectSilence();
    expect((await initiator.command(read16(BLOCKS, 1), { read: BLOCK })).data.equals(data)).toBe(true);
  });

  it('who never acknowledges anything loses the oldest of it, and the target no memory', async () => {
    using initiator = await RawInitiator.logIn(target.port, {
      keys: { ErrorRecoveryLevel: '1', MaxRecvDataSegmentLength: '262144', MaxBurstLength: '262144' },
    });
    const { expStatSN } = initiator;
    let first = 0;
    let last = 0;
    for (let index = 0; index < UNACKNOWLEDGED; index++) {
      last = sendRead(initiator, READ_BYTES / BLOCK, { expStatSN });
      first ||= last;
      await receiveData(initiator);
    }
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: first, expStatSN });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.SNACK_REJECT);
    snack(initiator, SnackType.STATUS, { begRun: expStatSN, runLength: 1, expStatSN });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.SNACK_REJECT);
    snack(initiator, SnackType.DATA_OR_R2T, { initiatorTaskTag: last, expStatSN });
    expect(await receiveData(initiator)).toHaveLength(4);
  });
});
