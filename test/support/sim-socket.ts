// A socket of sim-engine.ts: what its peer has sent and is yet to be received, and what was sent to the peer.
// When it moves, and who hears of it, is the engine's.

import type { Address } from '../../src/engine/engine.ts';

export class SimSocket {
  incoming = new Uint8Array(0);
  receiving = false;
  /** Where the next bytes go by themselves, and how many are there. */
  direct: { at: number; length: number; filled: number } | null = null;
  outgoing: { address: Address; length: number; token: number }[] = [];
  /** All that was sent, for the test to read. */
  sent: Uint8Array[] = [];
  closing = false;
  flush = false;
  /** The peer takes nothing. */
  deaf = false;
  /** Bytes that left and that its kernel has not acknowledged. */
  unacknowledged = 0;
}
