import { describe, expect, it } from 'vitest';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../../src/pdu/logout.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { Status } from '../../src/scsi/task.ts';
import type { Session } from '../../src/session/session.ts';
import { read16, testUnitReady, write16 } from '../support/cdbs.ts';
import { decode, lunField } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, type SimLogin } from '../support/session-bench.ts';
import { ofCommand, type SimInitiator } from '../support/sim-initiator.ts';

const SEGMENT = 4096;
const BURST = 16384;
const BLOCKS = 96;
const STORED = noise(BLOCKS * BLOCK_BYTES, 1);
const TIME2WAIT = 2;
const TIME2RETAIN = 20;
/** The StatSN that the second connection begins with. */
const STAT_SN = 500;
const UNUSED_LUN = 7;

const session = {
  errorRecoveryLevel: 2,
  defaultTime2Wait: TIME2WAIT,
  defaultTime2Retain: TIME2RETAIN,
  maxBurstLength: BURST,
  firstBurstLength: BURST,
  maxConnections: 2,
  initialR2T: true,
};
const connection = { maxXmitDataSegmentLength: SEGMENT };

/** A bench, and a session with one connection. */
function begin(keys: SimLogin['session'] = {}): { bench: SessionBench; one: SimInitiator; empty: number } {
  const bench = new SessionBench();
  bench.file.bytes.set(STORED);
  const empty = bench.engine.slab.bytesInUse;
  return { bench, empty, one: bench.logIn({ session: { ...session, ...keys }, connection }) };
}

/** The connection breaks, and another joins the session. */
function breakAndJoin(bench: SessionBench, one: SimInitiator): SimInitiator {
  bench.engine.hangUp(one.socket);
  bench.settle();
  expect(bench.messages.filter(({ type }) => type === 'connectionEnded')).toEqual([]);
  return bench.logIn({ joins: one, connection, statSN: STAT_SN });
}

/** Reassigns a task to this connection; returns the response and what follows. */
function reassign(
  bench: SessionBench,
  two: SimInitiator,
  tag: number,
  values: { expDataSN?: number; lun?: number } = {},
) {
  const { expDataSN = 0, lun = 0 } = values;
  two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tag, expDataSN, lun: lunField(lun) });
  bench.settle();
  const [first, ...pdus] = two.replies();
  return { response: decode(TaskManagementResponse, first!.header).response, pdus };
}

/** A logout for recovery of `one` over `two`. */
function removeForRecovery(bench: SessionBench, two: SimInitiator, cid: number) {
  two.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.REMOVE_FOR_RECOVERY, cid }, { immediate: true });
  bench.settle();
  const [response] = two.replies();
  return decode(LogoutResponse, response!.header);
}

/** The tags of the tasks of each connection, by CID. */
function tasksOf(bench: SessionBench): Record<number, number[]> {
  const [{ members }] = [...bench.host.sessions] as [Session];
  return Object.fromEntries(
    members.map(({ cid, firstTask }) => {
      const tags: number[] = [];
      for (let task = firstTask; task !== null; task = task.nextInConnection) tags.push(task.initiatorTaskTag);
      return [cid, tags];
    }),
  );
}

const isDataIn = ({ opcode }: Pdu) => opcode === Opcode.DATA_IN;

/** Data-In from `first` on is all there, and then the status comes with a StatSN of the second connection. */
function expectRest(pdus: readonly Pdu[], first: number, statSN: number): void {
  const data = pdus.filter(isDataIn);
  expect(data.map(({ header }) => decode(DataIn, header).dataSN)).toEqual(data.map((_, index) => first + index));
  expect(Buffer.concat(data.map((pdu) => pdu.data)).equals(STORED.subarray(first * SEGMENT))).toBe(true);
  const last = decode(DataIn, pdus.at(-1)!.header);
  if (isDataIn(pdus.at(-1)!)) expect(last).toMatchObject({ statSN, flags: FINAL_BIT | STATUS_BIT });
  else {
    const response = decode(ScsiResponse, pdus.at(-1)!.header);
    expect(response).toMatchObject({ opcode: Opcode.SCSI_RESPONSE, statSN, status: Status.GOOD, expDataSN: 12 });
  }
}

describe('a READ of a lost connection (RFC 7143 §7.2.2)', () => {
  const read = (bench: SessionBench, one: SimInitiator) => {
    const tag = one.command(read16(0, BLOCKS), { read: STORED.length });
    bench.settle();
    return tag;
  };

  it.each([0, 5, 12])('that was answered is answered again, from ExpDataSN %i on', (expDataSN) => {
    const { bench, one } = begin();
    const tag = read(bench, one);
    const two = breakAndJoin(bench, one);
    const { response, pdus } = reassign(bench, two, tag, { expDataSN });
    expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    expectRest(pdus, expDataSN, STAT_SN + 1);
    // It is allegiant to the second connection now, and answered there.
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
  });

  it('whose tag was used again is the one that was sent last', () => {
    const { bench, one } = begin();
    const tag = one.command(read16(0, 8), { read: SEGMENT });
    bench.settle();
    const two = breakAndJoin(bench, one);
    two.command(read16(8, 8), { read: SEGMENT, values: { initiatorTaskTag: tag } });
    bench.settle();
    const three = breakAndJoin(bench, two);
    const { pdus } = reassign(bench, three, tag);
    expect(Buffer.concat(pdus.map(({ data }) => data)).equals(STORED.subarray(SEGMENT, 2 * SEGMENT))).toBe(true);
  });

  it('that can not be as ExpDataSN says starts with what is not acknowledged', () => {
    const { bench, one } = begin();
    const tag = read(bench, one);
    const two = breakAndJoin(bench, one);
    expectRest(reassign(bench, two, tag, { expDataSN: 13 }).pdus, 0, STAT_SN + 1);
  });

  it('goes on at the disk while nobody is there, and its answer is kept', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = read(bench, one);
    bench.engine.hangUp(one.socket);
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    const two = bench.logIn({ joins: one, connection, statSN: STAT_SN });
    expectRest(reassign(bench, two, tag).pdus, 0, STAT_SN + 1);
  });

  it('that is still with the disk is answered over the new connection', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = read(bench, one);
    const two = breakAndJoin(bench, one);
    expect(reassign(bench, two, tag)).toEqual({ response: TaskFunctionResponse.FUNCTION_COMPLETE, pdus: [] });
    bench.file.stuck = false;
    bench.settle();
    expectRest(two.replies(), 0, STAT_SN + 1);
  });

  it('comes in the segments that the new connection takes', () => {
    const { bench, one } = begin();
    const tag = read(bench, one);
    bench.engine.hangUp(one.socket);
    bench.settle();
    const two = bench.logIn({ joins: one, connection: { maxXmitDataSegmentLength: 1000 }, statSN: STAT_SN });
    const { pdus } = reassign(bench, two, tag);
    expect(Buffer.concat(pdus.filter(isDataIn).map(({ data }) => data)).equals(STORED)).toBe(true);
    expect(Math.max(...pdus.map(({ data }) => data.length))).toBe(1000);
  });

  it('comes in none that are longer than the largest slot, whatever the initiator takes', () => {
    const bench = new SessionBench();
    const content = noise(2 * SLOT_BYTES_MAX, 4);
    bench.file.bytes.set(content);
    const keys = { maxBurstLength: content.length, firstBurstLength: content.length };
    const wide = { maxXmitDataSegmentLength: content.length };
    const one = bench.logIn({ session: { ...session, ...keys }, connection: wide });
    const tag = one.command(read16(0, content.length / BLOCK_BYTES), { read: content.length });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    const two = bench.logIn({ joins: one, connection: wide, statSN: STAT_SN });
    const { pdus } = reassign(bench, two, tag);
    expect(pdus.map(({ data }) => data.length)).toEqual([SLOT_BYTES_MAX, SLOT_BYTES_MAX, 0]);
    expect(Buffer.concat(pdus.map(({ data }) => data)).equals(content)).toBe(true);
  });

  it('comes in them also when the disk is at it, and there are headers for all of them', () => {
    const content = noise(4 * 1024 * 1024, 4);
    const bench = new SessionBench();
    bench.file.bytes.set(content);
    const one = bench.logIn({ session, connection: { maxXmitDataSegmentLength: 65_536 } });
    bench.file.stuck = true;
    const tags = Array.from({ length: 8 }, () => one.command(read16(0, 8192), { read: content.length }));
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    const two = bench.logIn({ joins: one, connection: { maxXmitDataSegmentLength: 512 }, statSN: STAT_SN });
    for (const tag of tags) {
      expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    }
    bench.file.stuck = false;
    bench.settle();
    const pdus = two.replies();
    for (const tag of tags) {
      const data = ofCommand(pdus, tag).map((pdu) => pdu.data);
      expect(Buffer.concat(data).equals(content)).toBe(true);
      expect(Math.max(...data.map((part) => part.length))).toBe(512);
    }
  });

  it('leaves nothing behind', () => {
    const { bench, one, empty } = begin();
    const tag = read(bench, one);
    const two = breakAndJoin(bench, one);
    reassign(bench, two, tag);
    bench.engine.hangUp(two.socket);
    bench.pass((TIME2WAIT + TIME2RETAIN + 1) * 1000);
    expect(bench.engine.slab.bytesInUse).toBe(empty);
    const ended = bench.messages.filter(({ type }) => type === 'connectionEnded');
    expect(ended).toMatchObject([{ sessionEnded: false }, { sessionEnded: true }]);
  });
});

describe('a WRITE of a lost connection', () => {
  it('is asked for what had not come, and no more', () => {
    const { bench, one } = begin();
    const data = noise(STORED.length, 2);
    const tag = one.command(write16(0, BLOCKS), { write: data.length });
    bench.settle();
    const r2t = decode(R2T, one.replies()[0]!.header);
    const values = { flags: 0, targetTransferTag: r2t.targetTransferTag };
    one.dataOut(tag, data.subarray(0, SEGMENT), values);
    // It breaks in the middle of the next.
    const next = one.encode(
      DataOut,
      { initiatorTaskTag: tag, ...values, dataSN: 1, bufferOffset: SEGMENT },
      { data: data.subarray(SEGMENT, 2 * SEGMENT) },
    );
    one.sendBytes(next.subarray(0, 1000));
    bench.settle();
    const two = breakAndJoin(bench, one);
    let { response, pdus } = reassign(bench, two, tag);
    expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    const offsets: number[] = [];
    for (let round = 0; pdus.at(-1)?.opcode === Opcode.R2T && round < 10; round++) {
      const again = decode(R2T, pdus.at(-1)!.header);
      offsets.push(again.bufferOffset);
      const end = again.bufferOffset + again.desiredDataTransferLength;
      const header = { targetTransferTag: again.targetTransferTag, bufferOffset: again.bufferOffset };
      two.dataOut(tag, data.subarray(again.bufferOffset, end), header);
      bench.settle();
      pdus = two.replies();
    }
    expect(offsets).toEqual([SEGMENT, SEGMENT + BURST, SEGMENT + 2 * BURST]);
    expect(decode(ScsiResponse, pdus[0]!.header)).toMatchObject({ status: Status.GOOD, statSN: STAT_SN + 1 });
    expect(Buffer.from(bench.file.bytes.subarray(0, data.length)).equals(data)).toBe(true);
  });

  it.each([true, false])(
    'is written when all its data had come, though not the end of their burst: asked for %s',
    (asked) => {
      const { bench, one } = begin({ initialR2T: asked });
      const data = noise(SEGMENT, 5);
      const tag = one.command(write16(0, 8), { write: SEGMENT, unsolicited: !asked });
      bench.settle();
      const [r2t] = one.replies();
      const targetTransferTag = r2t === undefined ? RESERVED_TAG : decode(R2T, r2t.header).targetTransferTag;
      one.dataOut(tag, data, { targetTransferTag, flags: 0 });
      bench.settle();
      const two = breakAndJoin(bench, one);
      const { pdus } = reassign(bench, two, tag);
      expect(pdus.map(({ header }) => decode(ScsiResponse, header))).toMatchObject([{ status: Status.GOOD }]);
      expect(data.equals(bench.file.bytes.subarray(0, SEGMENT))).toBe(true);
    },
  );

  it('whose immediate data had not all come was not received, and is sent again', () => {
    const { bench, one } = begin();
    const data = noise(SEGMENT, 4);
    const bytes = one.encodeCommand(write16(0, 8), { write: SEGMENT, data });
    one.sendBytes(bytes.subarray(0, 1000));
    bench.settle();
    const two = breakAndJoin(bench, one);
    const tag = bytes.readUInt32BE(16);
    two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tag });
    two.sendBytes(bytes);
    bench.settle();
    const [answer, response] = two.replies();
    const { TASK_DOES_NOT_EXIST } = TaskFunctionResponse;
    expect(decode(TaskManagementResponse, answer!.header)).toMatchObject({
      response: TASK_DOES_NOT_EXIST,
      expCmdSN: 1,
    });
    expect(decode(ScsiResponse, response!.header)).toMatchObject({ initiatorTaskTag: tag, status: Status.GOOD });
    expect(Buffer.from(bench.file.bytes.subarray(0, SEGMENT)).equals(data)).toBe(true);
  });

  it.each([write16(0, 8), testUnitReady()])(
    'that is done, and whose answer waited for unasked data, is answered without them',
    (cdb) => {
      const { bench, one } = begin({ initialR2T: false });
      const tag = one.command(cdb, { write: SEGMENT, values: { flags: WRITE_BIT, lun: lunField(UNUSED_LUN) } });
      bench.settle();
      expect(one.replies()).toEqual([]);
      const two = breakAndJoin(bench, one);
      const { response, pdus } = reassign(bench, two, tag, { lun: UNUSED_LUN });
      expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
      const answers = pdus.map(({ header }) => decode(ScsiResponse, header));
      expect(answers).toMatchObject([{ initiatorTaskTag: tag, status: Status.CHECK_CONDITION }]);
    },
  );

  it('that has failed before its turn in CmdSN order is answered in its turn', () => {
    const { bench, one } = begin();
    const cdb = Buffer.from(write16(0, 8));
    // NACA is found when the CDB is read.
    cdb[15] = 0x04;
    const tag = one.command(cdb, { write: SEGMENT, values: { cmdSN: 2 } });
    bench.settle();
    const two = breakAndJoin(bench, one);
    const { response, pdus } = reassign(bench, two, tag);
    expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    expect(pdus).toEqual([]);
    two.send(NopOut, { cmdSN: 1 });
    bench.settle();
    const [ping, answer, ...others] = two.replies();
    expect([ping!.opcode, others.length]).toEqual([Opcode.NOP_IN, 0]);
    expect(decode(ScsiResponse, answer!.header)).toMatchObject({
      initiatorTaskTag: tag,
      status: Status.CHECK_CONDITION,
    });
  });

  it('that was answered is not written again', () => {
    const { bench, one } = begin();
    const tag = one.command(write16(0, 8), { write: SEGMENT, data: noise(SEGMENT, 3) });
    bench.settle();
    expect(decode(ScsiResponse, one.replies()[0]!.header).status).toBe(Status.GOOD);
    const two = breakAndJoin(bench, one);
    bench.file.bytes.fill(0x77, 0, SEGMENT);
    const { response, pdus } = reassign(bench, two, tag);
    expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    expect(pdus).toHaveLength(1);
    expect(decode(ScsiResponse, pdus[0]!.header)).toMatchObject({ initiatorTaskTag: tag, status: Status.GOOD });
    expect(bench.file.bytes[0]).toBe(0x77);
  });
});

describe('TASK REASSIGN (§11.5.1, §11.6.1)', () => {
  it('of a task whose connection lives is refused: it is still allegiant', () => {
    const { bench, one } = begin();
    const two = bench.logIn({ joins: one, connection });
    bench.file.stuck = true;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.TASK_STILL_ALLEGIANT);
    expect(reassign(bench, one, tag).response).toBe(TaskFunctionResponse.TASK_STILL_ALLEGIANT);
  });

  it('of no task finds none', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    const two = breakAndJoin(bench, one);
    expect(reassign(bench, two, 0x999).response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
  });

  it.each([true, false])('goes by the tag alone: its LUN is reserved (§11.5.3), running: %s', (running) => {
    const { bench, one } = begin();
    bench.file.stuck = running;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    const two = breakAndJoin(bench, one);
    expect(reassign(bench, two, tag, { lun: UNUSED_LUN }).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
  });

  it('of a task that is being aborted finds none: it will have no status', () => {
    const { bench, one } = begin();
    const other = bench.logIn();
    bench.file.stuck = true;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    const two = breakAndJoin(bench, one);
    other.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    bench.file.stuck = false;
    bench.settle();
    expect(two.replies()).toEqual([]);
    expect(tasksOf(bench)).toEqual({ [one.cid]: [], [two.cid]: [] });
  });

  it('below level 2 is not supported', () => {
    const { bench, one } = begin({ errorRecoveryLevel: 1 });
    expect(reassign(bench, one, 1).response).toBe(TaskFunctionResponse.REASSIGNMENT_NOT_SUPPORTED);
  });
});

describe('a task that is taken up', () => {
  it('has memory in the share of the connection that it goes on over, so that others find some', () => {
    const bench = new SessionBench();
    const content = noise(1024 * 1024, 5);
    bench.file.bytes.set(content);
    const one = bench.logIn({ session, connection: { maxXmitDataSegmentLength: 8192 } });
    const blocks = content.length / BLOCK_BYTES;
    bench.file.stuck = true;
    const tags = Array.from({ length: 12 }, () => one.command(read16(0, blocks), { read: content.length }));
    bench.settle();
    const two = breakAndJoin(bench, one);
    for (const tag of tags) {
      expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    }
    bench.engine.setDeaf(two.socket, true);
    bench.file.stuck = false;
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBeLessThan(bench.engine.slab.slotBytes / 4);
    const other = bench.logIn();
    other.command(read16(0, blocks), { read: content.length });
    bench.settle();
    expect(Buffer.concat(other.replies().map(({ data }) => data)).equals(content)).toBe(true);
    bench.engine.setDeaf(two.socket, false);
    bench.settle();
    const pdus = two.replies();
    for (const tag of tags) {
      expect(Buffer.concat(ofCommand(pdus, tag).map(({ data }) => data)).equals(content)).toBe(true);
    }
  });

  it('takes along what it keeps for as long as it runs', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const VERIFY_16 = 0x8f;
    const tag = one.command(read16(0, BLOCKS).fill(VERIFY_16, 0, 1));
    bench.settle();
    const two = breakAndJoin(bench, one);
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    const [{ members }] = [...bench.host.sessions] as [Session];
    const kept = () => Object.fromEntries(members.map(({ cid, share }) => [cid, share.kept]));
    expect(kept()).toEqual({ [one.cid]: 0, [two.cid]: 64 * 1024 });
    bench.file.stuck = false;
    bench.settle();
    expect(kept()).toEqual({ [one.cid]: 0, [two.cid]: 0 });
  });

  it('leaves those behind it with the connection that was lost', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tags = Array.from({ length: 3 }, () => one.command(read16(0, 1), { read: BLOCK_BYTES }));
    bench.settle();
    const two = breakAndJoin(bench, one);
    expect(reassign(bench, two, tags[1]!).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    expect(tasksOf(bench)).toEqual({ [one.cid]: [tags[0], tags[2]], [two.cid]: [tags[1]] });
    bench.file.stuck = false;
    bench.settle();
    expect(tasksOf(bench)).toEqual({ [one.cid]: [], [two.cid]: [] });
  });
});

describe('what a lost connection leaves (§7.5, §13.16)', () => {
  it('is gone after Time2Wait and Time2Retain, and the session with it', () => {
    const { bench, one, empty } = begin();
    bench.file.stuck = true;
    one.command(read16(0, BLOCKS), { read: STORED.length });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    bench.pass((TIME2WAIT + TIME2RETAIN - 1) * 1000);
    expect(bench.messages.filter(({ type }) => type === 'connectionEnded')).toEqual([]);
    bench.pass(1000);
    bench.file.stuck = false;
    bench.settle();
    const ended = bench.messages.filter(({ type }) => type === 'connectionEnded');
    expect(ended).toMatchObject([{ sessionEnded: true }]);
    expect(bench.engine.slab.bytesInUse).toBe(empty);
  });

  it('is gone at once with DefaultTime2Retain=0', () => {
    const { bench, one } = begin({ defaultTime2Retain: 0 });
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(bench.messages.at(-1)).toMatchObject({ type: 'connectionEnded', sessionEnded: true });
  });

  it('ends with its session', () => {
    const { bench, one, empty } = begin();
    const two = breakAndJoin(bench, one);
    two.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION }, { immediate: true });
    bench.settle();
    const ended = bench.messages.filter(({ type }) => type === 'connectionEnded');
    expect(ended).toMatchObject([{ sessionEnded: false }, { sessionEnded: true }]);
    expect(bench.engine.slab.bytesInUse).toBe(empty);
  });

  it('stays for a connection that logs in anew with the same CID', () => {
    const { bench, one } = begin();
    const tag = one.command(testUnitReady());
    bench.settle();
    bench.tell({ type: 'endConnection', request: 1, tsih: one.tsih, cid: one.cid, reason: 'anew', replaced: true });
    bench.settle();
    expect(bench.messages.at(-1)).toEqual({ type: 'done', request: 1 });
    const two = bench.logIn({ joins: one, connection, statSN: STAT_SN });
    const { response, pdus } = reassign(bench, two, tag);
    expect([response, pdus.length]).toEqual([TaskFunctionResponse.FUNCTION_COMPLETE, 1]);
  });

  it('is aborted by a reset, and then there is nothing to reassign', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    const two = breakAndJoin(bench, one);
    two.taskManagement(TaskFunction.ABORT_TASK_SET);
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    two.replies();
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
  });
});

describe('Logout for recovery (§11.14.1)', () => {
  it('of a connection that lives closes it, and its tasks can be reassigned', () => {
    const { bench, one } = begin();
    const two = bench.logIn({ joins: one, connection, statSN: STAT_SN });
    bench.file.stuck = true;
    const tag = one.command(read16(0, BLOCKS), { read: STORED.length });
    bench.settle();
    expect(removeForRecovery(bench, two, one.cid)).toMatchObject({
      response: LogoutResult.SUCCESS,
      time2Wait: TIME2WAIT,
      time2Retain: TIME2RETAIN,
    });
    expect(one.open).toBe(false);
    // Its CID and its place are free.
    expect(bench.messages.at(-1)).toMatchObject({ type: 'connectionEnded', cid: one.cid, sessionEnded: false });
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    bench.file.stuck = false;
    bench.settle();
    expectRest(two.replies(), 0, STAT_SN + 2);
  });

  it('of a lost one begins its time anew, and finds it once', () => {
    const { bench, one } = begin();
    const two = breakAndJoin(bench, one);
    bench.pass(TIME2RETAIN * 1000);
    expect(removeForRecovery(bench, two, one.cid).response).toBe(LogoutResult.SUCCESS);
    expect(removeForRecovery(bench, two, one.cid).response).toBe(LogoutResult.CID_NOT_FOUND);
    expect(removeForRecovery(bench, two, 77).response).toBe(LogoutResult.CID_NOT_FOUND);
  });

  it('of itself is rejected', () => {
    const { bench, one } = begin();
    one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.REMOVE_FOR_RECOVERY, cid: one.cid }, { immediate: true });
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.REJECT]);
  });
});

describe('a logout that closes a lost connection (RFC 7143 §11.14.1)', () => {
  it('ends its tasks, which nobody takes up any more, and is answered when they are gone', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = one.command(read16(0, BLOCKS), { read: STORED.length });
    bench.settle();
    const two = breakAndJoin(bench, one);
    const close = (): void => {
      const values = { flags: FINAL_BIT | LogoutReason.CLOSE_CONNECTION, cid: one.cid };
      two.send(LogoutRequest, values, { immediate: true });
      bench.settle();
    };
    close();
    expect(two.replies()).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(two.replies().map(({ header }) => decode(LogoutResponse, header).response)).toEqual([LogoutResult.SUCCESS]);
    expect(bench.messages.at(-1)).toMatchObject({ type: 'connectionEnded', cid: one.cid, sessionEnded: false });
    expect(tasksOf(bench)).toEqual({ [two.cid]: [] });
    expect(reassign(bench, two, tag).response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    close();
    expect(two.replies().map(({ header }) => decode(LogoutResponse, header).response)).toEqual([
      LogoutResult.CID_NOT_FOUND,
    ]);
  });
});
