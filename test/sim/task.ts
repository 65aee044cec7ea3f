// A SCSI command of a simulated initiator from its first PDU to its status, and what its data looked like on the way.
// Checks what every target owes it: R2TSN, offsets, bursts, counts; of Data-In, in incoming-data.ts. What the data should be is for whoever sent it.

import { DataIn } from '../../src/pdu/data-in.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import type { R2T } from '../../src/pdu/r2t.ts';
import { OVERFLOW_BIT, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { decode, type HeaderValues } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';
import { IncomingData, type Run } from './incoming-data.ts';

/** Blocks of a unit that a command reads or writes, which may be another than it is sent to. */
export interface Touch {
  readonly lun: number;
  readonly access: 'read' | 'write';
  /** The reservations' version when it was sent. */
  readonly reservations: number;
}

/** What a command is. */
export interface Command {
  readonly name: string;
  readonly lun: number;
  readonly cdb: Uint8Array;
  /** Bytes that it writes; null: none. */
  readonly data: Buffer | null;
  /** That data is nothing that the CDB asks for: what comes of it unasked is dropped. */
  readonly unwanted?: boolean;
  /** Bytes that it may read. */
  readonly read: number;
  /** Expected Data Transfer Length, if it is not what the data, or what it may read, comes to. */
  readonly expected?: number;
  /** Bytes that it would move, if all were expected; as many as are, unless that is said. */
  readonly moves?: number;
  /** The R bit, if it is not to say whether something may be read. */
  readonly reads?: boolean;
  /** It does not make sense, and GOOD would be wrong. */
  readonly isRefused?: boolean;
  /** How it touches what a reservation guards; an order is about reservations itself. */
  readonly access: 'none' | 'read' | 'write' | 'order';
  /** What a copy touches. */
  readonly touches?: readonly Touch[];
  /** GOOD promises that something is on stable storage: what the command wrote, or all that was written before. */
  readonly lasts?: 'own' | 'all' | undefined;
  /** It ended with a status. */
  readonly answered: (answer: Answer) => void;
  /** It will never be answered. From now on it has no effect any more. */
  readonly over: () => void;
}

/** How a command ended. */
export interface Answer {
  readonly status: number;
  /** 0: no sense data. */
  readonly senseKey: number;
  /** ASC and ASCQ; 0: none. */
  readonly additionalSense: number;
  /** COMMAND-SPECIFIC INFORMATION of fixed format sense data; 0: none. */
  readonly commandSpecific: number;
  readonly data: Buffer;
}

export const Status = {
  GOOD: 0,
  CHECK_CONDITION: 2,
  BUSY: 8,
  RESERVATION_CONFLICT: 0x18,
  TASK_SET_FULL: 0x28,
  TASK_ABORTED: 0x40,
} as const;

/** One command under way. */
export class SimTask {
  readonly tag: number;
  readonly command: Command;
  readonly cmdSN: number;
  readonly sentAt: number;
  /** The reservations' version when it was sent. */
  readonly reservations: number;
  /** Asked for to be aborted: its data is sent no more. */
  abortedAt = Number.POSITIVE_INFINITY;
  /** When the target was last asked to abort it because it took so long. */
  askedAt = Number.NEGATIVE_INFINITY;
  /** Somebody may have aborted it without a word. */
  excused = false;
  /** Its initiator had no other under way for the unit when it was sent. */
  alone = false;
  /** It was to be aborted, by its initiator. */
  aborting = false;
  /** Bytes of data sent unasked. */
  unsolicited = 0;
  /** Where data that was damaged on its way begins: it is asked for again from there. */
  damagedFrom = Number.POSITIVE_INFINITY;
  /** When PDUs of it were last asked for again; -Infinity: never. */
  snackedAt = Number.NEGATIVE_INFINITY;
  /** When something was last done for it that the target has to answer. */
  attendedAt: number;
  /** When the connection that had it was last heard of; null: it has one. */
  lostAt: number | null = null;
  /** When another connection took it up. */
  resumedAt = Number.NEGATIVE_INFINITY;
  readonly incoming: IncomingData;
  #r2tSN = 0;
  #asked = 0;
  /** It went on over another connection, and has not been asked for data there. */
  #resumed = false;

  constructor(tag: number, command: Command, cmdSN: number, sentAt: number, reservations: number) {
    this.tag = tag;
    this.command = command;
    this.cmdSN = cmdSN;
    this.sentAt = sentAt;
    this.attendedAt = sentAt;
    this.reservations = reservations;
    this.incoming = new IncomingData(command.read, (...claim) => this.#claim(...claim));
  }

  #claim(holds: boolean, rule: string, particulars: string): void {
    if (!holds) throw new Violation(rule, `${this.command.name} ${this.tag.toString(16)}: ${particulars}`);
  }

  /** Some of its PDUs may come twice. */
  get wasAskedAgain(): boolean {
    return this.snackedAt !== Number.NEGATIVE_INFINITY;
  }

  /** Data that came in. `mayLack`: PDUs before it may have been lost. False: another cut of them has been asked for. */
  dataIn(pdu: Pdu, maxBurstLength: number, mayLack: boolean): boolean {
    return this.incoming.take(pdu, maxBurstLength, { mayLack, mayRepeat: this.wasAskedAgain });
  }

  /** What lacks before data that have come, or, with its status there, of all; null: nothing. */
  lacking(status: Pdu | null = null): Run | null {
    return this.incoming.lacking(status);
  }

  /** The target asks for data; where from, and how much. False: it had before. */
  asked(header: HeaderValues<typeof R2T>, maxBurstLength: number): boolean {
    const { r2tSN, bufferOffset, desiredDataTransferLength } = header;
    const { data } = this.command;
    const expected = Math.min(Math.max(this.#asked, this.unsolicited), this.damagedFrom);
    this.#claim(data !== null && !this.command.unwanted, 'an R2T belongs to a WRITE', `r2tSN ${r2tSN}`);
    if (this.#resumed) {
      // What was on its way over the lost connection may not have come: it is asked for under the same numbers.
      this.#claim(r2tSN <= this.#r2tSN, 'R2TSN counts', `${r2tSN} after ${this.#r2tSN - 1}`);
      this.#claim(bufferOffset <= expected, 'R2Ts are in order', `${bufferOffset}, beyond ${expected}`);
      this.#r2tSN = r2tSN;
      this.#resumed = false;
    } else if (r2tSN < this.#r2tSN) {
      this.#claim(this.wasAskedAgain, 'R2TSN counts', `${r2tSN} after ${this.#r2tSN - 1}`);
      return false;
    } else {
      this.#claim(r2tSN === this.#r2tSN, 'R2TSN counts', `${r2tSN} after ${this.#r2tSN - 1}`);
      // Behind damaged data the next burst may be asked for before the target misses them: another R2T was outstanding.
      const goesOn = bufferOffset === Math.max(this.#asked, this.unsolicited);
      this.#claim(goesOn || bufferOffset === expected, 'R2Ts are in order', `${bufferOffset} instead of ${expected}`);
    }
    this.#claim(
      desiredDataTransferLength > 0 && desiredDataTransferLength <= maxBurstLength,
      'an R2T asks for a burst',
      `${desiredDataTransferLength}`,
    );
    if (bufferOffset <= this.damagedFrom) this.damagedFrom = Number.POSITIVE_INFINITY;
    this.#asked = bufferOffset + desiredDataTransferLength;
    const most = Math.min(data?.length ?? 0, this.command.moves ?? Number.POSITIVE_INFINITY);
    this.#claim(this.#asked <= most, 'an R2T asks for what there is', `${this.#asked}`);
    this.#r2tSN++;
    return true;
  }

  /** It goes on over another connection, whose declaration has this version: what came out of order is sent again (RFC 7143 §11.5.6). */
  resume(declaration: number): void {
    this.incoming.resume(declaration);
    this.#resumed = true;
    this.damagedFrom = Number.POSITIVE_INFINITY;
  }

  /** It is sent, perhaps once more because the target has not received it. */
  begin(declaration: number): void {
    this.incoming.begin(declaration);
    this.#resumed = false;
    this.damagedFrom = Number.POSITIVE_INFINITY;
  }

  /** The status, which is in a response or in the last Data-In. Null: data that came before it lacks. */
  answer(pdu: Pdu): Answer | null {
    if (this.lacking(pdu) !== null) return null;
    if (pdu.opcode === Opcode.DATA_IN) {
      const { status, flags, residualCount } = decode(DataIn, pdu.header);
      return { ...this.#answer(status, flags, residualCount), senseKey: 0, additionalSense: 0, commandSpecific: 0 };
    }
    const { status, response, flags, residualCount, expDataSN } = decode(ScsiResponse, pdu.header);
    this.#claim(response === 0, 'a command is completed at the target', `response ${response}`);
    const sent = this.incoming.expDataSN;
    this.#claim(expDataSN === sent, 'ExpDataSN counts Data-In', `${expDataSN} instead of ${sent}`);
    const sense = pdu.data.length > SENSE_LENGTH_SIZE ? pdu.data.subarray(SENSE_LENGTH_SIZE) : Buffer.alloc(0);
    const fixed = ((sense[0] ?? 0) & 0x7f) < 0x72;
    const senseKey = sense.length === 0 ? 0 : (fixed ? sense[2]! : sense[1]!) & 0x0f;
    this.#claim(
      (status === Status.CHECK_CONDITION) === (sense.length !== 0),
      'CHECK CONDITION has sense data',
      `status ${status}`,
    );
    const additionalSense = sense.length === 0 ? 0 : sense.readUInt16BE(fixed ? 12 : 2);
    const commandSpecific = sense.length === 0 || !fixed ? 0 : sense.readUInt32BE(8);
    return { ...this.#answer(status, flags, residualCount), senseKey, additionalSense, commandSpecific };
  }

  #answer(status: number, flags: number, residual: number): Pick<Answer, 'status' | 'data'> {
    const { name, read } = this.command;
    const { bytes } = this.incoming;
    const { expected } = this;
    const { moves = expected } = this.command;
    const difference = (flags & UNDERFLOW_BIT) === 0 ? residual : -residual;
    const marked = flags & (OVERFLOW_BIT | UNDERFLOW_BIT);
    this.#claim((marked === 0) === (residual === 0), 'a residual is marked', `${name} ${residual}`);
    if (status === Status.GOOD) {
      this.#claim(difference === moves - expected, 'a residual is what did not move', `${name} ${difference}`);
      this.#claim(bytes.length === read, 'a READ brings what it asks for', `${name} ${bytes.length} of ${read}`);
    } else if (this.command.data === null) {
      const left = bytes.length - expected;
      this.#claim(difference === left, 'a residual is what did not move', `${name}, status ${status}: ${difference}`);
    } else {
      // What of its data had come when it failed, the target knows alone.
      const isPossible = difference >= -expected && difference <= Math.max(0, moves - expected);
      this.#claim(isPossible, 'a residual is what did not move', `${name}, status ${status}: ${difference}`);
    }
    return { status, data: bytes };
  }

  /** Expected Data Transfer Length. */
  get expected(): number {
    const { expected, data, read } = this.command;
    return expected ?? data?.length ?? read;
  }
}
