// PDUs that are neither commands nor data: taken whole, put into CmdSN order, and given to the file named after them.
// Their header is in the connection's cell and their data in a slot, so that nothing here depends on the receive buffer.

import { NONE } from '../base/free-list.ts';
import { BHS_SIZE, Bhs, RESERVED_TAG } from '../pdu/bhs.ts';
import { NopOut } from '../pdu/nop-out.ts';
import { IMMEDIATE_BIT, OPCODE_MASK, Opcode } from '../pdu/opcode.ts';
import { Arrival } from './cmd-window.ts';
import { memoryComesBack } from './command.ts';
import type { Connection } from './connection.ts';
import { Fault } from './faults.ts';
import { Verdict } from './framer.ts';
import { judgeLogout, logoutRequest } from './logout.ts';
import { nopOut } from './nop.ts';
import { PayloadKind } from './payload-kind.ts';
import type { Session } from './session.ts';
import { snackRequest } from './snack.ts';
import { taskManagementRequest } from './task-management.ts';
import { answerText, takeText } from './text-request.ts';

/** A control PDU that came before its turn: everything the shared places would not keep. Its slot counts in its connection's share. */
export interface HeldControl {
  readonly connection: Connection;
  readonly header: Uint8Array;
  readonly slot: number;
  readonly length: number;
}

/** Everything but SCSI Command and Data-Out: header and data are kept until the whole PDU is there. */
export function controlHeader(connection: Connection, at: number, dataSegmentLength: number): Verdict {
  const { slab } = connection.engine;
  if (dataSegmentLength !== 0) {
    // One that has to wait for its turn keeps its data as long.
    const early = isEarly(connection, at);
    const inShare = !early || connection.share.hasRoomUnasked(dataSegmentLength);
    const slot = inShare ? slab.takeSlot(dataSegmentLength) : NONE;
    if (slot === NONE) {
      if (!early || memoryComesBack(connection, inShare)) return connection.stall();
      // What its turn waits for may be behind it.
      connection.reject(at, Fault.noRoomToWait);
      return Verdict.accepted;
    }
    connection.payloadSlot = slot;
    connection.framer.expectPayload(slab.offsetOf(slot), dataSegmentLength);
    connection.payloadKept = dataSegmentLength;
  }
  if (at !== connection.cellAt) connection.bytes.copyWithin(connection.cellAt, at, at + BHS_SIZE);
  connection.payloadKind = PayloadKind.control;
  return Verdict.accepted;
}

/** Whether requests before this one are still on their way. */
function isEarly({ view, session }: Connection, at: number): boolean {
  const immediate = (Bhs.opcode.get(view, at) & IMMEDIATE_BIT) !== 0;
  return !immediate && session.window.judge(NopOut.cmdSN.get(view, at)) === Arrival.early;
}

/** A whole control PDU is there: header in the connection's cell, data in its payload slot. */
export function controlPayload(connection: Connection): void {
  const at = connection.cellAt;
  const view = connection.view;
  const opcode = Bhs.opcode.get(view, at);
  const slot = connection.payloadSlot;
  connection.payloadSlot = NONE;
  // It has no CmdSN and comes whenever it is needed.
  if ((opcode & OPCODE_MASK) === Opcode.SNACK_REQUEST) {
    snackRequest(connection, at);
    giveSlot(connection, slot);
    return;
  }
  const fault = judgeOpcode(opcode & OPCODE_MASK);
  if (fault !== null) {
    connection.reject(at, fault);
    giveSlot(connection, slot);
    return;
  }
  if ((opcode & IMMEDIATE_BIT) !== 0) perform(connection, at, slot, connection.payloadLength);
  else inOrder(connection, at, slot);
}

/** Requests that are refused whatever they say. */
function judgeOpcode(opcode: number): Fault | null {
  switch (opcode) {
    case Opcode.NOP_OUT:
    case Opcode.TASK_MANAGEMENT_REQUEST:
    case Opcode.TEXT_REQUEST:
    case Opcode.LOGOUT_REQUEST:
      return null;
    case Opcode.LOGIN_REQUEST:
      return Fault.loginInFullFeature;
    default:
      return Fault.unknownOpcode;
  }
}

function inOrder(connection: Connection, at: number, slot: number): void {
  const session = connection.session;
  const cmdSN = NopOut.cmdSN.get(connection.view, at);
  switch (session.window.judge(cmdSN)) {
    case Arrival.ignore:
      giveSlot(connection, slot);
      return;
    case Arrival.early:
      session.window.take(cmdSN);
      if (slot !== NONE) connection.share.take(connection.engine.slab.footprint(slot), 0);
      session.hold(cmdSN, {
        connection,
        header: connection.bytes.slice(at, at + BHS_SIZE),
        slot,
        length: connection.payloadLength,
      });
      return;
    default:
      perform(connection, at, slot, connection.payloadLength);
      if (session.holding) session.runHeld();
  }
}

/** A held PDU's turn has come: its CmdSN is due, and taken here. */
export function releaseControl(held: HeldControl): void {
  const { connection, header, slot, length } = held;
  const cell = connection.open ? connection.takeCell() : NONE;
  // It has gone, or has just been given up for want of a cell.
  if (!connection.open) {
    takeNumber(connection.session);
    dropControl(held);
    return;
  }
  const at = connection.headerAt(cell);
  connection.bytes.set(header, at);
  leaveShare(held);
  perform(connection, at, slot, length);
  connection.engine.slab.release(cell);
}

/** A held PDU's turn will never come. */
export function dropControl(held: HeldControl): void {
  leaveShare(held);
  giveSlot(held.connection, held.slot);
}

function leaveShare({ connection, slot }: HeldControl): void {
  if (slot !== NONE) connection.share.give(connection.engine.slab.footprint(slot), 0);
}

/**
 * An immediate request, or one whose turn has come. A rejected one was not received (§7.3): its CmdSN stays due, and what comes behind it waits
 * until the initiator has used that again.
 */
function perform(connection: Connection, at: number, slot: number, length: number): void {
  const fault = judge(connection, at, slot, length);
  if (fault !== null) {
    connection.reject(at, fault);
    giveSlot(connection, slot);
    return;
  }
  if ((Bhs.opcode.get(connection.view, at) & IMMEDIATE_BIT) === 0) takeNumber(connection.session);
  run(connection, at, slot, length);
}

/** A request with the CmdSN that is due has come, and is as good as over. */
function takeNumber({ window }: Session): void {
  window.take(window.expCmdSN);
  window.ended();
}

/** What is wrong with a request, or null. The text of a Text Request is taken in here. */
function judge(connection: Connection, at: number, slot: number, length: number): Fault | null {
  const view = connection.view;
  const opcode = Bhs.opcode.get(view, at);
  switch (opcode & OPCODE_MASK) {
    case Opcode.NOP_OUT: {
      const answersPing = NopOut.initiatorTaskTag.get(view, at) === RESERVED_TAG;
      return answersPing && (opcode & IMMEDIATE_BIT) === 0 ? Fault.nopTags : null;
    }
    case Opcode.TEXT_REQUEST:
      return takeText(connection, at, slot, length);
    case Opcode.LOGOUT_REQUEST:
      return judgeLogout(connection, at);
    default:
      return null;
  }
}

/** The slot, if any, is the handler's to keep or to give back. */
function run(connection: Connection, at: number, slot: number, length: number): void {
  switch (Bhs.opcode.get(connection.view, at) & OPCODE_MASK) {
    case Opcode.NOP_OUT:
      nopOut(connection, at, slot, length);
      return;
    case Opcode.TASK_MANAGEMENT_REQUEST:
      giveSlot(connection, slot);
      taskManagementRequest(connection, at);
      return;
    case Opcode.TEXT_REQUEST:
      giveSlot(connection, slot);
      answerText(connection, at);
      return;
    default:
      giveSlot(connection, slot);
      logoutRequest(connection, at);
  }
}

function giveSlot(connection: Connection, slot: number): void {
  if (slot !== NONE) connection.engine.slab.release(slot);
}
