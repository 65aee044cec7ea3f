// How a worker ends when the target stops: initiators are asked to log out, then what can end without them is finished and answered.
// What a connection does to finish is connection.ts's.

import { Counter } from '../ring/counters.ts';
import { askForLogout } from './async-message.ts';
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
    for (const connection of connections) {
      if (connection?.open) askForLogout(connection, Math.ceil(graceMs / 1000));
    }
    if (graceMs === 0) this.#finishAll(this.#at);
  }

  /** About once a second. */
  tick(now: number): void {
    if (this.begun && now >= this.#at) this.#finishAll(now);
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
    for (const connection of this.#host.connections) {
      connection?.finish('the target is stopping');
      if (now - this.#at >= FINISH_MS) connection?.close('its last answers were not taken');
    }
  }

  /** The last connection is closed. What goes on without one goes on no further. */
  #leave(): void {
    this.#host.processor.stopWork(null, null);
    this.#host.engine.stop();
  }
}
