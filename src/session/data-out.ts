// WRITE data on its way in: R2Ts, and the Data-Out PDUs that answer them or come unasked (RFC 7143 §11.7, §11.8).
// Memory is the processor's pieces; a burst never leaves its piece, so that one receive and one disk operation suffice.

import { writeAnswer } from '../pdu/answer-header.ts';
import { RESERVED_TAG } from '../pdu/bhs.ts';
import { DataOut } from '../pdu/data-out.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { countLatencyTwice, Figure } from '../ring/figures.ts';
import { lunWord } from '../scsi/lun.ts';
import { AdditionalSense, fail, SenseKey } from '../scsi/sense.ts';
import { type Piece, Status, takesData } from '../scsi/task.ts';
import type { Connection } from './connection.ts';
import { NOWHERE, Verdict } from './framer.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { PayloadKind } from './payload-kind.ts';
import { R2T_PIECE_BITS, R2T_PIECE_MASK, R2T_SERIALS } from './transfer-tags.ts';

/** Sequences of one command that are asked for again: a line that damages more than that is no use. */
const RECOVERIES_MAX = 64;

/** Takes a Data-Out header at slab offset `at`. Allocates nothing. */
export function dataOutHeader(connection: Connection, at: number): Verdict {
  const view = connection.view;
  const itt = DataOut.initiatorTaskTag.get(view, at);
  const tag = DataOut.targetTransferTag.get(view, at);
  connection.payloadKind = PayloadKind.dataOut;
  connection.payloadFinal = (DataOut.flags.get(view, at) & FINAL_BIT) !== 0;
  const dataSN = DataOut.dataSN.get(view, at);
  const offset = DataOut.bufferOffset.get(view, at);
  const task = tag === RESERVED_TAG ? findUnsolicited(connection, itt) : findSolicited(connection, itt, tag);
  // Data of a task that has ended, by abort or error, may still be on its way (§11.5.1): it is dropped without a word. One that was aborted
  // waits for its backend alone, not for an initiator that stops in the middle of a PDU.
  if (task === null || task.aborted) return Verdict.accepted;
  connection.payloadTask = task;
  task.receiving = true;
  if (tag === RESERVED_TAG) return placeUnsolicited(connection, task, dataSN, offset);
  return placeSolicited(connection, task, connection.host.processor.pieceAt(tag & R2T_PIECE_MASK)!, dataSN, offset);
}

function findUnsolicited(connection: Connection, itt: number): IscsiTask | null {
  for (let task = connection.lastTask; task !== null; task = task.previousInConnection) {
    if (task.initiatorTaskTag === itt && task.unsolicitedOpen) return task;
  }
  return null;
}

function findSolicited(connection: Connection, itt: number, tag: number): IscsiTask | null {
  const piece = connection.host.processor.pieceAt(tag & R2T_PIECE_MASK);
  if (piece === undefined || piece.transferTag !== tag) return null;
  const task = piece.task as IscsiTask | null;
  if (task === null || task.connection !== connection || task.initiatorTaskTag !== itt) return null;
  return task;
}

/** Unasked data: within FirstBurstLength (§13.14), in order, and only kept while the task still wants it. */
function placeUnsolicited(connection: Connection, task: IscsiTask, dataSN: number, offset: number): Verdict {
  const length = connection.payloadLength;
  const end = offset + length;
  const inOrder = dataSN === task.unsolicitedDataSN++ && offset === task.dataOutReceived;
  const limit = Math.min(connection.session.parameters.firstBurstLength, task.expectedDataTransferLength);
  task.dataOutReceived += length;
  if (!inOrder) outOfOrder(connection, task);
  else if (end > limit) tooMuchData(task);
  const piece = takesData(task) ? task.firstPiece : null;
  connection.payloadPiece = piece;
  if (piece === null || !wants(task) || task.dataOutLost) return Verdict.accepted;
  return keep(connection, piece, Math.min(length, Math.max(0, piece.length - piece.received)));
}

function placeSolicited(
  connection: Connection,
  task: IscsiTask,
  piece: Piece,
  dataSN: number,
  offset: number,
): Verdict {
  const length = connection.payloadLength;
  connection.payloadPiece = piece;
  const inOrder = dataSN === piece.burstDataSN++ && offset === piece.start + piece.received;
  if (!inOrder) outOfOrder(connection, task);
  else if (piece.received + length > piece.burstEnd) tooMuchData(task);
  if (!wants(task) || task.dataOutLost) return Verdict.accepted;
  return keep(connection, piece, length);
}

function keep(connection: Connection, piece: Piece, length: number): Verdict {
  connection.payloadKept = length;
  connection.framer.expectPayload(length === 0 ? NOWHERE : piece.at + piece.received, length);
  return Verdict.accepted;
}

function wants(task: IscsiTask): boolean {
  return task.status === Status.GOOD && !task.aborted && !task.completed && !task.over;
}

/** §7.9: data PDUs are missing. From ErrorRecoveryLevel 1 on the rest of the sequence is dropped, and asked for again when it ends. */
function outOfOrder(connection: Connection, task: IscsiTask): void {
  if (connection.sent === null) sequenceFailed(task);
  else task.dataOutLost = true;
}

/** At ErrorRecoveryLevel 0 they stay missing. */
function sequenceFailed(task: IscsiTask): void {
  if (wants(task)) fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR);
}

function tooMuchData(task: IscsiTask): void {
  if (wants(task)) fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA);
}

/** The data of a Data-Out PDU is in, or, with `damaged`, failed its digest. Allocates nothing. */
export function dataOutPayload(connection: Connection, damaged = false): void {
  const task = connection.payloadTask;
  if (task === null) return;
  const piece = connection.payloadPiece;
  task.receiving = false;
  if (damaged) outOfOrder(connection, task);
  if (piece !== null && wants(task) && !task.dataOutLost) piece.received += connection.payloadKept;
  if (connection.payloadFinal) {
    if (task.dataOutLost) loseRest(task, piece);
    if (piece !== null && piece.transferTag !== 0) endBurst(task, piece);
    else task.unsolicitedOpen = false;
  }
  if (task.completed) {
    // It failed early, and its response waited for the data to pass by.
    if (!task.unsolicitedOpen) connection.session.respond(task);
    return;
  }
  if (!wants(task)) {
    finishInTurn(connection, task);
    return;
  }
  if (piece !== null && !task.unsolicitedOpen && piece.transferTag === 0) piece.burstEnd = piece.received;
  // Asking comes first: a piece that is full may end the task here and now.
  if (connection.payloadFinal) requestData(connection, task);
  if (piece !== null) connection.host.processor.pieceFilled(piece);
}

/** Whether the initiator owes the task data, or its turn: it can't end by itself. */
export function lacksData(task: IscsiTask): boolean {
  if (task.held || task.receiving || task.unsolicitedOpen || task.burstsOutstanding !== 0) return true;
  if (!takesData(task)) return false;
  if (task.assigned < task.moveLength) return true;
  for (let piece = task.firstPiece; piece !== null; piece = piece.next) if (piece.received < piece.length) return true;
  return false;
}

/** The task goes on over another connection: whatever data of it were on their way are not any more, and are asked for again (§7.2.2). */
export function resumeDataOut(connection: Connection, task: IscsiTask): void {
  task.dataOutLost = false;
  task.unsolicitedOpen = false;
  task.burstsOutstanding = 0;
  if (task.completed) {
    // It failed early, whatever it was to move, and its response waited for the data to pass by.
    connection.session.complete(task);
    return;
  }
  if (!takesData(task)) {
    if (task.over) finishInTurn(connection, task);
    return;
  }
  for (let piece = task.firstPiece; piece !== null; piece = piece.next) {
    piece.transferTag = 0;
    piece.burstEnd = piece.received;
  }
  if (!wants(task)) {
    finishInTurn(connection, task);
    return;
  }
  // It may lack nothing but the end of its burst, which does not come any more.
  const piece = task.lastPiece;
  requestData(connection, task);
  if (piece !== null) connection.host.processor.pieceFilled(piece);
}

/** Ends a task that wants no data any more. One that is held for its turn in CmdSN order ends in its turn. */
function finishInTurn(connection: Connection, task: IscsiTask): void {
  if (!task.held) connection.host.processor.finishWhenIdle(task);
}

/** A sequence has ended that lost data: it ends where the loss began, and the rest is asked for like all that did not come (§7.8). */
function loseRest(task: IscsiTask, piece: Piece | null): void {
  task.dataOutLost = false;
  task.recoveries++;
  if (task.recoveries > RECOVERIES_MAX) sequenceFailed(task);
  // §13.19: MaxOutstandingR2T is 1 at this level, so nothing was asked for behind it.
  else if (piece !== null) piece.burstEnd = piece.received;
}

function endBurst(task: IscsiTask, piece: Piece): void {
  const { session, engine } = task.connection!;
  const micros = (engine.now() - piece.solicitedAt) * 1000;
  if (task.unit !== null) {
    countLatencyTwice(task.unit.figures, session.figures, Figure.networkMicros, Figure.networkLatency, micros);
  }
  const { sent } = task.connection!;
  task.burstsOutstanding--;
  piece.transferTag = 0;
  if (sent !== null && task.burstsOutstanding === 0) sent.acknowledgeR2Ts(task.initiatorTaskTag);
  if (piece.received !== piece.burstEnd && wants(task)) {
    fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.WRITE_ERROR_NOT_ENOUGH_UNSOLICITED_DATA);
  }
}

/** Asks for the data that is still missing, as far as memory and MaxOutstandingR2T (§13.17) allow. Allocates nothing. */
export function requestData(connection: Connection, task: IscsiTask): void {
  if (!takesData(task) || !wants(task) || task.unsolicitedOpen || !task.started || task.waitsIn !== null) return;
  const parameters = connection.session.parameters;
  while (task.burstsOutstanding < parameters.maxOutstandingR2T) {
    let piece = task.lastPiece;
    if (piece === null || piece.burstEnd === piece.length) {
      if (task.assigned === task.moveLength) return;
      piece = connection.host.processor.memory.nextPiece(task);
      if (piece === null) return;
    } else if (piece.transferTag !== 0) {
      // The rest of this piece comes before the next: sequences are in order (§13.19).
      return;
    }
    sendR2T(connection, task, piece, Math.min(piece.length - piece.burstEnd, parameters.maxBurstLength));
  }
}

function sendR2T(connection: Connection, task: IscsiTask, piece: Piece, length: number): void {
  const host = connection.host;
  host.nextTagSerial = (host.nextTagSerial + 1) % R2T_SERIALS || 1;
  piece.transferTag = host.nextTagSerial * 2 ** R2T_PIECE_BITS + piece.index;
  piece.burstDataSN = 0;
  piece.burstEnd += length;
  piece.solicitedAt = connection.engine.now();
  connection.session.figures[Figure.readyToTransfers]!++;
  if (task.unit !== null) task.unit.figures[Figure.readyToTransfers]!++;
  const cell = connection.takeCell();
  const at = connection.headerAt(cell);
  const head = Opcode.R2T | (FINAL_BIT << 8);
  // §11.8: the LUN goes with the tag, and comes back in the Data-Out.
  const lun = lunWord(task.lun);
  const { initiatorTaskTag: tag, dataSN } = task;
  const offset = piece.start + piece.burstEnd - length;
  writeAnswer(connection.words, at, head, 0, lun, tag, piece.transferTag, dataSN, offset, length);
  connection.writeNextStatSN(at);
  task.dataSN++;
  connection.sendSegment(at, 0, cell);
  task.burstsOutstanding++;
}
