// ErrorRecoveryLevel 2 on the wire: a connection breaks under its commands, and another one takes them up.
// Corner cases of TASK REASSIGN are test/session/reassign.test.ts's.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataIn, STATUS_BIT } from '../../../src/pdu/data-in.ts';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../../../src/pdu/logout.ts';
import { FINAL_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse } from '../../../src/pdu/task-management.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { decode, lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { BLOCK, ENGINES } from './serving.ts';

const SEGMENT = 8192;
const BYTES = 9 * SEGMENT;
const STORED = noise(BYTES, 21);
const KEYS = {
  ErrorRecoveryLevel: '2',
  DefaultTime2Retain: '20',
  MaxConnections: '2',
  MaxRecvDataSegmentLength: `${SEGMENT}`,
  MaxBurstLength: `${BYTES}`,
  FirstBurstLength: `${SEGMENT}`,
  InitialR2T: 'Yes',
  ImmediateData: 'No',
};
/** What concerns the whole session was agreed on by its first connection. */
const JOINING = Object.fromEntries(
  [
    ...['MaxConnections', 'InitialR2T', 'ImmediateData', 'MaxBurstLength', 'FirstBurstLength', 'MaxOutstandingR2T'],
    ...['DefaultTime2Wait', 'DefaultTime2Retain', 'ErrorRecoveryLevel', 'DataPDUInOrder', 'DataSequenceInOrder'],
  ].map((key) => [key, undefined]),
);

/** Another connection of the session of `first`. */
async function join(port: number, first: RawInitiator, cid: number): Promise<RawInitiator> {
  const { tsih } = first.session;
  const added = await RawInitiator.connect(port, first.session);
  added.cid = cid;
  const keys = { ...JOINING, MaxRecvDataSegmentLength: `${SEGMENT}` };
  expect((await added.login({ keys })).status).toBe(0);
  expect(first.session.tsih).toBe(tsih);
  return added;
}

function send(initiator: RawInitiator, direction: number, cdb: Uint8Array): number {
  const whole = Buffer.alloc(16);
  whole.set(cdb);
  const header = { flags: FINAL_BIT | direction, lun: lunField(0), cdb: whole, expectedDataTransferLength: BYTES };
  return initiator.send(ScsiCommand, header);
}

/** Data-In up to the status, whichever PDU that is in. */
async function receiveRest(initiator: RawInitiator): Promise<{ data: Buffer; status: number; dataSNs: number[] }> {
  const parts: Buffer[] = [];
  const dataSNs: number[] = [];
  for (;;) {
    const pdu = await initiator.receive();
    expect([Opcode.DATA_IN, Opcode.SCSI_RESPONSE]).toContain(pdu!.opcode);
    if (pdu!.opcode === Opcode.SCSI_RESPONSE) {
      return { data: Buffer.concat(parts), status: decode(ScsiResponse, pdu!.header).status, dataSNs };
    }
    const header = decode(DataIn, pdu!.header);
    parts.push(pdu!.data);
    dataSNs.push(header.dataSN);
    if ((header.flags & STATUS_BIT) !== 0) return { data: Buffer.concat(parts), status: header.status, dataSNs };
  }
}

const reassign = (initiator: RawInitiator, referencedTaskTag: number, expDataSN: number) =>
  initiator.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag, expDataSN });

describe.each(ENGINES)('ErrorRecoveryLevel 2 on %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    const luns = [{ lun: 0, backend: 'memory', size: '1MiB' } as const];
    target = await TargetProcess.start({
      tuning: { engine, workers: 2 },
      targets: [{ name: TARGET_NAME, errorRecoveryLevel: 2, maxConnections: 2, luns }],
    });
    using initiator = await RawInitiator.logIn(target.port, { keys: KEYS });
    expect(initiator.session.parameters).toMatchObject({ errorRecoveryLevel: 2, defaultTime2Retain: 20 });
    expect((await initiator.command(write16(0, BYTES / BLOCK), { write: STORED })).status).toBe(Status.GOOD);
    await initiator.logOut();
  });
  afterAll(() => target.stop());

  it('§7.2.2: a READ goes on over the connection that takes the place of the one that broke', async () => {
    using first = await RawInitiator.logIn(target.port, { keys: KEYS });
    const tag = send(first, READ_BIT, read16(0, BYTES / BLOCK));
    for (let dataSN = 0; dataSN < 3; dataSN++) await first.expect(DataIn);
    first.wire.reset();
    using second = await join(target.port, first, first.cid);
    expect(await reassign(second, tag, 3)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    const { data, status, dataSNs } = await receiveRest(second);
    expect({ status, dataSNs }).toEqual({ status: Status.GOOD, dataSNs: [3, 4, 5, 6, 7, 8] });
    expect(data.equals(STORED.subarray(3 * SEGMENT))).toBe(true);
    expect(await reassign(second, 0x7777, 0)).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    await second.logOut();
  });

  it('§7.2.2: a WRITE is asked for the data that had not come', async () => {
    using first = await RawInitiator.logIn(target.port, { keys: KEYS });
    const data = noise(BYTES, 22);
    const tag = send(first, WRITE_BIT, write16(BYTES / BLOCK, BYTES / BLOCK));
    const { targetTransferTag } = await first.expect(R2T);
    const header = { initiatorTaskTag: tag, targetTransferTag, flags: 0 };
    first.send(DataOut, header, { data: data.subarray(0, SEGMENT) });
    const half = { data: data.subarray(SEGMENT, 2 * SEGMENT), keep: 1000 };
    first.send(DataOut, { ...header, dataSN: 1, bufferOffset: SEGMENT }, half);
    // The answer to a ping would be behind the half PDU: that it is in is only known from what is asked for.
    first.wire.end();
    await first.expectClose();
    using second = await join(target.port, first, first.cid);
    expect(await reassign(second, tag, 0)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    const r2t = await second.expect(R2T);
    expect(r2t).toMatchObject({ bufferOffset: SEGMENT, desiredDataTransferLength: BYTES - SEGMENT });
    for (let offset = SEGMENT, dataSN = 0; offset < BYTES; offset += SEGMENT, dataSN++) {
      const flags = offset + SEGMENT === BYTES ? FINAL_BIT : 0;
      const values = { flags, initiatorTaskTag: tag, targetTransferTag: r2t.targetTransferTag, dataSN };
      second.send(DataOut, { ...values, bufferOffset: offset }, { data: data.subarray(offset, offset + SEGMENT) });
    }
    expect((await second.expect(ScsiResponse)).status).toBe(Status.GOOD);
    const read = await second.command(read16(BYTES / BLOCK, BYTES / BLOCK), { read: BYTES });
    expect(read.data.equals(data)).toBe(true);
    await second.logOut();
  });

  it('§11.14.1: a logout for recovery frees the CID, and the tasks for another connection', async () => {
    using first = await RawInitiator.logIn(target.port, { keys: KEYS });
    using second = await join(target.port, first, 2);
    const tag = send(first, READ_BIT, read16(0, BYTES / BLOCK));
    await receiveRest(first);
    expect(await reassign(second, tag, 0)).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    const flags = FINAL_BIT | LogoutReason.REMOVE_FOR_RECOVERY;
    second.send(LogoutRequest, { flags, cid: first.cid }, { immediate: true });
    const { response, time2Retain } = await second.expect(LogoutResponse);
    expect({ response, time2Retain }).toEqual({ response: LogoutResult.SUCCESS, time2Retain: 20 });
    await first.expectClose();
    expect(await reassign(second, tag, 0)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    const { data, status } = await receiveRest(second);
    expect([status, data.equals(STORED)]).toEqual([Status.GOOD, true]);
    using third = await join(target.port, first, 3);
    expect((await third.command(read16(0, BYTES / BLOCK), { read: BYTES })).data.equals(STORED)).toBe(true);
    await third.logOut();
  });
});
