// The Asynchronous Message PDU (RFC 7143 §11.9): what the initiator must know without having asked.
// Who is told, and when, is connection.ts's, units.ts's and stopping.ts's.

import { AsyncEvent, AsyncMessage } from '../pdu/async-message.ts';
import { BHS_SIZE, RESERVED_TAG } from '../pdu/bhs.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import type { Connection } from './connection.ts';

/** Sends an event that has no data. The parameters' meaning depends on the event: see {@link AsyncEvent}. */
function sendAsyncMessage(connection: Connection, event: AsyncEvent, parameter2: number, parameter3: number): void {
  const cell = connection.takeCell();
  const view = connection.view;
  const at = connection.headerAt(cell);
  connection.bytes.fill(0, at, at + BHS_SIZE);
  AsyncMessage.opcode.set(view, at, Opcode.ASYNC_MESSAGE);
  AsyncMessage.flags.set(view, at, FINAL_BIT);
  AsyncMessage.initiatorTaskTag.set(view, at, RESERVED_TAG);
  AsyncMessage.asyncEvent.set(view, at, event);
  AsyncMessage.parameter2.set(view, at, parameter2);
  AsyncMessage.parameter3.set(view, at, parameter3);
  connection.writeStatSN(at);
  connection.sendSegment(at, 0, cell);
}

/** Asks for a logout within `seconds` (§11.9.1, event 1: Parameter3). */
export function askForLogout(connection: Connection, seconds: number): void {
  sendAsyncMessage(connection, AsyncEvent.LOGOUT_REQUEST, 0, seconds);
}

/** Announces that all connections of the session are about to be dropped (event 3): reconnect after Time2Wait, give up after Time2Retain. */
export function announceSessionDrop(connection: Connection): void {
  const { defaultTime2Wait } = connection.session.parameters;
  sendAsyncMessage(connection, AsyncEvent.SESSION_DROP, defaultTime2Wait, 0);
}
