// Connections that broke and whose tasks wait for another one, at ErrorRecoveryLevel 2 (RFC 7143 §7.1.4.3, §7.5).
// How long that is allowed is decided here; who takes the tasks up is reassign.ts's.

import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';

/** The transport of `connection` is gone. Its tasks go on, as far as they need nothing of the initiator, and their answers are kept. */
export function keepLost(connection: Connection): void {
  const { host, session } = connection;
  const { defaultTime2Wait, defaultTime2Retain } = session.parameters;
  connection.state = ConnectionState.lost;
  connection.lostAt = host.engine.now();
  if (session.connections.get(connection.cid) === connection) session.connections.delete(connection.cid);
  session.lost.push(connection);
  host.log('info', 'the connection can be recovered', {
    ...connection.logFields(),
    seconds: defaultTime2Wait + defaultTime2Retain,
  });
}

/** Ends lost connections whose time is over: Time2Wait, and then Time2Retain (§13.15, §13.16). */
export function expireLost(lost: readonly Connection[], now: number): void {
  for (const connection of [...lost]) {
    const { defaultTime2Wait, defaultTime2Retain } = connection.session.parameters;
    if (now - connection.lostAt < (defaultTime2Wait + defaultTime2Retain) * 1000) continue;
    abandon(connection);
  }
}

/** Ends a lost connection: its tasks are aborted, and what was kept of it is gone. */
export function abandon(connection: Connection): void {
  if (connection.state !== ConnectionState.lost) return;
  connection.host.log('info', 'a lost connection was not recovered', connection.logFields());
  connection.expendable = true;
  connection.end();
}
