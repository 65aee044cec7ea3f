// Task management: what is answered, which tasks vanish with it, and what the other sessions are told.
// Two sessions of one target, on its two workers; a WRITE without its data is a task that stays for as long as it must.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AsyncEvent, AsyncMessage } from '../../../src/pdu/async-message.ts';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse } from '../../../src/pdu/task-management.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, testUnitReady, write10 } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import { RawInitiator, type Reply } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { BLOCK, ENGINES, serve } from './serving.ts';

/** Starts a WRITE of one block and keeps its data back: the R2T that asks for them. */
function startWrite(initiator: RawInitiator, lba: number): Promise<Reply<typeof R2T>> {
  const cdb = Buffer.concat([write10(lba, 1), Buffer.alloc(6)]);
  const flags = FINAL_BIT | WRITE_BIT;
  initiator.send(ScsiCommand, { flags, lun: lunField(0), expectedDataTransferLength: BLOCK, cdb });
  return initiator.expect(R2T);
}

/** Sends the data that an R2T asked for. */
function sendData(initiator: RawInitiator, { initiatorTaskTag, targetTransferTag, lun }: Reply<typeof R2T>): void {
  initiator.send(DataOut, { initiatorTaskTag, targetTransferTag, lun }, { data: Buffer.alloc(BLOCK, 0xab) });
}

/** The data of an aborted WRITE are dropped without a word, and nothing of them is on the medium. */
async function expectAborted(initiator: RawInitiator, r2t: Reply<typeof R2T>, lba: number): Promise<void> {
  sendData(initiator, r2t);
  await initiator.expectSilence();
  const { status, data } = await initiator.command(read10(lba, 1), { read: BLOCK });
  expect(status).toBe(Status.GOOD);
  expect(data).toEqual(Buffer.alloc(BLOCK));
}

async function expectUnitAttention(initiator: RawInitiator, additional: number): Promise<void> {
  const { status, sense } = await initiator.command(testUnitReady());
  expect(status).toBe(Status.CHECK_CONDITION);
  expect({ key: sense!.key, additional: sense!.additional }).toEqual({ key: SenseKey.UNIT_ATTENTION, additional });
  expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
}

describe.each(ENGINES)('task management on %s (RFC 7143 §11.5)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it('ABORT TASK ends a WRITE that waits for its data, which gets no response', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const r2t = await startWrite(initiator, 1);
    const referencedTaskTag = r2t.initiatorTaskTag;
    const response = await initiator.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag });
    expect(response).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    await expectAborted(initiator, r2t, 1);
    const again = await initiator.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag });
    expect(again).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
  });

  it('ABORT TASK knows no task of another tag, or of another LUN', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const r2t = await startWrite(initiator, 2);
    const { initiatorTaskTag: referencedTaskTag } = r2t;
    const others = [{ referencedTaskTag: referencedTaskTag + 1000 }, { referencedTaskTag, lun: lunField(9) }];
    for (const values of others) {
      const response = await initiator.taskManagement(TaskFunction.ABORT_TASK, values);
      expect(response).toBe(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    }
    sendData(initiator, r2t);
    expect((await initiator.expect(ScsiResponse)).status).toBe(Status.GOOD);
  });

  it('ABORT TASK SET ends all tasks of the session, and none of another', async () => {
    using one = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    const first = await startWrite(one, 3);
    const second = await startWrite(one, 4);
    const foreign = await startWrite(other, 5);
    expect(await one.taskManagement(TaskFunction.ABORT_TASK_SET)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    await expectAborted(one, first, 3);
    await expectAborted(one, second, 4);
    sendData(other, foreign);
    expect((await other.expect(ScsiResponse)).status).toBe(Status.GOOD);
    expect((await other.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it.each([
    {
      name: 'CLEAR TASK SET',
      taskFunction: TaskFunction.CLEAR_TASK_SET,
      lba: 6,
      additional: AdditionalSense.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR,
    },
    {
      name: 'LOGICAL UNIT RESET',
      taskFunction: TaskFunction.LOGICAL_UNIT_RESET,
      lba: 8,
      additional: AdditionalSense.BUS_DEVICE_RESET_FUNCTION_OCCURRED,
    },
  ])(
    '$name ends the tasks of all sessions, and the other one is told why',
    async ({ taskFunction, lba, additional }) => {
      using one = await RawInitiator.logIn(target.port);
      using other = await RawInitiator.logIn(target.port);
      const own = await startWrite(one, lba);
      const foreign = await startWrite(other, lba + 1);
      expect(await one.taskManagement(taskFunction)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
      await expectUnitAttention(other, additional);
      await expectAborted(other, foreign, lba + 1);
      sendData(one, own);
      await one.expectSilence();
    },
  );

  it('says that a LUN does not exist', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const functions = [TaskFunction.ABORT_TASK_SET, TaskFunction.CLEAR_TASK_SET, TaskFunction.LOGICAL_UNIT_RESET];
    for (const taskFunction of functions) {
      const response = await initiator.taskManagement(taskFunction, { lun: lunField(9) });
      expect(response).toBe(TaskFunctionResponse.LUN_DOES_NOT_EXIST);
    }
  });

  it('says which functions it does not have', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const values = { referencedTaskTag: RESERVED_TAG };
    for (const [taskFunction, expected] of [
      [TaskFunction.CLEAR_ACA, TaskFunctionResponse.FUNCTION_NOT_SUPPORTED],
      [0x7f, TaskFunctionResponse.FUNCTION_NOT_SUPPORTED],
      [TaskFunction.TASK_REASSIGN, TaskFunctionResponse.REASSIGNMENT_NOT_SUPPORTED],
    ] as const) {
      expect(await initiator.taskManagement(taskFunction, values)).toBe(expected);
    }
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it('TARGET COLD RESET closes the connections of all sessions once it is answered', async () => {
    using one = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    expect(await one.taskManagement(TaskFunction.TARGET_COLD_RESET)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    await one.expectClose();
    expect(await other.expect(AsyncMessage)).toMatchObject({ asyncEvent: AsyncEvent.SESSION_DROP });
    await other.expectClose();
    using next = await RawInitiator.logIn(target.port);
    await next.ping();
  });
});
