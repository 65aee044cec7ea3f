import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Attribute, Status } from '../../src/scsi/task.ts';
import { read16, testUnitReady, write16 } from '../support/cdbs.ts';
import { decode, lunField } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun, TARGET_NAME } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const LENGTH = 64 * BLOCK_BYTES;
const DATA = noise(LENGTH, 11);
const { FUNCTION_COMPLETE, FUNCTION_REJECTED, TASK_DOES_NOT_EXIST, LUN_DOES_NOT_EXIST } = TaskFunctionResponse;

/** The responses to task management functions that came, and nothing else must have. */
function answers(initiator: SimInitiator): number[] {
  return initiator.replies().map(({ opcode, header }) => {
    expect(opcode).toBe(Opcode.TASK_MANAGEMENT_RESPONSE);
    return decode(TaskManagementResponse, header).response;
  });
}

const statuses = (initiator: SimInitiator): (number | undefined)[] =>
  initiator.replies().map(({ opcode, header }) => (opcode === Opcode.SCSI_RESPONSE ? header[3] : undefined));

describe('ABORT TASK (RFC 7143 §11.5.1)', () => {
  it('of a command that the disk has is answered when the disk is done with it, each time it is asked for', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    const tag = one.command(write16(0, 64), { write: LENGTH, data: DATA });
    bench.settle();
    for (let count = 0; count < 3; count++) one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag });
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(answers(one)).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(answers(one)).toEqual(Array(4).fill(FUNCTION_COMPLETE));
    expect(one.maxCmdSN - one.expCmdSN).toBe(15);
  });

  it('of a command that waits for data is answered at once, and the data pass by', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    const tag = one.command(write16(0, 64), { write: LENGTH });
    bench.settle();
    const { targetTransferTag } = decode(R2T, one.replies()[0]!.header);
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag, refCmdSN: 1 });
    one.send(DataOut, { initiatorTaskTag: tag, targetTransferTag }, { data: DATA });
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('of a command that an ORDERED one holds back is answered at once', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    one.command(read16(0, 1), { read: BLOCK_BYTES });
    const flags = FINAL_BIT | WRITE_BIT | Attribute.ORDERED;
    const tag = one.command(write16(0, 64), { write: LENGTH, data: DATA, values: { flags } });
    const behind = one.command(write16(64, 64), { write: LENGTH, data: DATA });
    bench.settle();
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag });
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    bench.file.stuck = false;
    bench.settle();
    const rest = one.replies().map(({ opcode, header }) => [opcode, header.readUInt32BE(16)]);
    expect(rest).toContainEqual([Opcode.SCSI_RESPONSE, behind]);
    expect(rest).toHaveLength(2);
    expect(bench.file.bytes.subarray(0, LENGTH).every((byte) => byte === 0)).toBe(true);
    expect(DATA.equals(bench.file.bytes.subarray(LENGTH, 2 * LENGTH))).toBe(true);
  });

  it('of a task that is gone, never was, or is another unit’s says that there is none', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const tag = one.command(testUnitReady());
    bench.settle();
    one.replies();
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag, refCmdSN: 1 });
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: 4711, refCmdSN: 1000 });
    bench.file.stuck = true;
    const held = one.command(read16(0, 1), { read: BLOCK_BYTES });
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: held, lun: lunField(1) });
    bench.settle();
    expect(answers(one)).toEqual([TASK_DOES_NOT_EXIST, TASK_DOES_NOT_EXIST, TASK_DOES_NOT_EXIST]);
  });

  it('§11.6.1: of a command that has not come yet is answered, and the command is ignored when it comes', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const late = one.encodeCommand(write16(0, 64), { write: LENGTH, data: DATA });
    const referencedTaskTag = late.readUInt32BE(16);
    two.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag, refCmdSN: late.readUInt32BE(24) });
    bench.settle();
    expect(answers(two)).toEqual([FUNCTION_COMPLETE]);
    one.sendBytes(late);
    one.command(testUnitReady());
    bench.settle();
    expect(statuses(one)).toEqual([Status.GOOD]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('of a command that waits for its turn is answered at once, and its number passes by', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const idle = bench.engine.slab.bytesInUse;
    const first = one.encodeCommand(testUnitReady());
    const referencedTaskTag = two.command(write16(0, 64), { write: LENGTH, data: DATA });
    bench.settle();
    two.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag, refCmdSN: two.numbers.cmdSN - 1 });
    const last = two.command(read16(64, 1), { read: BLOCK_BYTES });
    bench.settle();
    expect(answers(two)).toEqual([FUNCTION_COMPLETE]);
    one.sendBytes(first);
    bench.settle();
    expect(statuses(one)).toEqual([Status.GOOD]);
    expect(two.replies().map(({ header }) => header.readUInt32BE(16))).toEqual([last]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
    expect([two.maxCmdSN - two.expCmdSN, bench.engine.slab.bytesInUse]).toEqual([15, idle]);
  });

  it('of a command that has failed and waits for its data to pass by ends it without an answer', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const idle = bench.engine.slab.bytesInUse;
    const referencedTaskTag = one.command(write16(2 ** 30, 64), { write: LENGTH, unsolicited: true });
    bench.settle();
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag, refCmdSN: one.numbers.cmdSN - 1 });
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    one.dataOut(referencedTaskTag, DATA, {});
    one.command(testUnitReady());
    bench.settle();
    expect(statuses(one)).toEqual([Status.GOOD]);
    expect([one.maxCmdSN - one.expCmdSN, bench.engine.slab.bytesInUse]).toEqual([15, idle]);
  });

  it('at ErrorRecoveryLevel 1 leaves nothing to be sent again', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { errorRecoveryLevel: 1, initialR2T: true, immediateData: false } });
    const { left } = bench.host.sentBudget;
    const referencedTaskTag = one.command(write16(0, 64), { write: LENGTH });
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.R2T]);
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag, refCmdSN: one.numbers.cmdSN - 1 });
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    // Acknowledges the response.
    one.send(NopOut, { expStatSN: 2, initiatorTaskTag: RESERVED_TAG }, { immediate: true });
    bench.settle();
    expect(bench.host.sentBudget.left).toBe(left);
  });

  it('§11.6.1: of a command that has not come yet lets run what waited for it, and frees its place', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    for (let count = 0; count < 3; count++) {
      const late = one.encodeCommand(testUnitReady());
      two.command(testUnitReady());
      bench.settle();
      expect(two.replies()).toEqual([]);
      const referencedTaskTag = late.readUInt32BE(16);
      two.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag, refCmdSN: late.readUInt32BE(24) });
      bench.settle();
      const opcodes = two.replies().map(({ opcode }) => opcode);
      expect(opcodes).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.SCSI_RESPONSE]);
    }
    // As many as it was promised, and none under way.
    expect(two.maxCmdSN - two.expCmdSN).toBe(15);
  });
});

describe('functions for many tasks (RFC 7143 §4.2.3.3)', () => {
  it('ABORT TASK SET ends the tasks of one unit and one session', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    for (const initiator of [one, two]) initiator.command(write16(0, 64), { write: LENGTH, data: DATA });
    one.command(read16(64, 64), { read: LENGTH });
    bench.settle();
    one.taskManagement(TaskFunction.ABORT_TASK_SET);
    bench.settle();
    expect(answers(one)).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    expect(statuses(two)).toEqual([Status.GOOD]);
  });

  it.each([
    [TaskFunction.CLEAR_TASK_SET, AdditionalSense.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR],
    [TaskFunction.LOGICAL_UNIT_RESET, AdditionalSense.BUS_DEVICE_RESET_FUNCTION_OCCURRED],
    [TaskFunction.TARGET_WARM_RESET, AdditionalSense.BUS_DEVICE_RESET_FUNCTION_OCCURRED],
  ])('function %d ends those of others too, who hear of it with their next command', (taskFunction, additional) => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    two.command(write16(0, 64), { write: LENGTH, data: DATA });
    bench.settle();
    one.taskManagement(taskFunction);
    bench.settle();
    expect(answers(one)).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    two.command(testUnitReady());
    two.command(testUnitReady());
    bench.settle();
    const [attention, ready, ...others] = two.replies();
    expect(attention!.data.readUInt16BE(14)).toBe(additional);
    expect([ready!.header[3], others]).toEqual([Status.GOOD, []]);
  });

  it('CLEAR TASK SET says nothing to those who had no command there', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    two.command(testUnitReady(), { lun: SimLun.MEMORY });
    one.taskManagement(TaskFunction.CLEAR_TASK_SET);
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    two.command(testUnitReady());
    bench.settle();
    expect(statuses(two)).toEqual([Status.GOOD, Status.GOOD]);
  });

  it.each([TaskFunction.ABORT_TASK_SET, TaskFunction.CLEAR_TASK_SET, TaskFunction.LOGICAL_UNIT_RESET])(
    '§4.2.3.2: function %d ends immediate commands that came before it, and no command that comes behind it',
    (taskFunction) => {
      const bench = new SessionBench();
      const one = bench.logIn();
      bench.file.stuck = true;
      one.command(write16(0, 64), { write: LENGTH, data: DATA, immediate: true });
      one.taskManagement(taskFunction);
      const behind = one.command(read16(64, 64), { read: LENGTH });
      bench.settle();
      bench.file.stuck = false;
      bench.settle();
      const [done, ...others] = one.replies();
      expect(done!.opcode).toBe(Opcode.TASK_MANAGEMENT_RESPONSE);
      expect(new Set(others.map(({ header }) => header.readUInt32BE(16)))).toEqual(new Set([behind]));
    },
  );

  it('wait for the commands before them that come over another connection, and spare those behind them', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    bench.file.stuck = true;
    const before = one.encodeCommand(write16(0, 64), { write: LENGTH, data: DATA });
    two.taskManagement(TaskFunction.ABORT_TASK_SET);
    two.command(write16(64, 64), { write: LENGTH, data: DATA });
    bench.settle();
    expect(answers(two)).toEqual([]);
    one.sendBytes(before);
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    expect(one.replies()).toEqual([]);
    expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE, Opcode.SCSI_RESPONSE]);
    expect(DATA.equals(bench.file.bytes.subarray(LENGTH, 2 * LENGTH))).toBe(true);
  });

  it('concern the unit that the LUN is when all commands before them have come', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2, initialR2T: true, immediateData: false } });
    const two = bench.logIn({ joins: one });
    const before = one.encodeCommand(write16(0, 64), { write: LENGTH });
    two.taskManagement(TaskFunction.ABORT_TASK_SET);
    bench.settle();
    bench.tell({ type: 'unitRemoved', id: 100 + SimLun.FILE, request: 1 });
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns: [[SimLun.FILE, 100 + SimLun.MEMORY]], request: 2 });
    one.sendBytes(before);
    bench.settle();
    expect(one.replies()).toEqual([]);
    expect(answers(two)).toEqual([FUNCTION_COMPLETE]);
    one.taskManagement(TaskFunction.ABORT_TASK_SET, { lun: lunField(SimLun.NULL) });
    bench.settle();
    expect(answers(one)).toEqual([LUN_DOES_NOT_EXIST]);
  });

  it('do not wait for a command that was refused', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { immediateData: false } });
    // Rejected, so that its CmdSN is missing for good (§7.3).
    one.command(write16(0, 1), { write: BLOCK_BYTES, data: noise(BLOCK_BYTES) });
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    const opcodes = one.replies().map(({ opcode }) => opcode);
    expect(opcodes).toEqual([Opcode.REJECT, Opcode.TASK_MANAGEMENT_RESPONSE]);
  });

  it('are rejected beyond 256 of a connection that wait, as nothing else limits immediate ones', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { errorRecoveryLevel: 1 } });
    const before = one.encodeCommand(testUnitReady());
    for (let count = 0; count < 260; count++) one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(answers(one)).toEqual(Array(4).fill(FUNCTION_REJECTED));
    one.sendBytes(before);
    bench.settle();
    expect(answers(one)).toEqual(Array(256).fill(FUNCTION_COMPLETE));
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
  });

  it('of a unit that is not there say so', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    for (const each of [TaskFunction.ABORT_TASK_SET, TaskFunction.CLEAR_TASK_SET, TaskFunction.LOGICAL_UNIT_RESET]) {
      one.taskManagement(each, { lun: lunField(99) });
    }
    bench.settle();
    expect(answers(one)).toEqual(Array(3).fill(LUN_DOES_NOT_EXIST));
  });

  it('TARGET COLD RESET drops every connection of the target, the asker’s after its answer', () => {
    const bench = new SessionBench();
    const unused = bench.engine.slab.bytesInUse;
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    two.command(read16(0, 1), { read: BLOCK_BYTES, lun: SimLun.FILE });
    bench.settle();
    one.taskManagement(TaskFunction.TARGET_COLD_RESET);
    bench.settle();
    expect([one.open, two.open]).toEqual([true, true]);
    bench.file.stuck = false;
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    expect([one.open, two.open]).toEqual([false, false]);
    expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.ASYNC_MESSAGE]);
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });
});

describe('ABORT TASK SET', () => {
  it('starts nothing that an ORDERED command held back, and ends each command once', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    const idle = bench.engine.slab.bytesInUse;
    const flags = FINAL_BIT | WRITE_BIT | Attribute.ORDERED;
    one.command(write16(0, 64), { write: LENGTH, values: { flags } });
    for (let count = 0; count < 3; count++) {
      one.command(testUnitReady());
      one.command(write16(0, 64), { write: LENGTH, values: { flags } });
    }
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.R2T]);
    one.taskManagement(TaskFunction.ABORT_TASK_SET);
    bench.settle();
    expect(answers(one)).toEqual([FUNCTION_COMPLETE]);
    expect(one.maxCmdSN - one.expCmdSN).toBe(15);
    expect(bench.engine.slab.bytesInUse).toBe(idle);
  });
});
