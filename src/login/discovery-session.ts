// A discovery session in full feature phase (RFC 7143 §4.3): Text Requests with SendTargets, one Logout, and nothing else.
// Pure like the login machine: PDUs in, bytes out. The login that leads here is an ordinary one.

import { serialAdd } from '../base/serial.ts';
import { BHS_SIZE, Bhs, padded, RESERVED_TAG } from '../pdu/bhs.ts';
import { findKey } from '../pdu/keys.ts';
import { LOGOUT_REASON_MASK, LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../pdu/logout.ts';
import { FINAL_BIT, IMMEDIATE_BIT, OPCODE_MASK, Opcode } from '../pdu/opcode.ts';
import { Reject, RejectReason } from '../pdu/reject.ts';
import { encodePairs, parseText } from '../pdu/text.ts';
import { CONTINUE_BIT, TextRequest, TextResponse } from '../pdu/text-pdu.ts';
import { type AdvertisedTarget, answerSendTargets, type Seeker } from './discovery.ts';

/** Commands that a discovery session may have outstanding; initiators send one and wait. */
export const DISCOVERY_WINDOW = 8;
/** Bytes of one question: `SendTargets=` and a name. */
const QUESTION_BYTES_MAX = 8192;
/** Bytes of one response, if the initiator takes as much. */
const RESPONSE_BYTES_MAX = 64 * 1024;
/** Names the exchange under way; there is one at a time. */
const EXCHANGE_TAG = 1;

/** Where a discovery session begins. */
export interface DiscoverySessionOptions {
  readonly seeker: Seeker;
  /** Asked at every SendTargets. */
  readonly targets: () => readonly AdvertisedTarget[];
  readonly cid: number;
  readonly expCmdSN: number;
  readonly statSN: number;
  readonly maxXmitDataSegmentLength: number;
}

/** What to do next. */
export type DiscoveryOutcome =
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** Nothing to say. */
  | { readonly kind: 'wait' }
  /** Send (maybe nothing), then close. */
  | { readonly kind: 'end'; readonly bytes: Uint8Array; readonly reason: string };

/** One discovery session. */
export class DiscoverySession {
  readonly #options: DiscoverySessionOptions;
  #expCmdSN: number;
  #statSN: number;
  #over = false;
  #question: Uint8Array[] = [];
  #unsaid: Uint8Array | null = null;

  constructor(options: DiscoverySessionOptions) {
    this.#options = options;
    this.#expCmdSN = options.expCmdSN;
    this.#statSN = options.statSN;
  }

  /** Takes one PDU, as a LoginFramer with `loginOnly: false` delivers it. */
  receive(pdu: Uint8Array): DiscoveryOutcome {
    if (this.#over) return { kind: 'wait' };
    if (pdu.length < BHS_SIZE) return this.#end('less than a header', new Uint8Array(0));
    const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.byteLength);
    const segment = Bhs.dataSegmentLength.get(view, 0);
    const data = BHS_SIZE + Bhs.totalAHSLength.get(view, 0) * 4;
    if (pdu.length < data + segment) return this.#end('a data segment longer than declared', new Uint8Array(0));
    const opcode = Bhs.opcode.get(view, 0);
    if (!this.#takeNumber(opcode, TextRequest.cmdSN.get(view, 0))) return { kind: 'wait' };
    switch (opcode & OPCODE_MASK) {
      case Opcode.TEXT_REQUEST:
        return this.#takeText(view, pdu.subarray(data, data + segment));
      case Opcode.LOGOUT_REQUEST:
        return this.#takeLogout(view);
      default:
        return this.#reject(pdu, RejectReason.COMMAND_NOT_SUPPORTED);
    }
  }

  /** §4.2.2.1: what does not carry the expected number is ignored. Data-Out and SNACK carry none, and are rejected below. */
  #takeNumber(opcode: number, cmdSN: number): boolean {
    const unnumbered = [Opcode.DATA_OUT, Opcode.SNACK_REQUEST].some((known) => known === (opcode & OPCODE_MASK));
    if ((opcode & IMMEDIATE_BIT) !== 0 || unnumbered) return true;
    if (cmdSN !== this.#expCmdSN) return false;
    this.#expCmdSN = serialAdd(this.#expCmdSN, 1);
    return true;
  }

  #takeText(view: DataView, data: Uint8Array): DiscoveryOutcome {
    const flags = TextRequest.flags.get(view, 0);
    const tag = TextRequest.targetTransferTag.get(view, 0);
    const initiatorTaskTag = TextRequest.initiatorTaskTag.get(view, 0);
    // §11.10.4: the reserved tag begins anew.
    if (tag === RESERVED_TAG) this.#forget();
    else if (tag !== EXCHANGE_TAG) return this.#reject(bytesOf(view), RejectReason.PROTOCOL_ERROR);
    const mayEnd = (flags & FINAL_BIT) !== 0;
    if (this.#unsaid !== null) return this.#say(initiatorTaskTag, this.#unsaid, mayEnd);
    this.#question.push(data.slice());
    const length = this.#question.reduce((sum, part) => sum + part.length, 0);
    if (length > QUESTION_BYTES_MAX) return this.#end('a question without end', new Uint8Array(0));
    if ((flags & CONTINUE_BIT) !== 0) return this.#say(initiatorTaskTag, new Uint8Array(0), false);
    const text = parseText(Buffer.concat(this.#question));
    this.#question = [];
    if (!text.ok) return this.#reject(bytesOf(view), RejectReason.PROTOCOL_ERROR);
    const answers = text.pairs.flatMap(({ key, value }) => this.#answer(key, value));
    return this.#say(initiatorTaskTag, encodePairs(answers), mayEnd);
  }

  #answer(key: string, value: string): (readonly [string, string])[] {
    if (key === 'SendTargets') return answerSendTargets(value, this.#options.targets(), this.#options.seeker);
    return [[key, findKey(key) === undefined ? 'NotUnderstood' : 'Reject']];
  }

  /** Sends what fits of an answer. `mayEnd`: the initiator has asked all it wanted to (§11.11.1: F=1 answers nothing but F=1). */
  #say(initiatorTaskTag: number, answer: Uint8Array, mayEnd: boolean): DiscoveryOutcome {
    const max = Math.min(this.#options.maxXmitDataSegmentLength, RESPONSE_BYTES_MAX);
    // Between two pairs where possible: not every initiator puts a pair together again.
    const cut = answer.length <= max ? answer.length : answer.lastIndexOf(0, max - 1) + 1 || max;
    const continues = cut < answer.length;
    const final = mayEnd && !continues;
    this.#unsaid = continues ? answer.subarray(cut) : null;
    const [bytes, view] = newPdu(Opcode.TEXT_RESPONSE, answer.subarray(0, cut));
    TextResponse.flags.set(view, 0, (final ? FINAL_BIT : 0) | (continues ? CONTINUE_BIT : 0));
    TextResponse.initiatorTaskTag.set(view, 0, initiatorTaskTag);
    TextResponse.targetTransferTag.set(view, 0, final ? RESERVED_TAG : EXCHANGE_TAG);
    this.#number(view);
    return { kind: 'reply', bytes };
  }

  #takeLogout(view: DataView): DiscoveryOutcome {
    const reason = LogoutRequest.flags.get(view, 0) & LOGOUT_REASON_MASK;
    const own = reason === LogoutReason.CLOSE_SESSION || LogoutRequest.cid.get(view, 0) === this.#options.cid;
    const result = own ? LogoutResult.SUCCESS : LogoutResult.CID_NOT_FOUND;
    const recovery = reason === LogoutReason.REMOVE_FOR_RECOVERY;
    const [bytes, answer] = newPdu(Opcode.LOGOUT_RESPONSE, new Uint8Array(0));
    LogoutResponse.flags.set(answer, 0, FINAL_BIT);
    LogoutResponse.response.set(answer, 0, recovery ? LogoutResult.RECOVERY_NOT_SUPPORTED : result);
    LogoutResponse.initiatorTaskTag.set(answer, 0, LogoutRequest.initiatorTaskTag.get(view, 0));
    this.#number(answer);
    return own && !recovery ? this.#end('logout', bytes) : { kind: 'reply', bytes };
  }

  #reject(pdu: Uint8Array, reason: RejectReason): DiscoveryOutcome {
    this.#forget();
    const [bytes, view] = newPdu(Opcode.REJECT, pdu.subarray(0, BHS_SIZE));
    Reject.flags.set(view, 0, FINAL_BIT);
    Reject.reason.set(view, 0, reason);
    Reject.initiatorTaskTag.set(view, 0, RESERVED_TAG);
    this.#number(view);
    return { kind: 'reply', bytes };
  }

  #forget(): void {
    this.#question = [];
    this.#unsaid = null;
  }

  #end(reason: string, bytes: Uint8Array): DiscoveryOutcome {
    this.#over = true;
    return { kind: 'end', bytes, reason };
  }

  /** StatSN and the command window are in the same place in every response. */
  #number(view: DataView): void {
    TextResponse.statSN.set(view, 0, this.#statSN);
    TextResponse.expCmdSN.set(view, 0, this.#expCmdSN);
    TextResponse.maxCmdSN.set(view, 0, serialAdd(this.#expCmdSN, DISCOVERY_WINDOW - 1));
    this.#statSN = serialAdd(this.#statSN, 1);
  }
}

function newPdu(opcode: Opcode, data: Uint8Array): [Uint8Array, DataView] {
  const bytes = new Uint8Array(BHS_SIZE + padded(data.length));
  const view = new DataView(bytes.buffer);
  Bhs.opcode.set(view, 0, opcode);
  Bhs.dataSegmentLength.set(view, 0, data.length);
  bytes.set(data, BHS_SIZE);
  return [bytes, view];
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
