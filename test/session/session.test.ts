import { describe, expect, it } from 'vitest';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { Attribute } from '../../src/scsi/task.ts';
import { write16 } from '../support/cdbs.ts';
import { lunField } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const BLOCK = noise(BLOCK_BYTES, 3);

/** A session of two connections on a worker. */
function open(): { bench: SessionBench; one: SimInitiator; two: SimInitiator; unused: number } {
  const bench = new SessionBench();
  const unused = bench.engine.slab.bytesInUse;
  const one = bench.logIn({ session: { maxConnections: 2 } });
  return { bench, one, two: bench.logIn({ joins: one }), unused };
}

describe('Session of two connections (RFC 7143 §4.2.2.1)', () => {
  it('runs requests in the order of CmdSN, whichever connection they come over', () => {
    const { bench, one, two } = open();
    const cmdSN = one.numbers.cmdSN;
    const late = one.encodeCommand(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    // ORDERED: the disk does it after the first.
    const values = { flags: FINAL_BIT | WRITE_BIT | Attribute.ORDERED };
    two.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK.map((byte) => ~byte), values });
    two.send(NopOut, {}, { data: BLOCK });
    bench.settle();
    expect(two.replies()).toEqual([]);
    one.sendBytes(late);
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.SCSI_RESPONSE]);
    expect(
      two
        .replies()
        .map(({ opcode }) => opcode)
        .sort(),
    ).toEqual([Opcode.NOP_IN, Opcode.SCSI_RESPONSE]);
    expect(two.expCmdSN).toBe(cmdSN + 3);
    expect(bench.file.bytes[0]).toBe(~BLOCK[0]! & 0xff);
  });

  it('gives the memory of what it holds back when it ends', () => {
    const { bench, one, two, unused } = open();
    two.send(NopOut, { cmdSN: one.numbers.cmdSN + 1 }, { data: noise(5000) });
    two.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK, values: { cmdSN: one.numbers.cmdSN + 2 } });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.engine.hangUp(two.socket);
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });

  it('can be told to abort a command by a request that came before it', () => {
    const { bench, one, two } = open();
    const late = one.encodeCommand(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    const flags = FINAL_BIT | TaskFunction.ABORT_TASK;
    // Not immediate: it is held until the command has come, and runs before that has run.
    const referencedTaskTag = late.readUInt32BE(16);
    two.send(TaskManagementRequest, { flags, lun: lunField(0), referencedTaskTag, refCmdSN: late.readUInt32BE(24) });
    bench.settle();
    one.sendBytes(late);
    bench.settle();
    expect(one.replies()).toEqual([]);
    const [answer, ...others] = two.replies();
    expect([answer!.opcode, answer!.header[2], others]).toEqual([
      Opcode.TASK_MANAGEMENT_RESPONSE,
      TaskFunctionResponse.FUNCTION_COMPLETE,
      [],
    ]);
    expect(bench.file.bytes[0]).toBe(0);
    one.send(NopOut);
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.NOP_IN]);
  });
});
