// PDUs that a connection sends again, as fast as its share of the worker's memory lets it (RFC 7143 §11.16).
// Which ones is snack.ts's.

import { NONE } from '../base/free-list.ts';
import { CELL_BYTES } from '../engine/slab.ts';
import { BHS_SIZE, DIGEST_SIZE, padded } from '../pdu/bhs.ts';
import { Opcode } from '../pdu/opcode.ts';
import { Counter } from '../ring/counters.ts';
import type { IscsiTask } from './iscsi-task.ts';
import type { PduSender } from './pdu-sender.ts';
import { SentPdu } from './sent-pdu.ts';

/** The queue of one connection. What is in it already is not queued twice, so that it is no longer than what is kept. */
export class Retransmission {
  /** PDUs, and tasks that go on once what is before them has left. */
  readonly #queue = new Set<SentPdu | IscsiTask>();

  add(pdus: readonly SentPdu[]): void {
    for (const pdu of pdus) this.#queue.add(pdu);
  }

  /** All that `task` has yet to send, status included, comes behind what is in the queue by now: data are in order (§13.18, §13.19). */
  follow(connection: PduSender, task: IscsiTask): void {
    connection.host.processor.memory.holdBack(task);
    this.#queue.delete(task);
    this.#queue.add(task);
  }

  /** It has been acknowledged, or dropped; or the task does not go on here. */
  cancel(entry: SentPdu | IscsiTask): void {
    this.#queue.delete(entry);
  }

  /** The initiator takes no more than that any more: what is longer it has to ask for anew (§11.16.3). */
  dropLonger(segmentMax: number): void {
    for (const entry of this.#queue) {
      if (entry instanceof SentPdu && entry.length > segmentMax) this.#queue.delete(entry);
    }
  }

  /** Sends what there is memory for. Called again when some has come back. */
  pump(connection: PduSender): void {
    if (this.#queue.size === 0) return;
    for (const entry of this.#queue) {
      if (!connection.open) return;
      if (entry instanceof SentPdu) {
        if (!sendAgain(connection, entry)) return;
        this.#queue.delete(entry);
        connection.host.counters[Counter.resent]!++;
      } else {
        this.#queue.delete(entry);
        goOn(connection, entry);
      }
    }
  }
}

/** A task whose data have been sent again, as far as they had been sent. */
function goOn({ host, session }: PduSender, task: IscsiTask): void {
  if (task.completed) {
    task.heldBack = false;
    session.complete(task);
  } else {
    host.processor.memory.readOn(task);
  }
}

/** False: no memory now. */
function sendAgain(connection: PduSender, pdu: SentPdu): boolean {
  const { engine, share, bytes } = connection;
  const { length } = pdu;
  const small = connection.headerLength + padded(length) + DIGEST_SIZE <= CELL_BYTES;
  // One is always under way: what fills the share may be waiting for the initiator, and that for what is sent again.
  if (!connection.idle && !share.hasRoom(small ? 0 : length, small ? 1 : 0)) return false;
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
