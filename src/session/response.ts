// How a SCSI command ends on the wire: the SCSI Response PDU and the residual counts (RFC 7143 §11.4).
// Data-In that carries the status itself is data-in.ts's.

import { writeAnswer } from '../pdu/answer-header.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { OVERFLOW_BIT, Response, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../pdu/scsi-response.ts';
import { writeSense } from '../scsi/sense.ts';
import { Movement, Status, takesData } from '../scsi/task.ts';
import type { Connection } from './connection.ts';
import type { IscsiTask } from './iscsi-task.ts';

/** Bytes that moved, or would have: what the residual is counted from. None do to an initiator that expects them to go the other way, or no way. */
function movedLength(task: IscsiTask): number {
  const taken = task.reads || task.expectedDataTransferLength === 0;
  switch (task.movement) {
    case Movement.none:
      return 0;
    case Movement.replyIn:
      return taken ? task.dataLength : 0;
    case Movement.streamIn:
      return taken ? task.transferLength : 0;
    default:
      return task.transferLength;
  }
}

/**
 * How far what the command had to move is from what the initiator expected: positive is overflow, negative underflow (§11.4.5).
 * A command that failed before it moved anything leaves everything it was expected to move, and a READ that failed what it did not send: Linux
 * takes what is before the LBA in the sense data for read, as far as the residual lets it.
 */
export function residual(task: IscsiTask): number {
  if (task.status !== Status.GOOD && (task.assigned === 0 || task.movement === Movement.streamIn)) {
    return task.assigned - task.expectedDataTransferLength;
  }
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
  const at = connection.headerAt(cell);
  const { words, sent } = connection;
  const difference = residual(task);
  const flags = FINAL_BIT | residualFlags(difference);
  const head = Opcode.SCSI_RESPONSE | (flags << 8) | (Response.COMPLETED << 16) | (task.status << 24);
  const tag = task.initiatorTaskTag;
  const snackTag = sent === null ? 0 : sent.snackTag(tag);
  // §11.4.8: ExpDataSN counts Data-In; R2Ts have numbers as well, but the initiator owes no word that they came.
  const expDataSN = takesData(task) ? 0 : task.dataSN;
  writeAnswer(words, at, head, 0, 0, tag, snackTag, expDataSN, 0, Math.abs(difference));
  connection.writeStatSN(at);
  let length = 0;
  if (task.status === Status.CHECK_CONDITION) {
    const { view } = connection;
    // §11.4.7: two bytes of length, then the sense data, all of it in the data segment.
    const sense = connection.dataAt(at);
    const senseLength = writeSense(view, sense + SENSE_LENGTH_SIZE, task, task.unit?.senseFormat);
    view.setUint16(sense, senseLength);
    length = SENSE_LENGTH_SIZE + senseLength;
    ScsiResponse.dataSegmentLength.set(view, at, length);
  }
  connection.sendSegment(at, length, cell);
}
