// A connection begins: the object that serves it, then the final Login Response as the first bytes that it sends.
// Whether the worker has what it needs was settled before, in session-host.ts.

import type { Handoff } from '../ring/messages.ts';
import { Connection } from './connection.ts';
import { replay } from './replay.ts';
import type { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';

/** The connection that a hand-off brings. `cell` is its own from here on. */
export function beginConnection(host: SessionHost, session: Session, handoff: Handoff, cell: number): Connection {
  const socket = host.engine.openSocket(handoff.fd);
  const connection = new Connection(host, session, socket, handoff, cell);
  host.connections[socket] = connection;
  // §11.12.9. The connection that this one restarts may have been logged out before, by a request whose answer was lost.
  session.lost.findLast(({ cid }) => cid === handoff.cid)?.sent?.acknowledge(handoff.expStatSN);
  // Main knows this one by the CID from here on, and hears no more of a lost one that had it.
  for (const lost of session.lost) if (lost.cid === handoff.cid) lost.reported = true;
  session.connections.set(handoff.cid, connection);
  return connection;
}

/** Sends the final Login Response from `slot`, takes what came behind the login, and reads on. */
export function welcome(connection: Connection, response: Uint8Array, received: Uint8Array, slot: number): void {
  const { slab } = connection.engine;
  const at = slab.offsetOf(slot);
  slab.bytes.set(response, at);
  // What a session that has this connection added to it expects is known here alone.
  connection.writeWindow(at);
  connection.sendSpan(at, response.length, slot);
  if (received.length !== 0) replay(connection, received);
  connection.engine.resumeReceive(connection.socket);
}
