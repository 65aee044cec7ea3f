import { describe, expect, it, vi } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../../src/pdu/logout.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { read16, testUnitReady } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const session = { errorRecoveryLevel: 2, defaultTime2Wait: 2, defaultTime2Retain: 20, maxConnections: 2 };
const COMMANDS = 20;
/** The StatSN that each connection begins with: what the one has sent is numbered as some of what the other has. */
const FIRST = 100;
const FIRST_OF_OTHER = 90;

/** A session of two connections, with answers on both that are not acknowledged. The tags are those of the first connection. */
function begin(): { bench: SessionBench; one: SimInitiator; two: SimInitiator; tags: number[] } {
  const bench = new SessionBench();
  const one = bench.logIn({ session, statSN: FIRST });
  const two = bench.logIn({ joins: one, statSN: FIRST_OF_OTHER });
  const tags = Array.from({ length: COMMANDS }, () => one.command(testUnitReady()));
  for (let index = 0; index < COMMANDS; index++) two.command(testUnitReady());
  bench.settle();
  for (const each of [one, two]) expect(each.replies()).toHaveLength(COMMANDS);
  return { bench, one, two, tags };
}

function logOut(bench: SessionBench, over: SimInitiator, reason: LogoutReason, cid: number, expStatSN: number): void {
  over.send(LogoutRequest, { flags: FINAL_BIT | reason, cid, expStatSN }, { immediate: true });
  bench.settle();
  expect(over.replies().map(({ opcode }) => opcode)).toEqual([Opcode.LOGOUT_RESPONSE]);
}

describe('ExpStatSN of a Logout Request (RFC 7143 §11.14.4)', () => {
  it.each([LogoutReason.CLOSE_CONNECTION, LogoutReason.REMOVE_FOR_RECOVERY])(
    'for another connection acknowledges nothing of the one that carries it: reason %i',
    (reason) => {
      const { bench, one, two } = begin();
      logOut(bench, two, reason, one.cid, FIRST + 5);
      const flags = FINAL_BIT | SnackType.STATUS;
      two.send(SnackRequest, { flags, initiatorTaskTag: RESERVED_TAG, begRun: FIRST_OF_OTHER + 5, runLength: 3 });
      bench.settle();
      const again = two.replies().map(({ header }) => decode(ScsiResponse, header).statSN);
      expect(again).toEqual([5, 6, 7].map((index) => FIRST_OF_OTHER + index));
    },
  );

  it('for recovery says which statuses of that connection have come: those commands are over', () => {
    const { bench, one, two, tags } = begin();
    logOut(bench, two, LogoutReason.REMOVE_FOR_RECOVERY, one.cid, FIRST + 5);
    const responses = [4, 5].map((index) => {
      two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tags[index]! });
      bench.settle();
      return decode(TaskManagementResponse, two.replies()[0]!.header).response;
    });
    expect(responses).toEqual([TaskFunctionResponse.TASK_DOES_NOT_EXIST, TaskFunctionResponse.FUNCTION_COMPLETE]);
  });

  it('for the connection that carries it acknowledges what came over that', () => {
    const { bench, one } = begin();
    const { left } = bench.host.sentBudget;
    // Such a logout is rejected, and nothing else of it counts.
    const flags = FINAL_BIT | LogoutReason.REMOVE_FOR_RECOVERY;
    one.send(LogoutRequest, { flags, cid: one.cid, expStatSN: FIRST + COMMANDS }, { immediate: true });
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.REJECT]);
    expect(bench.host.sentBudget.left).toBeGreaterThan(left);
  });
});

describe('A logout', () => {
  it('that waits for tasks of another connection is one of 256 at most, as no window limits them', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    bench.file.stuck = true;
    two.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    const flags = FINAL_BIT | LogoutReason.CLOSE_CONNECTION;
    for (let count = 0; count < 260; count++) one.send(LogoutRequest, { flags, cid: two.cid }, { immediate: true });
    bench.settle();
    const results = () => one.replies().map(({ header }) => decode(LogoutResponse, header).response);
    expect(results()).toEqual(Array(4).fill(LogoutResult.CLEANUP_FAILED));
    bench.file.stuck = false;
    bench.settle();
    expect(results()).toEqual(Array(256).fill(LogoutResult.SUCCESS));
    one.send(LogoutRequest, { flags, cid: two.cid }, { immediate: true });
    bench.settle();
    expect(results()).toEqual([LogoutResult.CID_NOT_FOUND]);
  });

  it('of a connection over another is told to main before it is answered: the initiator may log in anew at once (RFC 7143 §11.14)', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const before: Pdu[] = [];
    const heard = vi.spyOn(bench.host, 'uplink').mockImplementation(({ type }) => {
      if (type === 'connectionEnded') before.push(...one.replies());
    });
    one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_CONNECTION, cid: two.cid }, { immediate: true });
    bench.settle();
    expect(before).toEqual([]);
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.LOGOUT_RESPONSE]);
    const ends = heard.mock.calls.filter(([{ type }]) => type === 'connectionEnded');
    expect(ends).toMatchObject([[{ cid: two.cid, reason: 'logged out over another connection', sessionEnded: false }]]);
    expect([one.open, two.open]).toEqual([true, false]);
  });
});
