// The Data-In of a simulated READ: numbered, in order, without holes, and cut anew after an R-Data SNACK (RFC 7143 §11.7, §11.16.3).
// Checks that what is sent again is the same, in whatever segments. When something is asked for again is data-recovery.ts's.

import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { ACKNOWLEDGE_BIT, DataIn } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';

/** PDUs that are lacking, by DataSN. */
export interface Run {
  readonly begRun: number;
  readonly runLength: number;
}

/** Throws unless something holds. */
export type Claim = (holds: boolean, rule: string, particulars: string) => void;

interface Part {
  readonly offset: number;
  readonly length: number;
  readonly ends: boolean;
}

/** How far data has come without a hole. */
interface Place {
  /** The DataSN that is due. */
  readonly dataSN: number;
  /** Bytes before it, and those of them that are of the sequence under way. */
  readonly moved: number;
  readonly sequenceBytes: number;
}

const START: Place = { dataSN: 0, moved: 0, sequenceBytes: 0 };

/** See the file's head. */
export class IncomingData {
  /** The version of the connection's declaration that all unacknowledged data, as far as is known, were cut for. */
  declaration = 0;
  /** What the last R-Data SNACK wants to see in the response; 0: there was none on this connection. */
  snackTag = 0;
  readonly #claim: Claim;
  readonly #bytes: Buffer;
  /** Which of the bytes have come, in any cut. */
  readonly #came: Uint8Array;
  /** Parts of this cut, by DataSN: in order, and those that came before others. */
  readonly #taken = new Map<number, Part>();
  readonly #early = new Map<number, Part>();
  #place = START;
  /** What is acknowledged stays as it was cut. */
  #acknowledged = START;
  /** The highest DataSN of all that came. */
  #highest = -1;
  /** Nothing was sent again so far: numbers only grow. */
  #grows = true;
  /** What comes is of the last cut. */
  #told = true;
  /** The last cut is told by its numbers: they begin again. */
  #restarts = false;
  readonly #tags = new Set([0]);
  #statSN: number | null = null;

  constructor(length: number, claim: Claim) {
    this.#bytes = Buffer.alloc(length);
    this.#came = new Uint8Array(length);
    this.#claim = claim;
  }

  /** The DataSN before which all data has come. */
  get expDataSN(): number {
    return this.#place.dataSN;
  }

  /** What has come without a hole. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#place.moved);
  }

  /** Data of an older cut may be on their way still, and can't be told from those of the last one. */
  get ambiguous(): boolean {
    return !this.#told;
  }

  /** Takes a PDU; `mayLack`: others before it may have been lost, `mayRepeat`: it may have come before. False: it is of an older cut. */
  take(pdu: Pdu, maxBurstLength: number, { mayLack, mayRepeat }: { mayLack: boolean; mayRepeat: boolean }): boolean {
    const { dataSN, bufferOffset: offset, flags, targetTransferTag } = decode(DataIn, pdu.header);
    const part = { offset, length: pdu.data.length, ends: (flags & FINAL_BIT) !== 0 };
    this.#claim(offset + part.length <= this.#bytes.length, 'Data-In fits', `${offset}+${part.length}`);
    const asks = (flags & ACKNOWLEDGE_BIT) !== 0;
    this.#claim(asks || targetTransferTag === RESERVED_TAG, 'a tag asks for an acknowledgement', `DataSN ${dataSN}`);
    this.#keep(offset, pdu.data, dataSN);
    if (!this.#isOfLastCut(dataSN)) return false;
    const { dataSN: due } = this.#place;
    const before = this.#taken.get(dataSN) ?? this.#early.get(dataSN);
    if (before !== undefined || dataSN < due) {
      this.#claim(mayRepeat, 'DataSN counts', `${dataSN} after ${due - 1}`);
      const same = before !== undefined && before.offset === offset && before.length === part.length;
      this.#claim(same && before.ends === part.ends, 'what is sent again is the same', `DataSN ${dataSN}`);
      return true;
    }
    this.#claim(dataSN === due || mayLack, 'DataSN counts', `${dataSN} after ${due - 1}`);
    this.#early.set(dataSN, part);
    for (let next = this.#early.get(this.expDataSN); next !== undefined; next = this.#early.get(this.expDataSN)) {
      this.#count(next, maxBurstLength);
    }
    return true;
  }

  /** Whatever the cut, bytes that have come are the same when they come again. */
  #keep(offset: number, data: Buffer, dataSN: number): void {
    for (const [index, byte] of data.entries()) {
      const at = offset + index;
      const same = this.#came[at] === 0 || this.#bytes[at] === byte;
      if (!same) this.#claim(false, 'what is sent again is the same', `byte ${at}, DataSN ${dataSN}`);
    }
    data.copy(this.#bytes, offset);
    this.#came.fill(1, offset, offset + data.length);
  }

  #count(part: Part, maxBurstLength: number): void {
    const { dataSN, moved, sequenceBytes } = this.#place;
    const { offset, length, ends } = part;
    this.#claim(offset === moved, 'Data-In is in order', `${offset} after ${moved}`);
    this.#claim(sequenceBytes + length <= maxBurstLength, 'a sequence ends at MaxBurstLength', `DataSN ${dataSN}`);
    this.#early.delete(dataSN);
    this.#taken.set(dataSN, part);
    this.#place = { dataSN: dataSN + 1, moved: moved + length, sequenceBytes: ends ? 0 : sequenceBytes + length };
  }

  /**
   * A connection keeps order: behind the first PDU that was certainly sent after the SNACK had come, everything is of the new cut. §11.16.3
   * has the numbers begin again where data was acknowledged last, so one that is no higher than those before is such a PDU, as long as
   * nothing else was sent again.
   */
  #isOfLastCut(dataSN: number): boolean {
    if (this.#restarts && dataSN <= this.#highest) this.#told = true;
    this.#highest = Math.max(this.#highest, dataSN);
    return this.#told;
  }

  /** What lacks before data that have come, or, with its status there, of all; null: nothing. */
  lacking(status: Pdu | null): Run | null {
    const { dataSN } = this.#place;
    const end = this.#early.size !== 0 ? Math.min(...this.#early.keys()) : status === null ? 0 : sentBefore(status);
    return this.#bytes.length === 0 || end <= dataSN ? null : { begRun: dataSN, runLength: end - dataSN };
  }

  // What is said of it to the target

  /** All that has come without a hole is acknowledged. */
  acknowledge(): void {
    this.#acknowledged = this.#place;
  }

  /** Some of it is asked for again as it was. */
  repeat(): void {
    this.#grows = false;
  }

  /**
   * An R-Data SNACK is sent: what is not acknowledged is discarded, and comes anew. `grows`: no status was asked for again, so that nothing
   * that comes by itself has come before. Returns whether the new cut is told from the old one by its numbers.
   */
  cutAnew(snackTag: number, declaration: number, grows: boolean): boolean {
    this.snackTag = snackTag;
    this.#tags.add(snackTag);
    this.declaration = declaration;
    this.#told = false;
    this.#restarts = this.#grows && grows;
    this.#grows = false;
    this.#place = this.#acknowledged;
    this.#forgetRest();
    return this.#restarts && this.#highest >= this.expDataSN;
  }

  /** Something has come that was sent after the SNACK with this tag. */
  tell(snackTag: number): void {
    if (snackTag === this.snackTag) this.#told = true;
  }

  /** Whether a status ends the command: after an R-Data SNACK only the one that carries its tag does, all with one StatSN (§11.16.3). */
  isEndedBy({ opcode, header }: Pdu): boolean {
    const { snackTag, statSN } = decode(ScsiResponse, header);
    const tag = opcode === Opcode.DATA_IN ? 0 : snackTag;
    this.#claim(this.#statSN === null || this.#statSN === statSN, 'a command has one StatSN', `${statSN}`);
    this.#statSN = statSN;
    this.#claim(this.#tags.has(tag), 'a SNACK Tag is copied', tag.toString(16));
    if (tag !== this.snackTag) this.#claim(!this.#told, 'a response carries the last SNACK Tag', tag.toString(16));
    else this.#told = true;
    return tag === this.snackTag;
  }

  /** It goes on over another connection, from the first hole on, and nothing of what was asked for over this one is still to come (§11.5.6). */
  resume(declaration: number): void {
    this.begin(declaration);
    this.#acknowledged = this.#place;
    this.#grows = false;
    this.#forgetRest();
  }

  /** The command is sent. */
  begin(declaration: number): void {
    this.declaration = declaration;
    this.snackTag = 0;
    this.#told = true;
    this.#restarts = false;
    this.#tags.clear();
    this.#tags.add(0);
    this.#statSN = null;
  }

  #forgetRest(): void {
    this.#early.clear();
    for (const dataSN of this.#taken.keys()) if (dataSN >= this.expDataSN) this.#taken.delete(dataSN);
  }
}

/** Data-In PDUs that came before this status, or with it. */
function sentBefore({ opcode, header }: Pdu): number {
  return opcode === Opcode.DATA_IN ? decode(DataIn, header).dataSN + 1 : decode(ScsiResponse, header).expDataSN;
}
