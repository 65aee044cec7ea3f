// Header and data digests: every combination both ways, and what a wrong one does to its PDU, its command and its connection.
// The initiator of these tests checks every digest that the target computes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse, SENSE_LENGTH_SIZE } from '../../../src/pdu/scsi-response.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { inquiry, read16, write16 } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const LENGTHS = [BLOCK, 17 * BLOCK, 1025 * BLOCK];
const DIGESTS = ['None', 'CRC32C'] as const;
const COMBINATIONS = DIGESTS.flatMap((header) => DIGESTS.map((data) => ({ header, data })));
const BOTH = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C', InitialR2T: 'Yes', ImmediateData: 'No' };

/** The unit takes a write of `length` bytes and gives the same bytes back. */
async function expectStored(initiator: RawInitiator, length: number): Promise<void> {
  const written = noise(length, length);
  const write = await initiator.command(write16(1, length / BLOCK), { write: written });
  expect(write).toMatchObject({ status: Status.GOOD, residual: 0 });
  const read = await initiator.command(read16(1, length / BLOCK), { read: length });
  expect(read).toMatchObject({ status: Status.GOOD, residual: 0 });
  expect(read.data.equals(written)).toBe(true);
}

describe.each(['uring', 'posix'] as const)('digests, engine %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '2MiB' }] }],
      tuning: { engine, workers: 1 },
    });
  });
  afterAll(() => target.stop());

  it.each(COMBINATIONS)(
    '§13.1: HeaderDigest=$header and DataDigest=$data are right both ways',
    async ({ header, data }) => {
      for (const immediateData of ['Yes', 'No']) {
        const keys = { HeaderDigest: header, DataDigest: data, ImmediateData: immediateData, InitialR2T: 'Yes' };
        const sizes = { MaxRecvDataSegmentLength: '8192', FirstBurstLength: '4096', MaxBurstLength: '65536' };
        using initiator = await RawInitiator.logIn(target.port, { keys: { ...keys, ...sizes } });
        expect(initiator.wire).toMatchObject({ headerDigest: header === 'CRC32C', dataDigest: data === 'CRC32C' });
        for (const length of LENGTHS) await expectStored(initiator, length);
        // A data segment that is no whole word: its digest covers the padding.
        for (const length of [5, 6, 7]) {
          expect((await initiator.command(inquiry(length), { read: length })).data).toHaveLength(length);
          expect((await initiator.ping(noise(length, length))).data.equals(noise(length, length))).toBe(true);
        }
      }
    },
  );

  it('§7.8: a wrong header digest closes the connection, and no other', async () => {
    using other = await RawInitiator.logIn(target.port, { keys: BOTH });
    using initiator = await RawInitiator.logIn(target.port, { keys: BOTH });
    initiator.send(NopOut, {}, { immediate: true, wrongHeaderDigest: true });
    await initiator.expectClose();
    await expectStored(other, BLOCK);
    using next = await RawInitiator.logIn(target.port, { keys: BOTH });
    await expectStored(next, BLOCK);
  });

  it('§7.8: a wrong data digest in Data-Out is rejected, and its command ends with ABORTED COMMAND', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keys: BOTH });
    const before = noise(4 * BLOCK, 1);
    expect((await initiator.command(write16(1, 4), { write: before })).status).toBe(Status.GOOD);
    const cdb = Buffer.alloc(16);
    cdb.set(write16(1, 4));
    const command = { lun: lunField(0), expectedDataTransferLength: before.length, cdb };
    const tag = initiator.send(ScsiCommand, { flags: FINAL_BIT | WRITE_BIT, ...command });
    const { lun, targetTransferTag } = await initiator.expect(R2T);
    const data = Buffer.alloc(before.length, 0xee);
    initiator.send(DataOut, { initiatorTaskTag: tag, lun, targetTransferTag }, { data, wrongDataDigest: true });

    const reject = await initiator.expect(Reject);
    expect(reject).toMatchObject({ reason: RejectReason.DATA_DIGEST_ERROR, initiatorTaskTag: 0xffff_ffff });
    expect(reject.data).toHaveLength(48);
    expect(reject.data[0]).toBe(Opcode.DATA_OUT);
    expect(reject.data.readUInt32BE(16)).toBe(tag);

    const response = await initiator.expect(ScsiResponse);
    expect(response).toMatchObject({ initiatorTaskTag: tag, response: 0, status: Status.CHECK_CONDITION });
    const sense = response.data.subarray(SENSE_LENGTH_SIZE);
    expect(sense[2]! & 0x0f).toBe(SenseKey.ABORTED_COMMAND);
    expect(sense.readUInt16BE(12)).toBe(AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR);

    const read = await initiator.command(read16(1, 4), { read: before.length });
    expect(read.data.equals(before)).toBe(true);
    await expectStored(initiator, 17 * BLOCK);
  });
});
