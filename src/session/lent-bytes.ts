// READs of memory units are sent from where the bytes lie: a unit that is removed keeps them until they have left.
// Which connections may have some is the caller's to say.

import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';

/** A connection, and what must have come back of what it gave the engine. */
interface Sender {
  readonly connection: Connection;
  readonly given: number;
}

/** Those who wait for bytes to leave. */
export class LentBytes {
  readonly #waits: { readonly senders: readonly Sender[]; readonly then: () => void }[] = [];

  /** Calls `then` when all that these connections have given the engine by now has left, or they have closed: at once, or from a tick. */
  whenSent(connections: readonly Connection[], then: () => void): void {
    const senders = connections.map((connection) => ({ connection, given: connection.given }));
    if (senders.every(hasSent)) then();
    else this.#waits.push({ senders, then });
  }

  /** About once a second. */
  tick(): void {
    for (const wait of this.#waits.splice(0)) {
      if (wait.senders.every(hasSent)) wait.then();
      else this.#waits.push(wait);
    }
  }
}

const hasSent = ({ connection, given }: Sender): boolean =>
  connection.returned >= given || connection.state === ConnectionState.closed;
