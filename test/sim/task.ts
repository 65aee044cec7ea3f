// A SCSI command of a simulated initiator from its first PDU to its status, and what its data looked like on the way.
// Checks what every target owes it: DataSN, R2TSN, offsets, bursts. What the data should be is for whoever sent it.

import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import type { R2T } from '../../src/pdu/r2t.ts';
import { OVERFLOW_BIT, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { decode, type HeaderValues } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';

/** What a command is. */
export interface Command {
  readonly name: string;
  readonly lun: number;
  readonly cdb: Uint8Array;
  /** Bytes that it writes; null: none. */
  readonly data: Buffer | null;
  /** Bytes that it may read. */
  readonly read: number;
  /** How it touches what a reservation guards; an order is about reservations itself. */
  readonly access: 'none' | 'read' | 'write' | 'order';
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
  /** Bytes of data sent unasked. */
  unsolicited = 0;
  readonly #received: Buffer;
  #dataSN = 0;
  #r2tSN = 0;
  #asked = 0;
  #sequenceBytes = 0;
  #moved = 0;

  constructor(tag: number, command: Command, cmdSN: number, sentAt: number, reservations: number) {
    this.tag = tag;
    this.command = command;
    this.cmdSN = cmdSN;
    this.sentAt = sentAt;
    this.reservations = reservations;
    this.#received = Buffer.alloc(command.read);
  }

  #claim(holds: boolean, rule: string, particulars: string): void {
    if (!holds) throw new Violation(rule, `${this.command.name} ${this.tag.toString(16)}: ${particulars}`);
  }

  /** Data that came in; the answer, if the status came with it. */
  dataIn(pdu: Pdu, maxBurstLength: number): Answer | null {
    const header = decode(DataIn, pdu.header);
    const { dataSN, bufferOffset, flags } = header;
    this.#claim(dataSN === this.#dataSN, 'DataSN counts', `${dataSN} after ${this.#dataSN - 1}`);
    this.#claim(bufferOffset === this.#moved, 'Data-In is in order', `${bufferOffset} after ${this.#moved}`);
    this.#claim(
      bufferOffset + pdu.data.length <= this.#received.length,
      'Data-In fits',
      `${bufferOffset}+${pdu.data.length}`,
    );
    this.#dataSN++;
    this.#moved += pdu.data.length;
    this.#sequenceBytes += pdu.data.length;
    this.#claim(this.#sequenceBytes <= maxBurstLength, 'a sequence ends at MaxBurstLength', `${this.#sequenceBytes}`);
    if ((flags & FINAL_BIT) !== 0) this.#sequenceBytes = 0;
    pdu.data.copy(this.#received, bufferOffset);
    if ((flags & STATUS_BIT) === 0) return null;
    return this.#answer(header.status, 0, flags, header.residualCount);
  }

  /** The target asks for data; where from, and how much. */
  asked({ r2tSN, bufferOffset, desiredDataTransferLength }: HeaderValues<typeof R2T>, maxBurstLength: number): void {
    const { data } = this.command;
    const expected = Math.max(this.#asked, this.unsolicited);
    this.#claim(data !== null, 'an R2T belongs to a WRITE', `r2tSN ${r2tSN}`);
    this.#claim(r2tSN === this.#r2tSN, 'R2TSN counts', `${r2tSN} after ${this.#r2tSN - 1}`);
    this.#claim(bufferOffset === expected, 'R2Ts are in order', `${bufferOffset} instead of ${expected}`);
    this.#claim(
      desiredDataTransferLength > 0 && desiredDataTransferLength <= maxBurstLength,
      'an R2T asks for a burst',
      `${desiredDataTransferLength}`,
    );
    this.#asked = bufferOffset + desiredDataTransferLength;
    this.#claim(this.#asked <= (data?.length ?? 0), 'an R2T asks for what there is', `${this.#asked}`);
    this.#r2tSN++;
  }

  /** The status. */
  response(pdu: Pdu): Answer {
    const { status, response, flags, residualCount, expDataSN } = decode(ScsiResponse, pdu.header);
    this.#claim(response === 0, 'a command is completed at the target', `response ${response}`);
    const sent = this.command.data === null ? this.#dataSN : this.#r2tSN;
    this.#claim(expDataSN === sent, 'ExpDataSN counts what was sent', `${expDataSN} instead of ${sent}`);
    const sense = pdu.data.length > SENSE_LENGTH_SIZE ? pdu.data.subarray(SENSE_LENGTH_SIZE) : Buffer.alloc(0);
    const fixed = ((sense[0] ?? 0) & 0x7f) < 0x72;
    const senseKey = sense.length === 0 ? 0 : (fixed ? sense[2]! : sense[1]!) & 0x0f;
    this.#claim(
      (status === Status.CHECK_CONDITION) === (sense.length !== 0),
      'CHECK CONDITION has sense data',
      `status ${status}`,
    );
    return this.#answer(status, senseKey, flags, residualCount);
  }

  #answer(status: number, senseKey: number, flags: number, residual: number): Answer {
    const { name, read } = this.command;
    if (status === Status.GOOD && read !== 0 && (flags & OVERFLOW_BIT) === 0) {
      const short = (flags & UNDERFLOW_BIT) === 0 ? 0 : residual;
      this.#claim(this.#moved + short === read, 'the residual is what did not come', `${name} ${this.#moved}+${short}`);
    }
    return { status, senseKey, data: this.#received.subarray(0, this.#moved) };
  }
}
