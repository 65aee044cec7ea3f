// READs of memory units are sent from where the bytes lie: a unit that is removed keeps them until they have left.
// Which connections may have some is the caller's to say.

import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';

/** An initiator has so long to take them: whoever changes units, and all changes behind that, wait for it. */
const TAKE_MS = 60_000;

/** A connection, and what must have come back of what it gave the engine. */
interface Sender {
  readonly connection: Connection;
  readonly given: number;
}

/** Those who wait for bytes to leave. */
export class LentBytes {
  readonly #waits: { readonly senders: readonly Sender[]; readonly until: number; readonly then: () => void }[] = [];

  /** Calls `then` when all that these connections have given the engine by `now` has left, or they have closed: at once, or from a tick. */
  whenSent(connections: readonly Connection[], now: number, then: () => void): void {
    const senders = connections.map((connection) => ({ connection, given: connection.given }));
    if (senders.every(hasSent)) then();
    else this.#waits.push({ senders, until: now + TAKE_MS, then });
  }

  /** About once a second. */
  tick(now: number): void {
    for (const wait of this.#waits.splice(0)) {
      const slow = wait.senders.filter((sender) => !hasSent(sender));
      if (slow.length === 0) {
        wait.then();
        continue;
      }
      if (now >= wait.until) {
        for (const { connection } of slow) connection.close('it did not take the data of a unit that was removed');
      }
      this.#waits.push(wait);
    }
  }
}

const hasSent = ({ connection, given }: Sender): boolean =>
  connection.returned >= given || connection.state === ConnectionState.closed;
