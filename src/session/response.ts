// How a SCSI command ends on the wire: the SCSI Response PDU and the residual counts (RFC 7143 §11.4).
// Data-In that carries the status itself is data-in.ts's.

import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { OVERFLOW_BIT, Response, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../pdu/scsi-response.ts';
import { writeSense } from '../scsi/sense.ts';
import { Movement, Status, type Task } from '../scsi/task.ts';
import type { Connection } from './connection.ts';
import type { IscsiTask } from './iscsi-task.ts';

/** Bytes that moved, or would have: what the residual is counted from. */
function movedLength(task: Task): number {
  switch (task.movement) {
    case Movement.none:
      return 0;
    case Movement.replyIn:
      return task.dataLength;
    default:
      return task.transferLength;
  }
}

/**
 * How far what the command had to move is from what the initiator expected: positive is overflow, negative underflow (§11.4.5).
 * A command that failed before it moved anything leaves everything it was expected to move.
 */
export function residual(task: Task): number {
  if (task.status !== Status.GOOD && task.assigned === 0) return -task.expectedDataTransferLength;
  return movedLength(task) - task.expectedDataTransferLength;
}

/** The O or U bit that goes with a residual. Allocates nothing. */
export function residualFlags(difference: number): number {
  if (difference === 0) return 0;
  return difference > 0 ? OVERFLOW_BIT : UNDERFLOW_BIT;
}

/** Sends the SCSI Response that ends `task`, with its sense data if there are any. Allocates nothing. */
export function sendScsiResponse(connection: Connection, task: IscsiTask): void {
  const cell = connection.takeCell();
  const view = connection.view;
  const at = connection.headerAt(cell);
  const difference = residual(task);
  ScsiResponse.opcode.set(view, at, Opcode.SCSI_RESPONSE);
  ScsiResponse.flags.set(view, at, FINAL_BIT | residualFlags(difference));
  ScsiResponse.response.set(view, at, Response.COMPLETED);
  ScsiResponse.status.set(view, at, task.status);
  view.setUint32(at + 4, 0);
  view.setUint32(at + 8, 0);
  view.setUint32(at + 12, 0);
  ScsiResponse.initiatorTaskTag.set(view, at, task.initiatorTaskTag);
  ScsiResponse.snackTag.set(view, at, connection.sent === null ? 0 : connection.sent.snackTag(task.initiatorTaskTag));
  connection.writeStatSN(at);
  ScsiResponse.expDataSN.set(view, at, task.dataSN);
  ScsiResponse.bidirectionalReadResidualCount.set(view, at, 0);
  ScsiResponse.residualCount.set(view, at, Math.abs(difference));
  let length = 0;
  if (task.status === Status.CHECK_CONDITION) {
    // §11.4.7: two bytes of length, then the sense data, all of it in the data segment.
    const sense = connection.dataAt(at);
    const senseLength = writeSense(view, sense + SENSE_LENGTH_SIZE, task, task.unit?.senseFormat);
    view.setUint16(sense, senseLength);
    length = SENSE_LENGTH_SIZE + senseLength;
    ScsiResponse.dataSegmentLength.set(view, at, length);
  }
  connection.sendSegment(at, length, cell);
}
