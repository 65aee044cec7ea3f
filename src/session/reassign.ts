// TASK REASSIGN (RFC 7143 §11.5, §7.2.2): a task of a lost connection goes on over another one, or its status is sent there.
// Whether there are lost connections, and for how long, is lost-connection.ts's.

import { serialAdd, serialBefore } from '../base/serial.ts';
import { ACKNOWLEDGE_BIT, DataIn } from '../pdu/data-in.ts';
import { Opcode } from '../pdu/opcode.ts';
import { ScsiResponse } from '../pdu/scsi-response.ts';
import { TaskFunctionResponse, TaskManagementRequest } from '../pdu/task-management.ts';
import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';
import { resumeDataOut } from './data-out.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { resegment, taggedResponse } from './resegmentation.ts';
import type { SentPdu, SentSequence } from './sent-pdu.ts';
import type { SentPdus } from './sent-pdus.ts';

/** Takes the request whose header lies at slab offset `at`, over the connection that the task is to go on with. */
export function taskReassign(
  connection: Connection,
  at: number,
  respond: (response: TaskFunctionResponse) => void,
): void {
  const { view, session, sent } = connection;
  if (session.parameters.errorRecoveryLevel < 2 || sent === null) {
    return respond(TaskFunctionResponse.REASSIGNMENT_NOT_SUPPORTED);
  }
  // The tag says all: the LUN is reserved in this function (§11.5.3).
  const tag = TaskManagementRequest.referencedTaskTag.get(view, at);
  const expDataSN = TaskManagementRequest.expDataSN.get(view, at);
  const task = session.findTask(tag);
  if (task !== null) {
    // One that is being aborted will have no status, which a task that is taken up ends with (§7.2.2).
    if (task.aborted) return respond(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
    const from = task.connection!;
    if (from.state !== ConnectionState.lost) return respond(TaskFunctionResponse.TASK_STILL_ALLEGIANT);
    moveTask(task, connection, { from: from.sent!, to: sent }, expDataSN, respond);
    return;
  }
  // The latest first: the initiator may have used the tag again.
  for (const { sent: from } of session.lost.toReversed()) {
    const status = from!.statusOf(tag);
    if (status === null) continue;
    moveStatus(status, connection, { from: from!, to: sent }, expDataSN, respond);
    return;
  }
  respond(TaskFunctionResponse.TASK_DOES_NOT_EXIST);
}

/** What was sent over the lost connection, and over the one that takes its place. */
interface Sents {
  readonly from: SentPdus;
  readonly to: SentPdus;
}

/** The task runs: the data that the initiator lacks comes first, then it goes on. */
function moveTask(
  task: IscsiTask,
  connection: Connection,
  { from, to }: Sents,
  expDataSN: number,
  respond: (response: TaskFunctionResponse) => void,
): void {
  const tag = task.initiatorTaskTag;
  const sequence = from.running(tag);
  const first = firstLacking(sequence, expDataSN);
  const run = lacking(from, sequence, first);
  if (run === null) return respond(TaskFunctionResponse.FUNCTION_REJECTED);
  respond(TaskFunctionResponse.FUNCTION_COMPLETE);
  task.connection!.unlink(task);
  task.connection = connection;
  const { memory } = connection.host.processor;
  memory.setSegmentLength(task, connection.segmentLength);
  memory.move(task, connection.share);
  connection.link(task);
  // R2Ts that were not answered are void: others take their numbers.
  task.dataSN = resend(run, connection, to, tag, first);
  from.left(task);
  if (run.length !== 0 || task.heldBack) to.retransmission.follow(connection, task);
  resumeDataOut(connection, task);
  to.retransmission.pump(connection);
}

/** The task has ended: the data that the initiator lacks, and its status with a StatSN of this connection. */
function moveStatus(
  status: SentPdu,
  connection: Connection,
  { from, to }: Sents,
  expDataSN: number,
  respond: (response: TaskFunctionResponse) => void,
): void {
  const { sequence } = status;
  const tag = ScsiResponse.initiatorTaskTag.get(status.view, 0);
  const first = sequence === null ? 0 : firstLacking(sequence, expDataSN);
  const run = sequence === null ? [] : lacking(from, sequence, first);
  if (run === null) return respond(TaskFunctionResponse.FUNCTION_REJECTED);
  respond(TaskFunctionResponse.FUNCTION_COMPLETE);
  const next = resend(run, connection, to, tag, first);
  const sentBefore = status.opcode === Opcode.DATA_IN ? next : ScsiResponse.expDataSN.get(status.view, 0);
  const bytes = taggedResponse(status, run.length === 0 ? sentBefore : next, 0);
  ScsiResponse.statSN.set(new DataView(bytes.buffer), 0, connection.statSN);
  connection.statSN = serialAdd(connection.statSN, 1);
  to.retransmission.add([to.keepStatus(bytes)]);
  from.forgetStatus(status);
  to.retransmission.pump(connection);
}

/** §11.5.6: ExpDataSN acknowledges what came before it; 0 acknowledges nothing new, and what can't be is ignored. */
function firstLacking(sequence: SentSequence, expDataSN: number): number {
  const { acknowledged, next } = sequence;
  const valid = !serialBefore(expDataSN, acknowledged) && !serialBefore(next, expDataSN);
  return valid ? expDataSN : acknowledged;
}

/** The Data-In from `first` on; null when some of it is gone. R2Ts are left out: they are asked anew. */
function lacking(from: SentPdus, sequence: SentSequence, first: number): SentPdu[] | null {
  if (first === sequence.next) return [];
  const run = from.data(sequence, first, 0);
  return typeof run === 'string' ? null : run.filter(({ opcode }) => opcode === Opcode.DATA_IN);
}

/** Queues data for another connection, cut as its initiator takes it. Returns the DataSN after it. */
function resend(run: SentPdu[], connection: Connection, to: SentPdus, tag: number, first: number): number {
  const sequence = to.running(tag);
  sequence.acknowledged = first;
  sequence.next = first;
  const cut = resegment(run, first, connection.segmentLength);
  for (const bytes of cut) {
    const view = new DataView(bytes.buffer);
    if ((DataIn.flags.get(view, 0) & ACKNOWLEDGE_BIT) !== 0) DataIn.targetTransferTag.set(view, 0, to.ackTag(tag));
  }
  to.retransmission.add(to.replace(sequence, cut, null));
  return sequence.next;
}
