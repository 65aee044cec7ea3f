// Task management (RFC 7143 §11.5, §11.6; SAM-5 §7): aborts that are answered when the tasks are really gone.
// What reaches beyond this session goes to main, which has every worker apply it: units.ts.

import { Countdown } from '../base/countdown.ts';
import { serialBefore } from '../base/serial.ts';
import { BHS_SIZE } from '../pdu/bhs.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import {
  FUNCTION_MASK,
  TaskFunction,
  TaskFunctionResponse,
  TaskManagementRequest,
  TaskManagementResponse,
} from '../pdu/task-management.ts';
import { Counter, TASK_FUNCTIONS } from '../ring/counters.ts';
import type { SharedReset } from '../ring/messages.ts';
import { readLun } from '../scsi/lun.ts';
import { Arrival } from './cmd-window.ts';
import type { Connection } from './connection.ts';
import { taskReassign } from './reassign.ts';

/** Takes a Task Management Function Request whose header lies at slab offset `at`. */
export function taskManagementRequest(connection: Connection, at: number): void {
  const view = connection.view;
  const session = connection.session;
  const taskFunction = TaskManagementRequest.flags.get(view, at) & FUNCTION_MASK;
  connection.host.counters[Counter.taskManagement + (taskFunction < TASK_FUNCTIONS ? taskFunction : 0)]!++;
  const itt = TaskManagementRequest.initiatorTaskTag.get(view, at);
  const cmdSN = TaskManagementRequest.cmdSN.get(view, at);
  if (connection.unanswered.full) {
    sendResponse(connection, itt, TaskFunctionResponse.FUNCTION_REJECTED);
    return;
  }
  const respond = connection.unanswered.begin((response: TaskFunctionResponse) =>
    sendResponse(connection, itt, response),
  );
  const lun = readLun(view, at + TaskManagementRequest.lun.offset);
  switch (taskFunction) {
    case TaskFunction.ABORT_TASK:
      abortTask(connection, at, respond);
      return;
    case TaskFunction.ABORT_TASK_SET:
    case TaskFunction.CLEAR_TASK_SET:
    case TaskFunction.LOGICAL_UNIT_RESET:
      // §4.2.3.3: once all commands that may be concerned are here. Another unit may have the LUN by then.
      session.afterAllBefore(cmdSN, () => {
        const unit = session.nexus.units.get(lun);
        if (unit === undefined) respond(TaskFunctionResponse.LUN_DOES_NOT_EXIST);
        else abortMany(connection, taskFunction, [unit.snapshot.id], lun, cmdSN, respond);
      });
      return;
    case TaskFunction.TARGET_WARM_RESET:
    case TaskFunction.TARGET_COLD_RESET:
      session.afterAllBefore(cmdSN, () => {
        const units = connection.host.units.of(session.nexus.targetName);
        abortMany(connection, taskFunction, units, null, cmdSN, respond);
      });
      return;
    case TaskFunction.TASK_REASSIGN:
      return taskReassign(connection, at, respond);
    default:
      // CLEAR ACA among them: NORMACA is 0 in our INQUIRY data.
      respond(TaskFunctionResponse.FUNCTION_NOT_SUPPORTED);
  }
}

/** The functions that reach beyond this session, and what they are to the other workers. */
const SHARED: Readonly<Record<number, SharedReset['kind']>> = {
  [TaskFunction.CLEAR_TASK_SET]: 'clearTaskSet',
  [TaskFunction.LOGICAL_UNIT_RESET]: 'logicalUnit',
  [TaskFunction.TARGET_WARM_RESET]: 'target',
  [TaskFunction.TARGET_COLD_RESET]: 'target',
};

/** Aborts the tasks of whole units, which are all of the target (`lun` null) or the one at `lun`, and answers when they are gone everywhere. */
function abortMany(
  connection: Connection,
  taskFunction: number,
  units: number[],
  lun: number | null,
  cmdSN: number,
  respond: (response: TaskFunctionResponse) => void,
): void {
  const session = connection.session;
  const closeConnections = taskFunction === TaskFunction.TARGET_COLD_RESET;
  const wait = new Countdown(() => {
    respond(TaskFunctionResponse.FUNCTION_COMPLETE);
    if (!closeConnections) return;
    for (const each of session.members) each.leave('target cold reset');
  });
  // §4.2.3.2: of the session that asks, what it sent before it asked.
  session.abortTasks((task) => {
    const before = serialBefore(task.cmdSN, cmdSN) || (task.immediate && task.cmdSN === cmdSN);
    // Without a unit is what was sent to one that is removed: it waits for data that is owed.
    return before && (task.unit === null ? lun === null || task.lun === lun : units.includes(task.unit.snapshot.id));
  }, wait);
  const kind = SHARED[taskFunction];
  if (kind !== undefined) session.requestReset({ kind, units, byTsih: session.nexus.tsih, closeConnections }, wait);
  wait.seal();
}

/** §11.6.1 spells out the three cases: the task is here, it has not come yet, or nobody knows of it. */
function abortTask(connection: Connection, at: number, respond: (response: TaskFunctionResponse) => void): void {
  const view = connection.view;
  const session = connection.session;
  const task = session.findTask(TaskManagementRequest.referencedTaskTag.get(view, at));
  if (task !== null) {
    if (task.lun !== readLun(view, at + TaskManagementRequest.lun.offset)) {
      return respond(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    }
    const wait = new Countdown(() => respond(TaskFunctionResponse.FUNCTION_COMPLETE));
    session.abortTask(task, wait);
    wait.seal();
    return;
  }
  const refCmdSN = TaskManagementRequest.refCmdSN.get(view, at);
  const cmdSN = TaskManagementRequest.cmdSN.get(view, at);
  const arrival = session.window.judge(refCmdSN);
  if (arrival === Arrival.ignore || !serialBefore(refCmdSN, cmdSN)) {
    return respond(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
  }
  // It is on its way over another connection: its number counts as received, and it will be ignored when it comes.
  session.window.take(refCmdSN);
  if (arrival === Arrival.early) session.hold(refCmdSN, null);
  else session.window.ended();
  respond(TaskFunctionResponse.FUNCTION_COMPLETE);
  if (session.holding) session.runHeld();
}

function sendResponse(connection: Connection, itt: number, response: TaskFunctionResponse): void {
  if (!connection.open) return;
  const cell = connection.takeCell();
  const view = connection.view;
  const at = connection.headerAt(cell);
  connection.bytes.fill(0, at, at + BHS_SIZE);
  TaskManagementResponse.opcode.set(view, at, Opcode.TASK_MANAGEMENT_RESPONSE);
  TaskManagementResponse.flags.set(view, at, FINAL_BIT);
  TaskManagementResponse.response.set(view, at, response);
  TaskManagementResponse.initiatorTaskTag.set(view, at, itt);
  connection.writeStatSN(at);
  connection.sendSegment(at, 0, cell);
}
