// One attempt at a login: requests with any field and any text, the security stage done properly where a case is about what comes after,
// and answers that are read, whatever they are. Which requests make a case is for the files of cases.

import { randomBytes } from 'node:crypto';
import { CHAP_ALGORITHMS, chapResponse } from '../login/chap.ts';
import { BHS_SIZE, Bhs, padded } from '../pdu/bhs.ts';
import { CSG_SHIFT, LoginRequest, NSG_MASK, Stage, TRANSIT_BIT } from '../pdu/login-request.ts';
import { LoginResponse } from '../pdu/login-response.ts';
import { formatLoginStatus, LoginStatus } from '../pdu/login-status.ts';
import { LogoutReason, LogoutRequest } from '../pdu/logout.ts';
import { FINAL_BIT, IMMEDIATE_BIT, OPCODE_MASK, Opcode, opcodeName } from '../pdu/opcode.ts';
import { encodePairs, formatBinary, parseBinary, parsePairs } from '../pdu/text.ts';
import { CONTINUE_BIT } from '../pdu/text-pdu.ts';
import { type Received, type TargetAddress, Wire } from './wire.ts';

/** A target, and who asks it. */
export interface Subject {
  readonly address: TargetAddress;
  /** Its iSCSI name. */
  readonly target: string;
  /** The InitiatorName that asks, unless a case is about another. */
  readonly initiator: string;
  /** The CHAP account; null: none is offered. */
  readonly account: { readonly user: string; readonly secret: string } | null;
  /** An answer that has not come by then never does. */
  readonly answerMs: number;
}

/** What the requests of one attempt have in common. */
export interface Identity {
  readonly initiator: string;
  /** Six bytes. */
  readonly isid: Uint8Array;
  readonly tsih: number;
  readonly cid: number;
}

export type Pairs = readonly (readonly [key: string, value: string])[];

/** A Login Request: stage and text, and any field of the header that is to be other than right. */
export interface Request {
  readonly stage: number;
  /** Ask to go on to this stage. */
  readonly next?: number;
  readonly pairs?: Pairs;
  /** In place of pairs: any bytes. */
  readonly text?: Uint8Array;
  /** The text goes on in the next request. */
  readonly more?: boolean;
  readonly fields?: Partial<
    Record<'flags' | 'versionMax' | 'versionMin' | 'tsih' | 'initiatorTaskTag' | 'cid' | 'cmdSN', number>
  >;
  readonly isid?: Uint8Array;
}

/** What came of it. */
export interface Answer {
  /** A status (`0203`), or what came in its place: `closed`, `silent`, `no last step`, the name of another PDU. */
  readonly verdict: string;
  /** Login goes on: status 0. */
  readonly accepted: boolean;
  /** The target agrees to go on to this stage; null: it does not. */
  readonly nextStage: number | null;
  readonly tsih: number;
  readonly keys: ReadonlyMap<string, string>;
}

/** Nobody takes the connection. */
export const NO_CONNECTION = 'no connection';

const CMD_SN = 1;
const TASK_TAG = 1;
/** Steps of a stage after which a target that never agrees is given up. */
const STEPS_MAX = 6;
/** What such a login ends with. */
const NO_LAST_STEP = 'no last step';

/** A random ISID that no initiator in use has: qualifier 10b, §11.12.5. */
export function newIsid(): Uint8Array {
  const isid = randomBytes(6);
  isid[0] = 0x80;
  return isid;
}

/** One connection, and the login on it. */
export class Attempt {
  readonly identity: Identity;
  readonly #subject: Subject;
  readonly #wire: Wire;

  private constructor(wire: Wire, subject: Subject, identity: Identity) {
    this.#wire = wire;
    this.#subject = subject;
    this.identity = identity;
  }

  /** Null when nobody takes the connection. */
  static async open(subject: Subject, identity: Partial<Identity> = {}): Promise<Attempt | null> {
    const wire = await Wire.open(subject.address, subject.answerMs);
    if (wire === null) return null;
    return new Attempt(wire, subject, { initiator: subject.initiator, isid: newIsid(), tsih: 0, cid: 1, ...identity });
  }

  close(): void {
    this.#wire.close();
  }

  /** The names that a login begins with, and any other pairs; undefined leaves one out. */
  names(pairs: Readonly<Record<string, string | undefined>> = {}): Pairs {
    const names = {
      InitiatorName: this.identity.initiator,
      SessionType: 'Normal',
      TargetName: this.#subject.target,
      ...pairs,
    };
    return Object.entries(names).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  }

  /** The text that a login begins with: names and methods. Some targets refuse a security stage that begins without AuthMethod. */
  opening(pairs: Readonly<Record<string, string | undefined>> = {}): Pairs {
    return [...this.names(pairs), ['AuthMethod', 'CHAP,None']];
  }

  /** Sends a Login Request and reads what comes. */
  async ask(request: Request): Promise<Answer> {
    const { stage, next, more = false, fields = {}, isid = this.identity.isid } = request;
    const data = request.text ?? encodePairs(request.pairs ?? []);
    const bytes = new Uint8Array(BHS_SIZE + padded(data.length));
    const view = new DataView(bytes.buffer);
    const transit = next === undefined ? 0 : TRANSIT_BIT | next;
    LoginRequest.opcode.set(view, 0, Opcode.LOGIN_REQUEST | IMMEDIATE_BIT);
    LoginRequest.isid.copyFrom(view, 0, isid);
    const { tsih, cid } = this.identity;
    const flags = transit | (more ? CONTINUE_BIT : 0) | (stage << CSG_SHIFT);
    const values = { flags, tsih, cid, initiatorTaskTag: TASK_TAG, cmdSN: CMD_SN, ...fields };
    for (const [name, value] of Object.entries(values)) LoginRequest[name as keyof typeof values].set(view, 0, value);
    LoginRequest.dataSegmentLength.set(view, 0, data.length);
    bytes.set(data, BHS_SIZE);
    this.#wire.send(bytes);
    return read(await this.#wire.receive());
  }

  /** Sends requests until one is not accepted; the last answer. */
  async askAll(requests: readonly Request[]): Promise<Answer> {
    let answer = await this.ask(requests[0]!);
    for (const request of requests.slice(1)) if (answer.accepted) answer = await this.ask(request);
    return answer;
  }

  /** Sends another PDU with `opcode`, a header and nothing else, and reads what comes. */
  async interrupt(opcode: Opcode): Promise<Answer> {
    const bytes = new Uint8Array(BHS_SIZE);
    const view = new DataView(bytes.buffer);
    Bhs.opcode.set(view, 0, opcode);
    Bhs.flags.set(view, 0, FINAL_BIT);
    Bhs.initiatorTaskTag.set(view, 0, TASK_TAG);
    this.#wire.send(bytes);
    return read(await this.#wire.receive());
  }

  /** The security stage, with the subject's account where it has one; ends in the operational stage. */
  async secure(names: Pairs = this.names()): Promise<Answer> {
    const { account } = this.#subject;
    const leave = { stage: Stage.SECURITY, next: Stage.OPERATIONAL };
    if (account === null) return this.ask({ ...leave, pairs: [...names, ['AuthMethod', 'None']] });
    const method = await this.ask({ stage: Stage.SECURITY, pairs: [...names, ['AuthMethod', 'CHAP,None']] });
    if (!method.accepted) return method;
    if (method.keys.get('AuthMethod') !== 'CHAP') return this.ask(leave);
    const challenge = await this.challenge();
    if (!challenge.accepted) return challenge;
    return this.ask({ ...leave, pairs: proof(challenge.keys, account.user, account.secret) });
  }

  /** The first step of CHAP. */
  challenge(): Promise<Answer> {
    const numbers = CHAP_ALGORITHMS.map(({ number }) => number).join(',');
    return this.ask({ stage: Stage.SECURITY, pairs: [['CHAP_A', numbers]] });
  }

  /** The operational stage, up to the final response. */
  async operate(pairs: Pairs = []): Promise<Answer> {
    const leave = { stage: Stage.OPERATIONAL, next: Stage.FULL_FEATURE };
    let answer = await this.ask({ ...leave, pairs });
    for (let step = 1; step < STEPS_MAX && answer.accepted && answer.nextStage === null; step++) {
      answer = await this.ask(leave);
    }
    // Accepted, each of them; but there is no session.
    if (answer.accepted && answer.nextStage === null) return { ...answer, accepted: false, verdict: NO_LAST_STEP };
    return answer;
  }

  /** A whole login. */
  async logIn(names: Pairs = this.names(), pairs: Pairs = []): Promise<Answer> {
    const secured = await this.secure(names);
    return secured.accepted ? this.operate(pairs) : secured;
  }

  /** Logs the session out; it must be in its full feature phase. Resolves when the target has answered, or will not. */
  async logOut(): Promise<void> {
    const bytes = new Uint8Array(BHS_SIZE);
    const view = new DataView(bytes.buffer);
    LogoutRequest.opcode.set(view, 0, Opcode.LOGOUT_REQUEST | IMMEDIATE_BIT);
    LogoutRequest.flags.set(view, 0, FINAL_BIT | LogoutReason.CLOSE_SESSION);
    LogoutRequest.initiatorTaskTag.set(view, 0, TASK_TAG + 1);
    LogoutRequest.cmdSN.set(view, 0, CMD_SN);
    this.#wire.send(bytes);
    await this.#wire.receive();
  }
}

/** CHAP_N and CHAP_R for the challenge in `keys`; no pairs when it makes no sense. */
export function proof(keys: ReadonlyMap<string, string>, user: string, secret: string): Pairs {
  const algorithm = CHAP_ALGORITHMS.find(({ number }) => String(number) === keys.get('CHAP_A'));
  const challenge = parseBinary(keys.get('CHAP_C') ?? '');
  if (algorithm === undefined || challenge === null) return [];
  const response = chapResponse(algorithm, Number(keys.get('CHAP_I')), secret, challenge);
  return [
    ['CHAP_N', user],
    ['CHAP_R', formatBinary(response)],
  ];
}

const NO_KEYS: ReadonlyMap<string, string> = new Map();

function read(received: Received): Answer {
  const nothing = { accepted: false, nextStage: null, tsih: 0, keys: NO_KEYS };
  if (typeof received === 'string') return { ...nothing, verdict: received };
  const view = new DataView(received.buffer, received.byteOffset, received.byteLength);
  const opcode = Bhs.opcode.get(view, 0) & OPCODE_MASK;
  if (opcode !== Opcode.LOGIN_RESPONSE) return { ...nothing, verdict: opcodeName(opcode) };
  const status = (LoginResponse.statusClass.get(view, 0) << 8) | LoginResponse.statusDetail.get(view, 0);
  const flags = LoginResponse.flags.get(view, 0);
  return {
    verdict: formatLoginStatus(status),
    accepted: status === LoginStatus.SUCCESS,
    nextStage: (flags & TRANSIT_BIT) === 0 ? null : flags & NSG_MASK,
    tsih: LoginResponse.tsih.get(view, 0),
    keys: parsePairs(received.subarray(BHS_SIZE)) ?? NO_KEYS,
  };
}
