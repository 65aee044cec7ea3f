// What one connection has sent and its initiator has not acknowledged: kept from ErrorRecoveryLevel 1 on, to be sent again (RFC 7143 §7.1.4.1).
// Who asks for what is snack.ts's, the sending retransmission.ts's.

import { serialAdd, serialBefore } from '../base/serial.ts';
import { BHS_SIZE, Bhs, RESERVED_TAG } from '../pdu/bhs.ts';
import { Opcode } from '../pdu/opcode.ts';
import type { Budget } from './budget.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { KeptPdus } from './kept-pdus.ts';
import { Retransmission } from './retransmission.ts';
import { NO_STATUS, SentPdu, SentSequence } from './sent-pdu.ts';
import { ACK_SERIALS, ACK_TAGS } from './transfer-tags.ts';

/** Bytes of heap for one connection. An initiator that acknowledges nothing loses the oldest. */
const SENT_BYTES_MAX = 64 * 1024 * 1024;
/** The same for all connections of a worker: what sixteen busy ones have in flight over a long line. */
export const SENT_BYTES_OF_WORKER_MAX = 256 * 1024 * 1024;

/** Why a run of PDUs can't be sent again. */
export const Missing = {
  /** It was never sent, or is acknowledged. */
  unknown: 'unknown',
  /** There was no room to keep it. */
  dropped: 'dropped',
} as const;
export type Missing = (typeof Missing)[keyof typeof Missing];

/** The PDUs of one connection, oldest first. */
export class SentPdus {
  readonly retransmission = new Retransmission();
  readonly #view: DataView;
  readonly #slab: Uint8Array;
  readonly #budget: Budget;
  readonly #bytesMax: number;
  readonly #kept = new KeptPdus();
  #bytes = 0;
  /** By StatSN, in order. */
  readonly #statuses = new Map<number, SentPdu>();
  /** The first StatSN that is not acknowledged, and the one that comes next. */
  #expStatSN: number;
  #nextStatSN: number;
  /** By Initiator Task Tag: of its latest command. */
  readonly #sequences = new Map<number, SentSequence>();
  /** By Target Transfer Tag of what asks for an acknowledgement. */
  readonly #asking = new Map<number, SentSequence>();
  #tagSerial = 0;
  /** Something was dropped with all that was known of it. */
  #forgetful = false;

  /** `slab`: where PDUs are when they are sent; `statSN`: the next one to be used. */
  constructor(slab: { view: DataView; bytes: Uint8Array }, statSN: number, budget: Budget, bytesMax = SENT_BYTES_MAX) {
    this.#view = slab.view;
    this.#slab = slab.bytes;
    this.#expStatSN = statSN;
    this.#nextStatSN = statSN;
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** Bytes of heap. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps the PDU that is about to be sent, its header at slab offset `header` and its data at `dataAt`. */
  keep(header: number, dataAt: number): void {
    const own = Bhs.initiatorTaskTag.get(this.#view, header) === RESERVED_TAG;
    // Our own ping has no number.
    if (own && Bhs.opcode.get(this.#view, header) === Opcode.NOP_IN) return;
    const length = Bhs.dataSegmentLength.get(this.#view, header);
    const bytes = new Uint8Array(BHS_SIZE + length);
    bytes.set(this.#slab.subarray(header, header + BHS_SIZE));
    bytes.set(this.#slab.subarray(dataAt, dataAt + length), BHS_SIZE);
    this.#add(new SentPdu(bytes));
  }

  /** Keeps a SCSI Response that is put together already. */
  keepStatus(bytes: Uint8Array): SentPdu {
    const pdu = new SentPdu(bytes);
    this.#add(pdu);
    return pdu;
  }

  #add(pdu: SentPdu): void {
    const tag = Bhs.initiatorTaskTag.get(pdu.view, 0);
    if (pdu.opcode === Opcode.DATA_IN || pdu.opcode === Opcode.R2T) {
      pdu.sequence = this.running(tag);
      pdu.sequence.next = serialAdd(pdu.number, 1);
    } else if (pdu.opcode === Opcode.SCSI_RESPONSE) {
      const sequence = this.#sequences.get(tag);
      if (sequence?.statSN === NO_STATUS) pdu.sequence = sequence;
    }
    if (pdu.statSN !== NO_STATUS) {
      this.#nextStatSN = serialAdd(pdu.statSN, 1);
      if (pdu.sequence !== null) pdu.sequence.statSN = pdu.statSN;
    }
    this.#store(pdu);
  }

  #store(pdu: SentPdu): void {
    while (this.#bytes + pdu.size > this.#bytesMax || !this.#budget.take(pdu.size)) {
      const { oldest } = this.#kept;
      if (oldest === null) {
        // Other connections have all that the worker may keep.
        this.#forgetful = true;
        if (pdu.statSN !== NO_STATUS && pdu.sequence !== null) this.#forgetSequence(pdu.sequence);
        return;
      }
      this.#drop(oldest);
    }
    this.#bytes += pdu.size;
    this.#kept.add(pdu);
    if (pdu.statSN !== NO_STATUS) this.#statuses.set(pdu.statSN, pdu);
    if (pdu.opcode !== Opcode.SCSI_RESPONSE) pdu.sequence?.pdus.set(pdu.number, pdu);
  }

  /** Gives up a PDU that nobody has acknowledged; with a status, all that was known of its command. */
  #drop(pdu: SentPdu): void {
    this.#forgetful = true;
    this.#forget(pdu);
    if (pdu.statSN === NO_STATUS) pdu.sequence!.pdus.delete(pdu.number);
    else this.forgetStatus(pdu);
  }

  /** A status needs to be sent no more, nor what belongs to its command. */
  forgetStatus(pdu: SentPdu): void {
    this.#forget(pdu);
    this.#statuses.delete(pdu.statSN);
    if (pdu.sequence !== null) this.#forgetSequence(pdu.sequence);
  }

  #forgetSequence(sequence: SentSequence): void {
    for (const pdu of sequence.pdus.values()) this.#forget(pdu);
    sequence.pdus.clear();
    this.#asking.delete(sequence.transferTag);
    // Another command may have the tag by now.
    if (this.#sequences.get(sequence.initiatorTaskTag) === sequence) this.#sequences.delete(sequence.initiatorTaskTag);
  }

  #forget(pdu: SentPdu): void {
    if (!this.#kept.delete(pdu)) return;
    this.#bytes -= pdu.size;
    this.#budget.give(pdu.size);
    this.retransmission.cancel(pdu);
  }

  /** The connection is gone. */
  clear(): void {
    for (let pdu = this.#kept.oldest; pdu !== null; pdu = this.#kept.oldest) this.#forget(pdu);
    this.#statuses.clear();
    this.#sequences.clear();
    this.#asking.clear();
  }

  // Commands

  /** The sequence of the command that runs under a tag. */
  running(initiatorTaskTag: number): SentSequence {
    const known = this.#sequences.get(initiatorTaskTag);
    if (known?.statSN === NO_STATUS) return known;
    const sequence = new SentSequence(initiatorTaskTag);
    this.#sequences.set(initiatorTaskTag, sequence);
    return sequence;
  }

  /** The sequence of the last command under a tag, as long as its status is not acknowledged; null when there is none. */
  find(initiatorTaskTag: number): SentSequence | null {
    return this.#sequences.get(initiatorTaskTag) ?? null;
  }

  /** As {@link find}, of a command that has ended and sent nothing but its status: it gets one when that is needed. */
  ofStatusAlone(initiatorTaskTag: number): SentSequence | null {
    const status = this.statusOf(initiatorTaskTag);
    if (status === null) return null;
    const sequence = new SentSequence(initiatorTaskTag);
    sequence.statSN = status.statSN;
    status.sequence = sequence;
    this.#sequences.set(initiatorTaskTag, sequence);
    return sequence;
  }

  /** What carried the status of the last command that ended under a tag, as long as it is not acknowledged. */
  statusOf(initiatorTaskTag: number): SentPdu | null {
    let found: SentPdu | null = null;
    for (const pdu of this.#statuses.values()) {
      if (pdu.opcode !== Opcode.SCSI_RESPONSE && pdu.opcode !== Opcode.DATA_IN) continue;
      if (Bhs.initiatorTaskTag.get(pdu.view, 0) === initiatorTaskTag) found = pdu;
    }
    return found;
  }

  /** The task sends nothing more here: it has been aborted, or goes on over another connection. */
  left(task: IscsiTask): void {
    this.retransmission.cancel(task);
    this.aborted(task.initiatorTaskTag);
  }

  /** The command under a tag has ended without a status. */
  aborted(initiatorTaskTag: number): void {
    const sequence = this.#sequences.get(initiatorTaskTag);
    if (sequence?.statSN === NO_STATUS) this.#forgetSequence(sequence);
  }

  /** The Target Transfer Tag by which the Data-In of a running command is acknowledged (§11.7.2). */
  ackTag(initiatorTaskTag: number): number {
    const sequence = this.running(initiatorTaskTag);
    if (sequence.transferTag === 0) {
      this.#tagSerial = this.#tagSerial === ACK_SERIALS - 1 ? 1 : this.#tagSerial + 1;
      sequence.transferTag = ACK_TAGS + this.#tagSerial;
      this.#asking.set(sequence.transferTag, sequence);
    }
    return sequence.transferTag;
  }

  /** What the response to a running command carries as SNACK Tag; other than 0, its status must not ride on Data-In (§11.16.3). */
  snackTag(initiatorTaskTag: number): number {
    const sequence = this.#sequences.get(initiatorTaskTag);
    return sequence?.statSN === NO_STATUS ? sequence.snackTag : 0;
  }

  // What the initiator has

  /** Every status before `expStatSN` has come, and the data of those commands with it (§4.2.2.2). Allocates nothing when there is no news. */
  acknowledge(expStatSN: number): void {
    if (!serialBefore(this.#expStatSN, expStatSN) || serialBefore(this.#nextStatSN, expStatSN)) return;
    this.#expStatSN = expStatSN;
    for (const [statSN, pdu] of this.#statuses) {
      if (!serialBefore(statSN, expStatSN)) return;
      this.forgetStatus(pdu);
    }
  }

  /**
   * DataACK: the data before `expDataSN` has come. False: no such data was asked to be acknowledged. For a command that is over it is no news: the
   * status may be acknowledged by the very request (§11.7.2), or the command aborted while that was on its way.
   */
  acknowledgeData(transferTag: number, expDataSN: number): boolean {
    const sequence = this.#asking.get(transferTag);
    if (sequence === undefined) return transferTag > ACK_TAGS && transferTag <= ACK_TAGS + this.#tagSerial;
    if (serialBefore(expDataSN, sequence.acknowledged) || serialBefore(sequence.next, expDataSN)) return false;
    this.#acknowledgeBefore(sequence, expDataSN);
    return true;
  }

  /** The data that a command was asked for has come: its R2Ts have arrived. */
  acknowledgeR2Ts(initiatorTaskTag: number): void {
    const sequence = this.running(initiatorTaskTag);
    this.#acknowledgeBefore(sequence, sequence.next);
  }

  #acknowledgeBefore(sequence: SentSequence, next: number): void {
    sequence.acknowledged = next;
    for (const [number, pdu] of sequence.pdus) {
      // What carries a status is kept for that.
      if (!serialBefore(number, next) || pdu.statSN !== NO_STATUS) continue;
      sequence.pdus.delete(number);
      this.#forget(pdu);
    }
  }

  // What the initiator lacks

  /** The run of numbered responses that a SNACK asks for. */
  statuses(begRun: number, runLength: number): SentPdu[] | Missing {
    return takeRun(this.#statuses, this.#expStatSN, this.#nextStatSN, begRun, runLength);
  }

  /** The run of a command's Data-In or R2T PDUs that a SNACK asks for. */
  data(sequence: SentSequence, begRun: number, runLength: number): SentPdu[] | Missing {
    return takeRun(sequence.pdus, sequence.acknowledged, sequence.next, begRun, runLength);
  }

  /** What is to be said of a command that nothing is known of. */
  get ofUnknown(): Missing {
    return this.#forgetful ? Missing.dropped : Missing.unknown;
  }

  /** The numbered response of a command that has ended; undefined when it was dropped. */
  status(statSN: number): SentPdu | undefined {
    return this.#statuses.get(statSN);
  }

  /** Puts a response and Data-In without a status in the place of Data-In with one. Returns the response. */
  separate(pdu: SentPdu, data: Uint8Array, response: Uint8Array): SentPdu {
    const sequence = pdu.sequence!;
    this.#forget(pdu);
    sequence.pdus.delete(pdu.number);
    const status = new SentPdu(response);
    for (const each of [new SentPdu(data), status]) {
      each.sequence = sequence;
      this.#store(each);
    }
    return status;
  }

  /**
   * Puts other PDUs, from the first unacknowledged number on, in the place of a command's data; with `response`, another in that of its
   * status. Returns them as they are kept.
   */
  replace(sequence: SentSequence, data: readonly Uint8Array[], response: Uint8Array | null): SentPdu[] {
    for (const pdu of sequence.pdus.values()) this.#forget(pdu);
    sequence.pdus.clear();
    const pdus = data.map((bytes) => new SentPdu(bytes));
    if (response !== null) {
      const old = this.#statuses.get(sequence.statSN);
      if (old !== undefined) this.#forget(old);
      pdus.push(new SentPdu(response));
    }
    sequence.next = serialAdd(sequence.acknowledged, data.length);
    for (const pdu of pdus) {
      pdu.sequence = sequence;
      this.#store(pdu);
    }
    return pdus;
  }
}

/** §11.16.6, §11.16.7: a length of 0 is all from `begRun` on, and both 0 all that is not acknowledged. */
function takeRun(
  kept: ReadonlyMap<number, SentPdu>,
  first: number,
  next: number,
  begRun: number,
  runLength: number,
): SentPdu[] | Missing {
  const all = begRun === 0 && runLength === 0;
  const from = all ? first : begRun;
  const end = runLength === 0 ? next : serialAdd(from, runLength);
  if (all && from === end) return [];
  if (serialBefore(from, first) || serialBefore(next, end) || !serialBefore(from, end)) return Missing.unknown;
  const run: SentPdu[] = [];
  for (let number = from; number !== end; number = serialAdd(number, 1)) {
    const pdu = kept.get(number);
    if (pdu === undefined) return Missing.dropped;
    run.push(pdu);
  }
  return run;
}
