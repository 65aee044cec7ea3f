// PDUs that a connection sends again, as fast as its share of the worker's memory lets it (RFC 7143 §11.16).
// Which ones is snack.ts's.

import { NONE } from '../base/free-list.ts';
import { CELL_BYTES } from '../engine/slab.ts';
import { BHS_SIZE, DIGEST_SIZE, padded } from '../pdu/bhs.ts';
import { Opcode } from '../pdu/opcode.ts';
import { Counter } from '../ring/counters.ts';
import type { PduSender } from './pdu-sender.ts';
import type { SentPdu } from './sent-pdu.ts';

/** The queue of one connection. What is in it already is not queued twice, so that it is no longer than what is kept. */
export class Retransmission {
  readonly #queue = new Set<SentPdu>();

  add(pdus: readonly SentPdu[]): void {
    for (const pdu of pdus) this.#queue.add(pdu);
  }

  /** It has been acknowledged, or dropped. */
  cancel(pdu: SentPdu): void {
    this.#queue.delete(pdu);
  }

  /** The initiator takes no more than that any more: what is longer it has to ask for anew (§11.16.3). */
  dropLonger(segmentMax: number): void {
    for (const pdu of this.#queue) if (pdu.length > segmentMax) this.#queue.delete(pdu);
  }

  /** Sends what there is memory for. Called again when some has come back. */
  pump(connection: PduSender): void {
    if (this.#queue.size === 0 || !connection.open) return;
    for (const pdu of this.#queue) {
      if (!sendAgain(connection, pdu)) return;
      this.#queue.delete(pdu);
      connection.host.counters[Counter.resent]!++;
    }
  }
}

/** False: no memory now. */
function sendAgain(connection: PduSender, pdu: SentPdu): boolean {
  const { engine, share, bytes } = connection;
  const { length } = pdu;
  const small = connection.headerLength + padded(length) + DIGEST_SIZE <= CELL_BYTES;
  if (!share.hasRoom(small ? 0 : length, small ? 1 : 0)) return false;
  const token = small ? engine.slab.takeCell() : engine.slab.takeSlot(length);
  if (token === NONE) return false;
  const at = engine.slab.offsetOf(token) - (small ? 0 : connection.headerLength);
  bytes.set(pdu.bytes.subarray(0, BHS_SIZE), at);
  bytes.set(pdu.bytes.subarray(BHS_SIZE), connection.dataAt(at));
  // §11.16: an exact replica, but for ExpCmdSN and MaxCmdSN, and the StatSN of an R2T.
  if (pdu.opcode === Opcode.R2T) connection.writeNextStatSN(at);
  else connection.writeWindow(at);
  connection.sendReplica(at, length, token);
  return true;
}
