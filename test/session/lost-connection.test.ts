import { describe, expect, it } from 'vitest';
import { LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../../src/pdu/logout.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import type { SessionParameters } from '../../src/pdu/parameters.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import { testUnitReady, write16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const session = { errorRecoveryLevel: 2, defaultTime2Wait: 2, defaultTime2Retain: 20, maxConnections: 2 };
const BLOCK = noise(BLOCK_BYTES, 1);

/** The ends of connections that main has heard of. */
const ends = (bench: SessionBench) => bench.messages.filter(({ type }) => type === 'connectionEnded');

function hangUp(bench: SessionBench, one: SimInitiator): void {
  bench.engine.hangUp(one.socket);
  bench.settle();
}

/** A login takes the place of a connection that is lost (RFC 7143 §6.3.4). */
function reinstate(bench: SessionBench, { tsih, cid }: SimInitiator, joins: SimInitiator): SimInitiator {
  bench.tell({ type: 'endConnection', request: 1, tsih, cid, reason: 'anew', replaced: true });
  bench.settle();
  return bench.logIn({ joins, cid });
}

function logOut(bench: SessionBench, over: SimInitiator, reason: LogoutReason, cid: number): number[] {
  over.send(LogoutRequest, { flags: FINAL_BIT | reason, cid }, { immediate: true });
  bench.settle();
  const answers = over.replies().filter(({ opcode }) => opcode === Opcode.LOGOUT_RESPONSE);
  return answers.map(({ header }) => decode(LogoutResponse, header).response);
}

describe('a lost connection whose CID another has by now', () => {
  /** A session whose only connection was lost with a WRITE on the disk, and has a successor. */
  function begin(): { bench: SessionBench; two: SimInitiator; id: number } {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    bench.file.stuck = true;
    one.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    bench.settle();
    hangUp(bench, one);
    const two = reinstate(bench, one, one);
    return { bench, two, id: bench.host.connections[two.socket]!.id };
  }

  it.each(['is logged out', 'breaks and is not recovered'])('ends with the session when that one %s', (how) => {
    const { bench, two, id } = begin();
    if (how.includes('logged out')) {
      expect(logOut(bench, two, LogoutReason.CLOSE_CONNECTION, two.cid)).toEqual([LogoutResult.SUCCESS]);
    } else {
      bench.pass(10_000);
      hangUp(bench, two);
      bench.pass(22_000);
    }
    // A login of the same initiator waits for the end of the session: the disk may still write.
    expect(ends(bench)).toEqual([]);
    expect(bench.file.bytes[0]).toBe(0);
    bench.file.stuck = false;
    bench.settle();
    expect(ends(bench)).toMatchObject([{ id, cid: two.cid, sessionEnded: true }]);
    expect([...bench.host.sessions]).toEqual([]);
  });

  it('lets no connection be added to the session once the last one has gone', () => {
    const { bench, two } = begin();
    logOut(bench, two, LogoutReason.CLOSE_CONNECTION, two.cid);
    expect(() => bench.logIn({ joins: two })).toThrow('it ended just now');
  });

  it('is not the one that a logout for recovery means', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    hangUp(bench, one);
    const two = reinstate(bench, one, one);
    const { id } = bench.host.connections[two.socket]!;
    hangUp(bench, two);
    const three = bench.logIn({ joins: one });
    expect(logOut(bench, three, LogoutReason.REMOVE_FOR_RECOVERY, one.cid)).toEqual([LogoutResult.SUCCESS]);
    expect(ends(bench)).toMatchObject([{ id, cid: one.cid, sessionEnded: false }]);
    expect(logOut(bench, three, LogoutReason.REMOVE_FOR_RECOVERY, one.cid)).toEqual([LogoutResult.CID_NOT_FOUND]);
  });
});

it('a lost connection that was removed for recovery is not ended in the place of a later one with its CID that did not come', () => {
  const bench = new SessionBench();
  const one = bench.logIn({ session });
  const two = bench.logIn({ joins: one });
  bench.file.stuck = true;
  const tag = one.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
  bench.settle();
  expect(logOut(bench, two, LogoutReason.REMOVE_FOR_RECOVERY, one.cid)).toEqual([LogoutResult.SUCCESS]);
  // A hand-off that took too long, and was refused.
  const { tsih, cid } = one;
  bench.tell({ type: 'endConnection', request: 1, tsih, cid, reason: 'late', replaced: false });
  bench.file.stuck = false;
  bench.settle();
  expect(bench.messages.at(-1)).toEqual({ type: 'done', request: 1 });
  two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tag });
  bench.settle();
  expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.SCSI_RESPONSE]);
});

describe('a session of several connections, one of which is being replaced', () => {
  /** Another takes the place of connection two. */
  function begin(keys: Partial<SessionParameters> = {}): { bench: SessionBench; one: SimInitiator; two: SimInitiator } {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { ...session, ...keys } });
    const two = bench.logIn({ joins: one });
    bench.file.stuck = true;
    two.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    bench.settle();
    bench.tell({ type: 'endConnection', request: 1, tsih: two.tsih, cid: two.cid, reason: 'anew', replaced: true });
    bench.file.stuck = false;
    bench.settle();
    return { bench, one, two };
  }

  /** Main has given up on the one in its place. */
  function giveUp(bench: SessionBench, { tsih, cid }: SimInitiator): void {
    bench.tell({ type: 'endConnection', request: 2, tsih, cid, reason: 'it did not come', replaced: false });
    bench.settle();
  }

  it.each(['before', 'after'])('ends with the others when main gives up on that one %s they go', (when) => {
    const { bench, one, two } = begin({ errorRecoveryLevel: 0 });
    if (when === 'before') giveUp(bench, two);
    hangUp(bench, one);
    if (when === 'after') {
      expect(ends(bench).at(-1)).toMatchObject({ cid: one.cid, sessionEnded: false });
      giveUp(bench, two);
    }
    expect(ends(bench).at(-1)).toMatchObject({ sessionEnded: true });
    expect([...bench.host.sessions]).toEqual([]);
  });

  it('keeps the tasks of that one for another that takes its place, at ErrorRecoveryLevel 2', () => {
    const { bench, one, two } = begin();
    giveUp(bench, two);
    const three = bench.logIn({ joins: one, cid: two.cid });
    three.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: 1 });
    bench.settle();
    const opcodes = three.replies().map(({ opcode }) => opcode);
    expect(opcodes).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.SCSI_RESPONSE]);
  });

  it('ends when the time of those tasks is over, and not with the last other', () => {
    const { bench, one, two } = begin();
    giveUp(bench, two);
    logOut(bench, one, LogoutReason.CLOSE_CONNECTION, one.cid);
    expect(ends(bench)).toMatchObject([{ cid: one.cid, sessionEnded: false }]);
    bench.pass(22_000);
    expect(ends(bench)).toMatchObject([{ cid: one.cid }, { cid: two.cid, sessionEnded: true }]);
  });
});

describe('a connection that is lost while the target stops', () => {
  it('is not waited for', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    bench.tell({ type: 'stop', graceMs: 30_000 });
    bench.settle();
    expect(bench.engine.stopped).toBe(false);
    hangUp(bench, one);
    expect(bench.engine.stopped).toBe(true);
  });

  it('can be recovered by one of its session that is open, as long as there is one', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    const two = bench.logIn({ joins: one });
    bench.tell({ type: 'stop', graceMs: 30_000 });
    const tag = one.command(testUnitReady());
    bench.settle();
    hangUp(bench, one);
    two.replies();
    two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tag });
    bench.settle();
    expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.SCSI_RESPONSE]);
    expect(bench.engine.stopped).toBe(false);
    hangUp(bench, two);
    expect(bench.engine.stopped).toBe(true);
  });
});
