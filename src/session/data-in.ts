// READ data on its way out: Data-In PDUs, their sequences, and the status in the last one (RFC 7143 §11.7).
// Pieces come in order from scsi/processor.ts; their slots come back through the engine once the bytes have left.

import { NONE } from '../base/free-list.ts';
import { NO_RELEASE } from '../engine/engine.ts';
import { writeAnswer } from '../pdu/answer-header.ts';
import { DIGEST_SIZE, padded, RESERVED_TAG } from '../pdu/bhs.ts';
import { ACKNOWLEDGE_BIT, DataIn, STATUS_BIT } from '../pdu/data-in.ts';
import { crc32c } from '../pdu/digest.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { writeLun } from '../scsi/lun.ts';
import { type Piece, Status } from '../scsi/task.ts';
import type { Connection } from './connection.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { residual, residualFlags } from './response.ts';
import type { SentPdus } from './sent-pdus.ts';

/** Writes a Data-In header at `at` for `length` bytes at `offset` of the task's data. Allocates nothing. */
function writeHeader(
  connection: Connection,
  task: IscsiTask,
  at: number,
  offset: number,
  length: number,
  last: boolean,
): void {
  task.burstSent += length;
  const sequenceEnds = last || task.burstSent === connection.session.parameters.maxBurstLength;
  if (sequenceEnds) task.burstSent = 0;
  // Status may ride on the last PDU of a command that ended well (§11.7.3); any other status needs a response of its own. So does one that has
  // to wait for data of a command that the initiator says moves some both ways.
  const { sent } = connection;
  const tagged = sent !== null && sent.snackTag(task.initiatorTaskTag) !== 0;
  const withStatus = last && task.status === Status.GOOD && !tagged && !task.unsolicitedOpen;
  const difference = withStatus ? residual(task) : 0;
  const flags = (sequenceEnds ? FINAL_BIT : 0) | (withStatus ? STATUS_BIT | residualFlags(difference) : 0);
  const head = Opcode.DATA_IN | (flags << 8);
  const { words } = connection;
  const tag = task.initiatorTaskTag;
  writeAnswer(words, at, head, length, 0, tag, RESERVED_TAG, task.dataSN++, offset, Math.abs(difference));
  if (withStatus) {
    connection.commandEnds(task);
    task.statusSent = true;
    connection.writeStatSN(at);
  } else {
    connection.writeNoStatSN(at);
  }
  if (sent !== null && sequenceEnds && !last) askForAck(sent, task, connection.view, at);
}

/** §11.7.2: no more often than every MaxBurstLength; what ends the command is acknowledged with its status. */
function askForAck(sent: SentPdus, task: IscsiTask, view: DataView, at: number): void {
  DataIn.flags.set(view, at, DataIn.flags.get(view, at) | ACKNOWLEDGE_BIT);
  writeLun(view, at + DataIn.lun.offset, task.lun);
  DataIn.targetTransferTag.set(view, at, sent.ackTag(task.initiatorTaskTag));
}

/**
 * Sends the `length` bytes at slab offset `at` (or, with `at` -1, at engine address `address`) as Data-In PDUs. `offset` is where they are in
 * the task's data, `token` goes back to the engine with the last of them. Allocates nothing.
 */
function sendBytes(
  connection: Connection,
  task: IscsiTask,
  source: { at: number; address: number },
  offset: number,
  length: number,
  token: number,
  last: boolean,
): void {
  const parameters = connection.session.parameters;
  const segmentMax = connection.parameters.maxXmitDataSegmentLength;
  const { at, address } = source;
  let sent = 0;
  while (sent < length) {
    const burstLeft = parameters.maxBurstLength - task.burstSent;
    const part = Math.min(length - sent, segmentMax, burstLeft);
    const final = sent + part === length;
    const closing = final && last;
    if (at >= 0 && sent === 0 && final) {
      // The header goes right before the data, the padding and the digest right behind: one span for the whole PDU.
      const header = at - connection.headerLength;
      writeHeader(connection, task, header, offset, part, closing);
      connection.sendSegment(header, part, token);
      return;
    }
    sendSplit(
      connection,
      task,
      at < 0 ? -1 : at + sent,
      address + sent,
      offset + sent,
      part,
      final ? token : NO_RELEASE,
      closing,
    );
    sent += part;
  }
}

/** One PDU whose header, and digest or padding, are in a cell of their own, beside the data. */
function sendSplit(
  connection: Connection,
  task: IscsiTask,
  at: number,
  address: number,
  offset: number,
  length: number,
  token: number,
  last: boolean,
): void {
  const cell = connection.takeCell();
  const view = connection.view;
  const header = connection.headerAt(cell);
  writeHeader(connection, task, header, offset, length, last);
  if (connection.sent !== null) connection.sent.keep(header, at);
  connection.sealHeader(header);
  const tail = header + connection.headerLength;
  const pad = padded(length) - length;
  let tailLength = pad;
  view.setUint32(tail, 0);
  if (connection.digestsData) {
    let crc = crc32c(connection.bytes, at, length);
    if (pad !== 0) crc = crc32c(connection.bytes, tail, pad, crc);
    view.setUint32(tail + pad, crc, true);
    tailLength += DIGEST_SIZE;
  }
  // The cell comes back last where the data have no slot of their own: then no bytes that are lent are under way without one.
  const lent = token === NO_RELEASE;
  connection.sendSpan(header, connection.headerLength, tailLength === 0 && !lent ? cell : NO_RELEASE);
  connection.sendAddress(address, length, tailLength === 0 && lent ? cell : token);
  if (tailLength !== 0) connection.sendSpan(tail, tailLength, cell);
}

/** Sends the pieces at the head of a READ that are done, in order, and the status with the last. Allocates nothing. */
export function sendPieces(connection: Connection, task: IscsiTask): void {
  const { processor } = connection.host;
  for (let piece = task.firstPiece; piece?.done; piece = task.firstPiece) {
    if (connection.answering) {
      sendPiece(connection, task, piece);
      processor.pieceSent(piece);
    } else {
      processor.pieceUnwanted(piece);
    }
  }
}

/** Its slot is the engine's from here on. */
function sendPiece(connection: Connection, task: IscsiTask, piece: Piece): void {
  const length = Math.min(piece.length, task.moveLength - piece.start);
  const last = piece.start + length === task.moveLength;
  sendBytes(connection, task, piece, piece.start, length, piece.slot === NONE ? NO_RELEASE : piece.slot, last);
}

/** Sends a reply that was built in the task's slot. The slot is the engine's from here on. */
export function sendReply(connection: Connection, task: IscsiTask): void {
  const length = Math.min(task.dataLength, task.moveLength);
  const token = task.slot;
  task.slot = NONE;
  sendBytes(connection, task, { at: task.at, address: connection.addressOf(task.at) }, 0, length, token, true);
}
