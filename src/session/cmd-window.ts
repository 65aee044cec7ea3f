// The CmdSN window of one session (RFC 7143 §4.2.2.1): which commands may come, and in which order they run.
// Knows numbers only; what waits for its turn belongs to session.ts, how many commands a worker can hold to budget.ts.

import { assert } from '../base/assert.ts';
import { serialAdd, serialBefore, serialDistance } from '../base/serial.ts';
import type { Budget } from './budget.ts';

/** Commands every session is promised from its first response on: enough for an initiator to start with. */
export const INITIAL_WINDOW = 16;

/** What to do with a non-immediate command. */
export const Arrival = {
  /** Its turn: run it. */
  now: 0,
  /** In the window, but an earlier one is still on its way over another connection. */
  early: 1,
  /** Outside the window, or seen before: ignored without an answer. */
  ignore: 2,
} as const;
export type Arrival = (typeof Arrival)[keyof typeof Arrival];

/** The window of one session. It opens with use, as far as the queue depth and the worker's budget allow, and never closes (§4.2.2.1). */
export class CmdWindow {
  /** The next CmdSN that runs. */
  expCmdSN: number;
  /** The last CmdSN that may come now; one before {@link expCmdSN} when the window is shut. */
  maxCmdSN: number;
  readonly #depth: number;
  readonly #budget: Budget;
  /** Commands promised to this session: in the window or running. */
  #promised: number;
  /** CmdSNs in the window that came early, by their low bits: a power of two of them, so that wrapping at 2^32 changes nothing. */
  readonly #seen: Uint8Array;
  readonly #mask: number;

  constructor(expCmdSN: number, depth: number, initial: number, budget: Budget) {
    assert(initial >= 1 && initial <= depth, 'window: opens with one command or more');
    this.expCmdSN = expCmdSN;
    this.maxCmdSN = serialAdd(expCmdSN, initial - 1);
    this.#depth = depth;
    this.#budget = budget;
    this.#promised = initial;
    const size = 2 ** Math.ceil(Math.log2(depth));
    this.#seen = new Uint8Array(size);
    this.#mask = size - 1;
  }

  /** Commands promised: what goes back to the budget when the session ends. */
  get promised(): number {
    return this.#promised;
  }

  /** Whether {@link judge} would find a CmdSN to be `now`. Allocates nothing. */
  isDue(cmdSN: number): boolean {
    return cmdSN === this.expCmdSN && !serialBefore(this.maxCmdSN, cmdSN);
  }

  /** Judges a CmdSN without taking it. Allocates nothing. */
  judge(cmdSN: number): Arrival {
    if (this.isDue(cmdSN)) return Arrival.now;
    if (cmdSN === this.expCmdSN) return Arrival.ignore;
    if (serialBefore(cmdSN, this.expCmdSN) || serialBefore(this.maxCmdSN, cmdSN)) return Arrival.ignore;
    return this.#seen[cmdSN & this.#mask] === 1 ? Arrival.ignore : Arrival.early;
  }

  /** Takes a CmdSN that {@link judge} found to be `now` or `early`. Allocates nothing. */
  take(cmdSN: number): void {
    if (cmdSN === this.expCmdSN) {
      this.expCmdSN = serialAdd(cmdSN, 1);
      return;
    }
    this.#seen[cmdSN & this.#mask] = 1;
  }

  /** Whether the CmdSN that is due came early; if so it counts as coming now, and is the caller's to {@link take}, or to leave as a gap. */
  recallEarly(): boolean {
    const index = this.expCmdSN & this.#mask;
    const early = this.#seen[index] === 1;
    this.#seen[index] = 0;
    return early;
  }

  /**
   * One command has ended: another may come. A session that uses half of what it was promised is promised more. Call it before the
   * response is written, so that the response tells. Allocates nothing.
   */
  ended(): void {
    this.maxCmdSN = serialAdd(this.maxCmdSN, 1);
    if (this.#promised === this.#depth) return;
    const open = serialDistance(this.maxCmdSN, this.expCmdSN) + 1;
    if (open * 2 > this.#promised) return;
    const more = this.#budget.takeSome(Math.min(this.#promised, this.#depth - this.#promised));
    this.#promised += more;
    this.maxCmdSN = serialAdd(this.maxCmdSN, more);
  }
}
