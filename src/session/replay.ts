// Bytes that an initiator sent behind its final Login Request: they were read before the socket was the worker's.
// They go the way of all others, through the connection's framer.

import { NONE } from '../base/free-list.ts';
import type { Connection } from './connection.ts';

/** Takes `received` as if it had just come in. */
export function replay(connection: Connection, received: Uint8Array): void {
  const slab = connection.engine.slab;
  const slot = slab.takeSlot(received.length);
  if (slot === NONE) {
    connection.close('no I/O memory for what came behind the login');
    return;
  }
  const at = slab.offsetOf(slot);
  slab.bytes.set(received, at);
  connection.framer.mayReceiveInto = false;
  for (let taken = 0; taken < received.length && connection.open; ) {
    taken += connection.framer.consume(at + taken, received.length - taken);
    if (connection.framer.stalled) connection.close('no I/O memory for what came behind the login');
  }
  connection.framer.mayReceiveInto = true;
  slab.release(slot);
}
