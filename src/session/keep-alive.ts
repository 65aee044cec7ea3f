// Whether the initiator of a connection is still there: who is silent is pinged, and given up when it shows no sign of life.
// The ping is nop.ts's; how late this thread itself is, lateness.ts's.

import type { Connection } from './connection.ts';
import { sendPing } from './nop.ts';

/** What is known of one initiator. Times are milliseconds of the engine's clock. */
export class KeepAlive {
  /** When it was last found to be there, or could not be heard for our part; and the tick before. */
  #lastSign: number;
  #lastTick: number;
  /** When a ping was sent that is not answered; 0: none is. */
  #pingSent = 0;
  // How much the engine had been given, and had given back, at the last tick.
  #given = 0;
  #returned = 0;
  /** Bytes that the initiator's TCP had not acknowledged when that was looked at last. */
  #unacknowledged = 0;

  constructor(now: number) {
    this.#lastSign = now;
    this.#lastTick = now;
  }

  /** The ping is answered. */
  answered(): void {
    this.#pingSent = 0;
  }

  /**
   * About once a second. That the initiator takes some of the answers that wait for it, here or in the kernel's send queue, is a sign of life as
   * well: a NOP-In waits behind them. `late`: milliseconds that this thread was kept waiting just now. An answer may have come meanwhile and not
   * have been read yet, so they are not counted against the initiator.
   */
  tick(connection: Connection, now: number, late: number): void {
    const interval = connection.session.nopIntervalMs;
    if (this.#pingSent !== 0) this.#pingSent += late;
    // Not read for want of memory: what it says has to wait, and that is our doing.
    if (this.#hasTaken(connection) || connection.framer.stalled) this.#lastSign = now;
    // It was heard after the tick before, and when exactly nobody knows: the clock is not asked for each PDU.
    const { heard } = connection;
    if (heard) this.#lastSign = Math.max(this.#lastSign, this.#lastTick);
    connection.heard = false;
    this.#lastTick = now;
    if (heard || interval === 0 || now - this.#lastSign < interval) return;
    if (this.#pingSent === 0) {
      // What it takes from here on, it takes before the ping.
      this.#hasAcknowledged(connection);
      sendPing(connection);
      this.#pingSent = now;
    } else if (now - this.#pingSent >= interval) {
      if (this.#hasAcknowledged(connection)) this.#lastSign = now;
      else connection.close('the initiator does not answer a NOP-In');
    }
  }

  /** Whether something that waited for the initiator at the last tick has left: it takes what it is behind with. */
  #hasTaken({ given, returned }: Connection): boolean {
    const waited = this.#given !== this.#returned;
    const taken = waited && returned !== this.#returned;
    this.#given = given;
    this.#returned = returned;
    return taken;
  }

  /** Whether less of what the kernel was handed is unacknowledged than at the last call. A system call. */
  #hasAcknowledged({ engine, socket }: Connection): boolean {
    const before = this.#unacknowledged;
    this.#unacknowledged = engine.unacknowledged(socket);
    return this.#unacknowledged < before;
  }
}
