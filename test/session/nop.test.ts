import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import { read16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

describe('a MaxCmdSN that no answer tells of (RFC 7143 §11.4.11)', () => {
  const DEPTH = 4;

  /** As many READs as the window holds, with the disk. */
  function fill(bench: SessionBench, one: SimInitiator): void {
    bench.file.stuck = true;
    for (let count = 0; count < DEPTH; count++) one.command(read16(0, 8), { read: 4096 });
    bench.settle();
  }

  /** The disk lets go of what was aborted. */
  function letGo(bench: SessionBench): void {
    bench.settle();
    bench.file.stuck = false;
    bench.pass(3000);
  }

  /** The connection hears that the whole window is open, once, and nothing else. */
  function expectWindow(bench: SessionBench, one: SimInitiator, statSN: number): void {
    letGo(bench);
    const [told, ...others] = one.replies();
    expect(others).toEqual([]);
    expect(decode(NopIn, told!.header)).toMatchObject({
      opcode: Opcode.NOP_IN,
      initiatorTaskTag: RESERVED_TAG,
      targetTransferTag: RESERVED_TAG,
      statSN,
      expCmdSN: one.numbers.cmdSN,
      maxCmdSN: one.numbers.cmdSN + DEPTH - 1,
    });
  }

  it('is told when another initiator has had the commands aborted', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ queueDepth: DEPTH, statSN: 77 });
    const other = bench.logIn();
    fill(bench, one);
    other.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    expectWindow(bench, one, 77);
  });

  it('is told to the connections that are left when one has gone', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ queueDepth: DEPTH, statSN: 77, session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    fill(bench, two);
    bench.engine.hangUp(two.socket);
    expectWindow(bench, one, 77);
  });

  it('is not told once more when an answer has told of it', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ queueDepth: DEPTH });
    fill(bench, one);
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    letGo(bench);
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE]);
  });
});
