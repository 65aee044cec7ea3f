// Logout (RFC 7143 §11.14, §11.15): a session or one connection ends in good order.
// Tasks that the logout cuts off are aborted first; the connection closes once the response has left.

import { Countdown } from '../base/countdown.ts';
import { BHS_SIZE, Bhs } from '../pdu/bhs.ts';
import { LOGOUT_REASON_MASK, LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../pdu/logout.ts';
import { FINAL_BIT, OPCODE_MASK, Opcode } from '../pdu/opcode.ts';
import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';
import { Fault } from './faults.ts';
import { abandon } from './lost-connection.ts';

/** What is wrong with a Logout Request whose header lies at slab offset `at`; null when {@link logoutRequest} can carry it out. */
export function judgeLogout(connection: Connection, at: number): Fault | null {
  const reason = LogoutRequest.flags.get(connection.view, at) & LOGOUT_REASON_MASK;
  if (reason > LogoutReason.REMOVE_FOR_RECOVERY) return Fault.badLogout;
  const recovers =
    reason === LogoutReason.REMOVE_FOR_RECOVERY && connection.session.parameters.errorRecoveryLevel === 2;
  const itself = LogoutRequest.cid.get(connection.view, at) === connection.cid;
  return recovers && itself ? Fault.badLogout : null;
}

/** Carries out a Logout Request whose header lies at slab offset `at`. */
export function logoutRequest(connection: Connection, at: number): void {
  const view = connection.view;
  const reason = LogoutRequest.flags.get(view, at) & LOGOUT_REASON_MASK;
  const itt = LogoutRequest.initiatorTaskTag.get(view, at);
  const cid = LogoutRequest.cid.get(view, at);
  // Behind a logout of the connection itself nothing is read any more; those of another may be as many as are sent.
  if (connection.unanswered.full && logsOutAnother(connection, at)) {
    sendLogoutResponse(connection, itt, LogoutResult.CLEANUP_FAILED);
    return;
  }
  const respond = connection.unanswered.begin((result: LogoutResult) => sendLogoutResponse(connection, itt, result));
  switch (reason) {
    case LogoutReason.CLOSE_SESSION:
      closeSession(connection, respond);
      return;
    case LogoutReason.CLOSE_CONNECTION:
      closeConnection(connection, cid, respond);
      return;
    default:
      removeForRecovery(connection, at, cid, respond);
  }
}

/** Whether the request whose header lies at slab offset `at` is a logout of another connection: then its ExpStatSN is that one's (§11.14.4). */
export function logsOutAnother(connection: Connection, at: number): boolean {
  const { view } = connection;
  if ((Bhs.opcode.get(view, at) & OPCODE_MASK) !== Opcode.LOGOUT_REQUEST) return false;
  const reason = LogoutRequest.flags.get(view, at) & LOGOUT_REASON_MASK;
  return reason !== LogoutReason.CLOSE_SESSION && LogoutRequest.cid.get(view, at) !== connection.cid;
}

type Respond = (result: LogoutResult) => void;

/** What is still on its way over other connections is not taken any more: a task that began now would outlive the answer. */
function closeSession(connection: Connection, respond: Respond): void {
  const { session } = connection;
  session.beginEnd();
  for (const each of session.connections.values()) each.stopReading();
  session.abortAll(() => {
    for (const other of [...session.connections.values()]) {
      if (other === connection) continue;
      // Their tasks have ended as well: nothing of the session is left.
      session.connectionGone(other);
      other.expendable = true;
      other.close('the session was logged out over another connection');
    }
    for (const lost of [...session.lost]) abandon(lost);
    respond(LogoutResult.SUCCESS);
    connection.leave('logout of the session');
  });
}

function closeConnection(connection: Connection, cid: number, respond: Respond): void {
  const { session } = connection;
  const leaver = session.memberWith(cid);
  if (leaver === undefined) {
    respond(LogoutResult.CID_NOT_FOUND);
    return;
  }
  if (leaver.state === ConnectionState.lost) {
    const wait = new Countdown(() => respond(LogoutResult.SUCCESS));
    leaver.closeThen('logged out over another connection', wait);
    wait.seal();
    return;
  }
  leaver.expendable = true;
  leaver.stopReading();
  session.abortConnection(leaver, () => {
    if (leaver !== connection) {
      leaver.close('logged out over another connection');
      // Main hears before the peer does, who may log in anew at once.
      session.connectionGone(leaver);
    }
    respond(LogoutResult.SUCCESS);
    if (leaver === connection) connection.leave('logout of the connection');
  });
}

/** §11.14.1: another connection of the session is given up, or was lost; its tasks can be reassigned from now on. */
function removeForRecovery(connection: Connection, at: number, cid: number, respond: Respond): void {
  const { session } = connection;
  if (session.parameters.errorRecoveryLevel < 2) {
    respond(LogoutResult.RECOVERY_NOT_SUPPORTED);
    return;
  }
  const leaver = session.memberWith(cid);
  if (leaver === undefined) {
    respond(LogoutResult.CID_NOT_FOUND);
    return;
  }
  leaver.sent!.acknowledge(LogoutRequest.expStatSN.get(connection.view, at));
  const wait = new Countdown(() => {
    leaver.lostAt = connection.engine.now();
    session.connectionGone(leaver);
    respond(LogoutResult.SUCCESS);
  });
  if (leaver.state !== ConnectionState.lost) leaver.closeThen('removed for recovery', wait, { recovers: true });
  wait.seal();
}

function sendLogoutResponse(connection: Connection, itt: number, result: LogoutResult): void {
  if (!connection.open) return;
  const cell = connection.takeCell();
  const view = connection.view;
  const at = connection.headerAt(cell);
  connection.bytes.fill(0, at, at + BHS_SIZE);
  LogoutResponse.opcode.set(view, at, Opcode.LOGOUT_RESPONSE);
  LogoutResponse.flags.set(view, at, FINAL_BIT);
  LogoutResponse.response.set(view, at, result);
  LogoutResponse.initiatorTaskTag.set(view, at, itt);
  connection.writeStatSN(at);
  // §11.15.3: with ErrorRecoveryLevel below 2 nothing is kept to be taken up again.
  const { errorRecoveryLevel, defaultTime2Wait, defaultTime2Retain } = connection.session.parameters;
  LogoutResponse.time2Wait.set(view, at, defaultTime2Wait);
  LogoutResponse.time2Retain.set(view, at, errorRecoveryLevel < 2 ? 0 : defaultTime2Retain);
  connection.sendSegment(at, 0, cell);
}
