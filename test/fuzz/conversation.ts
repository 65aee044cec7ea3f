// One connection to the target: a login that is right and then PDUs that are not, or a login that goes wrong by itself.
// It asks for answers again and again, so that a target that hangs is noticed; what else may be wrong is seen from outside, by fuzzer.ts.

import { DataOut } from '../../src/pdu/data-out.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { decode } from '../support/header-values.ts';
import { type Pdu, PduSocket } from '../support/pdu-socket.ts';
import { InitiatorSession, RawInitiator } from '../support/raw-initiator.ts';
import { breaksFraming, type Digests, type FuzzPdu, setCmdSN, usesCmdSN, wireBytes } from './fuzz-pdu.ts';
import { FUZZ_INITIATOR } from './login-grammar.ts';
import type { Random } from './random.ts';

/** What is to be said: PDUs of the full feature phase behind a good login with these keys, or requests of a login. */
export type Plan =
  | { readonly kind: 'fullFeature'; readonly keys: Readonly<Record<string, string>>; readonly pdus: readonly FuzzPdu[] }
  | { readonly kind: 'login'; readonly pdus: readonly FuzzPdu[] };

/** What was sent, so that it can be sent again. */
export interface Transcript {
  /** Keys of the good login before it; null: there was none. */
  readonly keys: Readonly<Record<string, string>> | null;
  /** Hex. */
  readonly writes: readonly string[];
}

/** PDUs between two questions whether the target still answers. */
const BATCH = 12;
/** An answer takes this long at most, on a machine that others use as well; a SANITIZE or an extended copy may be before it. */
const ANSWER_MS = 30_000;
/** R2Ts of one batch that get data. The others wait, as those of an initiator that has forgotten. */
const R2TS_ANSWERED = 4;
/** CmdSN gaps, left by commands that were rejected, are closed so often before the next batch. */
const GAPS_CLOSED = 8;
/** Conversations of a hundred that end with a reset; the others end with a FIN. */
const RESETS = 20;
const PING_TAG = 0x7fff_0000;

export class Conversation {
  /** PDUs sent while the target listened. */
  pdus = 0;
  /** PDUs that came back. */
  replies = 0;
  readonly #port: number;
  readonly #plan: Plan;
  readonly #random: Random;
  readonly #writes: Buffer[] = [];
  #pings = 0;

  constructor(port: number, plan: Plan, random: Random) {
    this.#port = port;
    this.#plan = plan;
    this.#random = random;
  }

  get transcript(): Transcript {
    const keys = this.#plan.kind === 'login' ? null : this.#plan.keys;
    return { keys, writes: this.#writes.map((bytes) => bytes.toString('hex')) };
  }

  /** Resolves when the connection has ended. Throws when the target gives no answer, or one that makes no sense. */
  async play(): Promise<void> {
    if (this.#plan.kind === 'login') await this.#logIn(this.#plan.pdus);
    else await this.#talk(this.#plan.pdus, this.#plan.keys);
  }

  async #logIn(steps: readonly FuzzPdu[]): Promise<void> {
    const wire = await PduSocket.open(this.#port);
    try {
      for (const step of steps) {
        if (wire.closed) return;
        this.#write(wire, [wireBytes(step, NO_DIGESTS)], 1);
        if (breaksFraming(step)) break;
        if ((await wire.receive(ANSWER_MS)) === null) return;
        this.replies++;
      }
      await this.#end(wire);
    } finally {
      wire.close();
    }
  }

  async #talk(pdus: readonly FuzzPdu[], keys: Readonly<Record<string, string>>): Promise<void> {
    using initiator = await beginSession(this.#port, keys);
    const { wire, session } = initiator;
    for (let from = 0; from < pdus.length; from += BATCH) {
      const batch = pdus.slice(from, from + BATCH);
      const whole = this.#sendBatch(initiator, batch);
      if (!whole) break;
      if (!(await this.#answers(initiator))) return;
      // Rejected commands use up no CmdSN, and what came behind them waits for it.
      for (let gap = 0; gap < GAPS_CLOSED && initiator.expCmdSN !== session.cmdSN; gap++) {
        this.#write(wire, [initiator.encode(NopOut, { cmdSN: initiator.expCmdSN, initiatorTaskTag: PING_TAG })], 1);
        if (!(await this.#answers(initiator))) return;
      }
      session.cmdSN = initiator.expCmdSN;
    }
    await this.#end(wire);
  }

  /** False: from here on the target can't tell PDUs apart. */
  #sendBatch(initiator: RawInitiator, batch: readonly FuzzPdu[]): boolean {
    const { wire, session } = initiator;
    const parts: Buffer[] = [];
    let whole = true;
    for (const pdu of batch) {
      if (pdu.numbered) setCmdSN(pdu, session.cmdSN);
      if (usesCmdSN(pdu)) session.cmdSN = (session.cmdSN + 1) >>> 0;
      parts.push(wireBytes(pdu, wire));
      whole = !breaksFraming(pdu);
      if (!whole) break;
    }
    this.#write(wire, parts, parts.length);
    return whole;
  }

  /** Asks for an answer, and takes everything that comes before it. False: the target has closed the connection. */
  async #answers(initiator: RawInitiator): Promise<boolean> {
    const tag = PING_TAG + 1 + (this.#pings++ % 0xffff);
    this.#write(initiator.wire, [initiator.encode(NopOut, { initiatorTaskTag: tag }, { immediate: true })], 0);
    let answered = 0;
    for (;;) {
      const pdu = await initiator.receive(ANSWER_MS);
      if (pdu === null) return false;
      this.replies++;
      if (pdu.opcode === Opcode.NOP_IN && pdu.header.readUInt32BE(16) === tag) return true;
      if (pdu.opcode === Opcode.R2T && answered++ < R2TS_ANSWERED) this.#answerR2T(initiator, pdu);
    }
  }

  /** The data that are asked for; now and then fewer, more, or in other places. */
  #answerR2T(initiator: RawInitiator, pdu: Pdu): void {
    const r2t = decode(R2T, pdu.header);
    const random = this.#random;
    const slip = random.percent(20);
    const length = slip ? random.below(70_000) : Math.min(r2t.desiredDataTransferLength, 262_144);
    const values = {
      flags: slip && random.percent(50) ? 0 : FINAL_BIT,
      lun: r2t.lun,
      initiatorTaskTag: r2t.initiatorTaskTag,
      targetTransferTag: r2t.targetTransferTag,
      dataSN: slip ? random.below(3) : 0,
      bufferOffset: r2t.bufferOffset + (slip && random.percent(50) ? random.below(2048) : 0),
    };
    this.#write(initiator.wire, [initiator.encode(DataOut, values, { data: Buffer.alloc(length, 0x5a) })], 1);
  }

  #write(wire: PduSocket, parts: readonly Buffer[], pdus: number): void {
    if (wire.closed) return;
    const bytes = Buffer.concat(parts);
    this.#writes.push(bytes);
    this.pdus += pdus;
    wire.write(bytes);
  }

  async #end(wire: PduSocket): Promise<void> {
    if (this.#random.percent(RESETS)) {
      wire.reset();
      return;
    }
    wire.end();
    while ((await wire.receive(ANSWER_MS)) !== null) this.replies++;
  }
}

const NO_DIGESTS: Digests = { headerDigest: false, dataDigest: false };

/** A session as the fuzzer has them. */
async function beginSession(port: number, keys: Readonly<Record<string, string>>): Promise<RawInitiator> {
  const session = new InitiatorSession();
  session.initiatorName = FUZZ_INITIATOR;
  const initiator = await RawInitiator.connect(port, session);
  const { status } = await initiator.login({ skipSecurity: true, keepAttentions: true, keys });
  if (status === 0) return initiator;
  initiator[Symbol.dispose]();
  throw new Error(`a good login is refused with 0x${status.toString(16).padStart(4, '0')}`);
}

/** Sends again what was sent once; whatever comes back is taken. Throws when the target closes the connection neither then nor at a FIN. */
export async function replay(port: number, { keys, writes }: Transcript): Promise<void> {
  const wire = keys === null ? await PduSocket.open(port) : (await beginSession(port, keys)).wire;
  try {
    for (const hex of writes) {
      if (wire.closed) return;
      wire.write(Buffer.from(hex, 'hex'));
      // Time for what it was sent to take effect before the next: as good as an answer, where none may be due.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    wire.end();
    while ((await wire.receive(ANSWER_MS)) !== null);
  } finally {
    wire.close();
  }
}
