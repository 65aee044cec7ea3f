import { describe, expect, it } from 'vitest';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import { FRESH_STATE, UnitCondition } from '../../src/ring/unit-state.ts';
import { Status } from '../../src/scsi/task.ts';
import { read16, write16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import { ofCommand, type SimInitiator } from '../support/sim-initiator.ts';

const LENGTH = 64 * BLOCK_BYTES;
const DATA = noise(LENGTH, 5);
/** Longer than any simulated session lasts by itself. */
const MINUTE_MS = 60_000;

const opcodes = (initiator: SimInitiator): number[] => initiator.replies().map(({ opcode }) => opcode);

/** A WRITE whose immediate data stop in the middle. */
function beginWrite(initiator: SimInitiator): Buffer {
  const bytes = initiator.encodeCommand(write16(0, 64), { write: LENGTH, data: DATA });
  initiator.sendBytes(bytes.subarray(0, 2000));
  return bytes.subarray(2000);
}

describe('Connection, with an initiator that stops in the middle of a PDU', () => {
  it('is logged out over another connection all the same', () => {
    const bench = new SessionBench();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    beginWrite(two);
    bench.settle();
    one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_CONNECTION, cid: two.cid }, { immediate: true });
    bench.settle();
    expect(opcodes(one)).toEqual([Opcode.LOGOUT_RESPONSE]);
    expect([one.open, two.open]).toEqual([true, false]);
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });

  it('does not keep a reset by another session waiting, and stays in step with the stream', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    const rest = beginWrite(two);
    bench.settle();
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(opcodes(one)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE]);
    two.sendBytes(rest);
    two.command(read16(0, 64), { read: LENGTH, lun: 1 });
    bench.settle();
    expect(opcodes(two)).toEqual([Opcode.DATA_IN]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('keeps the memory that the rest of the data goes to until it is in, whoever uses the task by then', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: false } });
    const two = bench.logIn();
    // It fails at once, and is answered only when its data have passed by: in the midst of them it is aborted.
    const tag = one.command(write16(2 ** 30, 64), { write: LENGTH, unsolicited: true });
    const data = one.encode(DataOut, { initiatorTaskTag: tag }, { data: DATA });
    one.sendBytes(data.subarray(0, 1000));
    bench.settle();
    two.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    two.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    bench.file.stuck = true;
    two.command(read16(0, 8), { read: 8 * BLOCK_BYTES });
    bench.settle();
    two.replies();
    one.sendBytes(data.subarray(1000));
    bench.settle();
    expect(opcodes(one)).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(opcodes(two)).toEqual([Opcode.DATA_IN]);
  });
});

/** READs of `reader` have the unit's first bytes, `content`, though more data of somebody else come in while they wait to be sent. */
function expectReads(bench: SessionBench, reader: SimInitiator, content: Buffer, lun: number, more: () => void): void {
  bench.engine.setDeaf(reader.socket, true);
  const reads = Array.from({ length: 12 }, () => reader.command(read16(0, 64), { read: LENGTH, lun }));
  bench.settle();
  more();
  bench.settle();
  bench.engine.setDeaf(reader.socket, false);
  bench.settle();
  const replies = reader.replies();
  for (const tag of reads) {
    const data = Buffer.concat(ofCommand(replies, tag).map((pdu) => pdu.data));
    expect(data.equals(content)).toBe(true);
  }
}

it('Connection lends the memory of data that are coming in to nobody else, though their command was aborted', () => {
  const bench = new SessionBench({ slabBytes: 1024 * 1024 });
  const unused = bench.engine.slab.bytesInUse;
  const content = noise(LENGTH, 9);
  bench.file.bytes.set(content);
  const [one, two] = [bench.logIn(), bench.logIn()];
  const rest = beginWrite(one);
  bench.settle();
  two.taskManagement(TaskFunction.ABORT_TASK_SET);
  two.taskManagement(TaskFunction.CLEAR_TASK_SET);
  bench.settle();
  expect(opcodes(two)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.TASK_MANAGEMENT_RESPONSE]);
  // READs take all the memory there is, and have their data in it when the rest comes.
  expectReads(bench, two, content, SimLun.FILE, () => one.sendBytes(rest));
  expect(one.replies()).toEqual([]);
  for (const { socket } of [one, two]) bench.engine.hangUp(socket);
  bench.settle();
  expect(bench.engine.slab.bytesInUse).toBe(unused);
});

it('Connection lends the memory of data that are coming in to nobody else, though their command has failed', () => {
  const bench = new SessionBench({ slabBytes: 1024 * 1024 });
  const unused = bench.engine.slab.bytesInUse;
  const content = noise(LENGTH, 9);
  bench.memory.set(content);
  // With data digests READs of memory are copies.
  const [one, two] = [bench.logIn(), bench.logIn({ connection: { dataDigest: Digest.crc32c } })];
  const rest = beginWrite(one);
  bench.settle();
  // Another initiator has all of the medium erased.
  const state = { ...FRESH_STATE, condition: UnitCondition.sanitizing };
  bench.tell({ type: 'unitState', request: 9, unit: 100 + SimLun.FILE, state, news: null, by: null });
  expectReads(bench, two, content, SimLun.MEMORY, () => one.sendBytes(rest));
  expect(one.replies().map(({ opcode, header }) => [opcode, header[3]])).toEqual([
    [Opcode.SCSI_RESPONSE, Status.CHECK_CONDITION],
  ]);
  expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  for (const { socket } of [one, two]) bench.engine.hangUp(socket);
  bench.settle();
  expect(bench.engine.slab.bytesInUse).toBe(unused);
});

describe('Connection, when the target stops', () => {
  /** Whether it has stopped a minute after it was told to. */
  const stops = (bench: SessionBench): boolean => {
    bench.tell({ type: 'stop', graceMs: 1000 });
    bench.settle();
    expect(bench.engine.stopped).toBe(false);
    bench.pass(MINUTE_MS);
    return bench.engine.stopped;
  };

  it('ends without the data that an initiator owes', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    one.command(write16(0, 64), { write: LENGTH });
    bench.settle();
    expect(opcodes(one)).toEqual([Opcode.R2T]);
    expect(stops(bench)).toBe(true);
  });

  it('ends with an initiator in the middle of a PDU', () => {
    const bench = new SessionBench();
    beginWrite(bench.logIn());
    expect(stops(bench)).toBe(true);
  });

  it('ends with an initiator that takes no answers', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.engine.setDeaf(one.socket, true);
    for (let count = 0; count < 4; count++) one.command(read16(0, 64), { read: LENGTH });
    bench.settle();
    expect(stops(bench)).toBe(true);
  });

  it('ends a WRITE of which one part is with the disk and the other with the initiator', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true } });
    bench.file.stuck = true;
    one.command(write16(0, 256), { write: 4 * LENGTH, data: DATA });
    bench.settle();
    bench.tell({ type: 'stop', graceMs: 1000 });
    bench.pass(2000);
    bench.file.stuck = false;
    bench.pass(MINUTE_MS);
    expect(bench.engine.stopped).toBe(true);
  });

  it('answers what the disk has begun, and only then closes', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    one.command(write16(0, 64), { write: LENGTH, data: DATA });
    bench.settle();
    bench.tell({ type: 'stop', graceMs: 1000 });
    bench.pass(2000);
    expect([one.open, bench.engine.stopped]).toEqual([true, false]);
    bench.file.stuck = false;
    bench.pass(1000);
    const [asked, answer] = one.replies();
    expect([asked?.opcode, answer?.opcode, answer?.header[3]]).toEqual([
      Opcode.ASYNC_MESSAGE,
      Opcode.SCSI_RESPONSE,
      Status.GOOD,
    ]);
    expect(bench.engine.stopped).toBe(true);
    expect(DATA.equals(bench.file.bytes.subarray(0, LENGTH))).toBe(true);
  });
});

/** What main hears of connections that ended: whether each was the last of its session. */
const ended = (bench: SessionBench): boolean[] =>
  bench.messages.flatMap((message) => (message.type === 'connectionEnded' ? [message.sessionEnded] : []));

describe('Connection with a task that was aborted while the disk had its first part, and the rest was coming in', () => {
  const begin = () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true } });
    bench.file.stuck = true;
    const tag = one.command(write16(0, 256), { write: 4 * LENGTH, data: DATA });
    bench.settle();
    const { targetTransferTag, bufferOffset } = decode(R2T, one.replies()[0]!.header);
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag });
    bench.settle();
    const values = { initiatorTaskTag: tag, targetTransferTag, bufferOffset };
    const bytes = one.encode(DataOut, values, { data: DATA });
    one.sendBytes(bytes.subarray(0, 1000));
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    return { bench, one };
  };

  it('ends it when the connection closes', () => {
    const { bench, one } = begin();
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(ended(bench)).toEqual([true]);
  });

  it('ends it when the disk has done its part, without waiting for the rest', () => {
    const { one } = begin();
    expect(opcodes(one)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE]);
  });

  it('ends it when it is aborted once more, without waiting for the rest', () => {
    const { bench } = begin();
    const two = bench.logIn();
    two.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(opcodes(two)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE]);
  });
});

describe('Connection that was to be replaced', () => {
  it('was the last of its session when the other does not come, and main hears so once', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const { tsih, cid } = one;
    bench.tell({ type: 'endConnection', tsih, cid, reason: 'replaced', request: 1, replaced: true });
    bench.settle();
    expect(ended(bench)).toEqual([false]);
    bench.tell({ type: 'endSession', tsih, reason: 'nobody came', request: 2, announced: false });
    bench.settle();
    expect(ended(bench)).toEqual([false, true]);
    expect(bench.messages.at(-1)).toEqual({ type: 'done', request: 2 });
  });
});

describe('Connection of a session that main ends', () => {
  it('is gone for main only when the disk is done with its tasks, announced to the initiator or not', () => {
    for (const announced of [false, true]) {
      const bench = new SessionBench();
      const one = bench.logIn({ session: { maxConnections: 2 } });
      const two = bench.logIn({ joins: one });
      bench.file.stuck = true;
      two.command(write16(0, 64), { write: LENGTH, data: DATA });
      bench.settle();
      bench.tell({ type: 'endSession', request: 1, tsih: one.tsih, reason: 'ended', announced });
      bench.settle();
      expect([one.open, two.open]).toEqual([false, false]);
      expect(ended(bench)).toEqual([false]);
      expect(() => bench.logIn({ joins: one })).toThrow('it ended just now');
      expect(bench.messages).not.toContainEqual({ type: 'done', request: 1 });
      bench.file.stuck = false;
      bench.settle();
      expect(ended(bench)).toEqual([false, true]);
      expect(bench.messages).toContainEqual({ type: 'done', request: 1 });
    }
  });
});

describe('Connection, logged out', () => {
  it('takes nothing any more that comes over it when the session is logged out over another', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    bench.file.stuck = true;
    one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION }, { immediate: true });
    bench.settle();
    // On its way while the logout was sent.
    two.command(write16(0, 64), { write: LENGTH, data: DATA });
    bench.settle();
    expect(opcodes(one)).toEqual([]);
    expect(() => bench.logIn({ joins: one })).toThrow('it ended just now');
    bench.file.stuck = false;
    bench.settle();
    expect(opcodes(one)).toEqual([Opcode.LOGOUT_RESPONSE]);
    expect(ended(bench)).toEqual([false, true]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('is over only when a reset that it asked for is done everywhere, and can reach nothing that others send then', () => {
    for (const loggedOut of [true, false]) {
      const bench = new SessionBench();
      const [one, two] = [bench.logIn(), bench.logIn()];
      bench.file.stuck = true;
      two.command(read16(0, 1), { read: BLOCK_BYTES });
      bench.settle();
      one.taskManagement(TaskFunction.CLEAR_TASK_SET);
      bench.settle();
      if (loggedOut) one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION }, { immediate: true });
      else bench.engine.hangUp(one.socket);
      bench.settle();
      expect(opcodes(one)).toEqual([]);
      expect(ended(bench)).toEqual([]);
      bench.file.stuck = false;
      bench.settle();
      expect(opcodes(one)).toEqual(loggedOut ? [Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.LOGOUT_RESPONSE] : []);
      expect(ended(bench)).toEqual([true]);
    }
  });

  it('closes when its last answer is taken, or after a while when it is not', () => {
    for (const deaf of [false, true]) {
      const bench = new SessionBench();
      const unused = bench.engine.slab.bytesInUse;
      const one = bench.logIn();
      bench.engine.setDeaf(one.socket, deaf);
      one.command(read16(0, 64), { read: LENGTH });
      one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION }, { immediate: true });
      bench.settle();
      expect(one.open).toBe(deaf);
      bench.pass(MINUTE_MS);
      expect(one.open).toBe(false);
      expect(bench.engine.slab.bytesInUse).toBe(unused);
    }
  });
});
