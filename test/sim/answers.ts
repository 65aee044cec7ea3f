// The answers of a simulated connection in the order of their StatSN: those that come too early wait, and what lacks is asked for again.
// What an answer says is connection.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';
import type { Run } from './incoming-data.ts';

const TAG_AT = 16;
const STAT_SN_AT = 24;
/** What lacks is asked for again after so many milliseconds. */
export const ASK_AGAIN_MS = 300;

/** What is done about answers. */
export interface AnswersOptions {
  readonly now: () => number;
  /** Acts on one. False: data that came before it lack, and it is to be tried again. */
  readonly perform: (pdu: Pdu) => boolean;
  /** Asks for some again. */
  readonly ask: (run: Run) => void;
}

/** See the file's head. */
export class Answers {
  /** The StatSN of the one that is due: what came before it is acknowledged. */
  expStatSN = 0;
  readonly #options: AnswersOptions;
  /** By StatSN: that are due, or have come before one that lacks. */
  readonly #waiting = new Map<number, Pdu>();
  /** Those before this one were asked for again. */
  #askedBefore: number | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** Some may come twice. */
  get wereAskedFor(): boolean {
    return this.#askedBefore !== null;
  }

  /** One has come. `mayRepeat`: it may have before; `mayLack`: others before it may have been lost. */
  take(pdu: Pdu, { mayRepeat, mayLack }: { mayRepeat: boolean; mayLack: boolean }): void {
    const statSN = pdu.header.readUInt32BE(STAT_SN_AT);
    if (serialBefore(statSN, this.expStatSN) || this.#waiting.has(statSN)) {
      const asked = this.#askedBefore !== null && serialBefore(statSN, this.#askedBefore);
      if (!asked && !mayRepeat) throw new Violation('StatSN counts', `${statSN} again, instead of ${this.expStatSN}`);
      return;
    }
    if (statSN !== this.expStatSN && !mayLack) {
      throw new Violation('StatSN counts', `${statSN} instead of ${this.expStatSN}`);
    }
    this.#waiting.set(statSN, pdu);
    this.lookAfter();
  }

  /** A command's status that waits is to come anew. */
  discardStatusOf(initiatorTaskTag: number): void {
    for (const [statSN, { opcode, header }] of this.#waiting) {
      const isStatus = opcode === Opcode.SCSI_RESPONSE || opcode === Opcode.DATA_IN;
      if (isStatus && header.readUInt32BE(TAG_AT) === initiatorTaskTag) this.#waiting.delete(statSN);
    }
  }

  /** Acts on those that are due. */
  takeDue(): void {
    for (let pdu = this.#waiting.get(this.expStatSN); pdu !== undefined; pdu = this.#waiting.get(this.expStatSN)) {
      if (!this.#options.perform(pdu)) return;
      this.#waiting.delete(this.expStatSN);
      this.expStatSN = (this.expStatSN + 1) >>> 0;
    }
  }

  /** Acts on those that are due, and asks for what lacks. */
  lookAfter(): void {
    this.takeDue();
    if (this.#waiting.size !== 0 && !this.#waiting.has(this.expStatSN)) this.#ask();
  }

  #ask(): void {
    const now = this.#options.now();
    if (now - this.#askedAt < ASK_AGAIN_MS) return;
    this.#askedAt = now;
    const first = [...this.#waiting.keys()].reduce((a, b) => (serialBefore(a, b) ? a : b));
    // Of what was asked for more than once, all may come as often.
    if (this.#askedBefore === null || serialBefore(this.#askedBefore, first)) this.#askedBefore = first;
    this.#options.ask({ begRun: this.expStatSN, runLength: (first - this.expStatSN) >>> 0 });
  }
}
