// How a worker ends when the target stops: initiators are asked to log out, then what can end without them is finished and answered.
// The end of one connection is connection.ts's.

import { Counter } from '../ring/counters.ts';
import { askForLogout } from './async-message.ts';
import type { Connection } from './connection.ts';
import { lacksData } from './data-out.ts';
import { abandon } from './lost-connection.ts';
import type { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';

/** After the grace there is so much more time for commands to end and for their answers to be taken. */
const FINISH_MS = 5000;

/** The end of one worker. */
export class Stopping {
  /** Nobody is taken in any more. */
  begun = false;
  readonly #host: SessionHost;
  /** When the grace is over. */
  #at = 0;

  constructor(host: SessionHost) {
    this.#host = host;
  }

  /** Main wants the worker to end, within `graceMs` milliseconds and little more. */
  begin(graceMs: number): void {
    const { connections, engine } = this.#host;
    this.begun = true;
    this.#at = engine.now() + graceMs;
    if (this.#isEmpty) {
      this.#leave();
      return;
    }
    this.#abandonLost();
    for (const connection of connections) {
      if (connection?.open) askForLogout(connection, Math.ceil(graceMs / 1000));
    }
    if (graceMs === 0) this.#finishAll(this.#at);
  }

  /** About once a second. */
  tick(now: number): void {
    if (this.begun && now >= this.#at) this.#finishAll(now);
  }

  /** A connection of `session` has lost its transport. What is lost, only one that is open can take up now. */
  transportGone({ connections, lost }: Session): void {
    if (!this.begun || [...connections.values()].some(({ open }) => open)) return;
    for (const connection of lost) abandon(connection);
  }

  /** A connection has gone. */
  connectionClosed(): void {
    if (this.begun && this.#isEmpty) this.#leave();
  }

  get #isEmpty(): boolean {
    return this.#host.counters[Counter.connections] === 0;
  }

  /** The grace is over: what can end without the initiators' help is finished and answered, for as long as they take the answers. */
  #finishAll(now: number): void {
    this.#abandonLost();
    for (const connection of this.#host.connections) {
      if (connection != null) finish(connection, 'the target is stopping');
      if (now - this.#at >= FINISH_MS) connection?.close('its last answers were not taken');
    }
  }

  /** Nobody can come back for it. */
  #abandonLost(): void {
    for (const session of this.#host.sessions) for (const lost of session.lost) abandon(lost);
  }

  /** The last connection is closed. What goes on without one goes on no further. */
  #leave(): void {
    this.#host.processor.stopWork(null, null);
    this.#host.engine.stop();
  }
}

/**
 * What the disks have begun of a connection is finished and answered, what waits for more data from the initiator is given up, and then the
 * connection closes.
 */
function finish(connection: Connection, reason: string): void {
  if (!connection.open || connection.finishing !== '') return;
  connection.finishing = reason;
  connection.expendable = true;
  connection.stopReading();
  connection.session.abortTasks((task) => task.connection === connection && lacksData(task), null);
  connection.taskEnded();
}
