// The other end of a login: makes Login Requests, right or wrong in any field, and reads what comes back.
// Written with its own offsets, not with those of src/pdu.

import { createHash } from 'node:crypto';
import { LoginMachine } from '../../src/login/login-machine.ts';
import type { Grant, Outcome } from '../../src/login/outcome.ts';
import type { LoginEndpoint } from '../../src/login/policy.ts';
import type { Refusal } from '../../src/login/refusal.ts';
import { ALICE, ENDPOINT, INITIATOR, ISID, TARGET, type World } from './world.ts';

/** Text of a request: pairs, or bytes as they are. */
export type Text = Record<string, string> | string;

/** What a test may set of a request. */
export interface RequestFields {
  opcode: number;
  transit: boolean;
  continues: boolean;
  csg: number;
  nsg: number;
  versionMax: number;
  versionMin: number;
  ahs: number;
  isid: string;
  tsih: number;
  itt: number;
  cid: number;
  cmdSN: number;
  expStatSN: number;
}

const DEFAULTS: RequestFields = {
  opcode: 0x43,
  transit: false,
  continues: false,
  csg: 0,
  nsg: 0,
  versionMax: 0,
  versionMin: 0,
  ahs: 0,
  isid: ISID,
  tsih: 0,
  itt: 0x11223344,
  cid: 7,
  cmdSN: 1000,
  expStatSN: 0,
};

export const IDENTITY = { InitiatorName: INITIATOR, TargetName: TARGET, SessionType: 'Normal' };

export function textOf(text: Text): Uint8Array {
  if (typeof text === 'string') return Buffer.from(text);
  return Buffer.from(
    Object.entries(text)
      .map(([key, value]) => `${key}=${value}\0`)
      .join(''),
  );
}

/** A whole Login Request, padding not included. */
export function loginRequest(fields: Partial<RequestFields>, text: Text = ''): Uint8Array {
  const all = { ...DEFAULTS, ...fields };
  const data = textOf(text);
  const bytes = Buffer.alloc(48 + data.length);
  bytes[0] = all.opcode;
  bytes[1] = (Number(all.transit) << 7) | (Number(all.continues) << 6) | (all.csg << 2) | all.nsg;
  bytes[2] = all.versionMax;
  bytes[3] = all.versionMin;
  bytes[4] = all.ahs;
  bytes.writeUIntBE(data.length, 5, 3);
  bytes.write(all.isid, 8, 'hex');
  bytes.writeUInt16BE(all.tsih, 14);
  bytes.writeUInt32BE(all.itt, 16);
  bytes.writeUInt16BE(all.cid, 20);
  bytes.writeUInt32BE(all.cmdSN, 24);
  bytes.writeUInt32BE(all.expStatSN, 28);
  bytes.set(data, 48);
  return new Uint8Array(bytes);
}

/** A Login Response, read. */
export interface Response {
  readonly transit: boolean;
  readonly continues: boolean;
  readonly csg: number;
  readonly nsg: number;
  readonly versionMax: number;
  readonly versionActive: number;
  readonly isid: string;
  readonly tsih: number;
  readonly itt: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
  /** `0203`. */
  readonly status: string;
  readonly text: string;
  readonly keys: Record<string, string>;
}

export function readResponse(bytes: Uint8Array): Response {
  const buffer = Buffer.from(bytes);
  if (buffer[0] !== 0x23) throw new Error(`not a Login Response: ${buffer.subarray(0, 48).toString('hex')}`);
  const length = buffer.readUIntBE(5, 3);
  if (buffer.length !== 48 + Math.ceil(length / 4) * 4) throw new Error('length and bytes differ');
  const text = buffer.subarray(48, 48 + length).toString();
  const pairs = text.split('\0').filter((pair) => pair !== '');
  const flags = buffer[1]!;
  return {
    transit: (flags & 0x80) !== 0,
    continues: (flags & 0x40) !== 0,
    csg: (flags >> 2) & 3,
    nsg: flags & 3,
    versionMax: buffer[2]!,
    versionActive: buffer[3]!,
    isid: buffer.toString('hex', 8, 14),
    tsih: buffer.readUInt16BE(14),
    itt: buffer.readUInt32BE(16),
    statSN: buffer.readUInt32BE(24),
    expCmdSN: buffer.readUInt32BE(28),
    maxCmdSN: buffer.readUInt32BE(32),
    status: buffer.toString('hex', 36, 38).toUpperCase(),
    text,
    keys: Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    ),
  };
}

/** CHAP as the other end computes it. */
export function respond(algorithm: string, identifier: number, secret: string, challenge: string): string {
  const bytes = Buffer.from(challenge.replace(/^0x/, ''), 'hex');
  return `0x${createHash(algorithm).update(Uint8Array.of(identifier)).update(secret).update(bytes).digest('hex')}`;
}

/** An initiator on a connection of its own. */
export class Initiator {
  readonly machine: LoginMachine;
  readonly #common: Partial<RequestFields>;

  constructor(world: World, common: Partial<RequestFields> = {}, endpoint: Partial<LoginEndpoint> = {}) {
    this.machine = new LoginMachine(world, { ...ENDPOINT, ...endpoint });
    this.#common = common;
  }

  /** Sends a request; whatever comes of it. */
  send(fields: Partial<RequestFields>, text: Text = ''): Outcome {
    return this.machine.receive(loginRequest({ ...this.#common, ...fields }, text));
  }

  /** Sends a request that must be answered and lead on. */
  ask(fields: Partial<RequestFields>, text: Text = ''): Response {
    const outcome = this.send(fields, text);
    if (outcome.kind !== 'reply') throw new Error(`no reply but ${describeOutcome(outcome)}`);
    const response = readResponse(outcome.bytes);
    if (response.status !== '0000') throw new Error(`a reply with status ${response.status}`);
    return response;
  }

  /** Sends a request that must end the login well. */
  complete(fields: Partial<RequestFields>, text: Text = ''): { grant: Grant; response: Response } {
    const outcome = this.send(fields, text);
    if (outcome.kind !== 'complete') throw new Error(`no grant but ${describeOutcome(outcome)}`);
    return { grant: outcome.grant, response: readResponse(outcome.grant.finalResponse(0x4242, 16)) };
  }

  /** Sends a request that must be refused. */
  refused(fields: Partial<RequestFields>, text: Text = ''): Response & { refusal: Refusal } {
    const outcome = this.send(fields, text);
    if (outcome.kind !== 'refuse') throw new Error(`no refusal but ${describeOutcome(outcome)}`);
    return { ...readResponse(outcome.bytes), refusal: outcome.refusal };
  }

  /** The operational stage in one request, straight into full feature. */
  operate(text: Text = IDENTITY) {
    return this.complete(OPERATE, text);
  }

  /** CHAP up to the challenge; returns it. */
  challenge(algorithms = '7', identity: Text = IDENTITY): { identifier: number; challenge: string; answer: Response } {
    this.ask({ csg: 0 }, { ...(identity as object), AuthMethod: 'CHAP,None' });
    const answer = this.ask({ csg: 0 }, { CHAP_A: algorithms });
    return { identifier: Number(answer.keys['CHAP_I']), challenge: answer.keys['CHAP_C']!, answer };
  }

  /** The second step of CHAP with SHA-256, right unless said otherwise. */
  proof(user = ALICE.name, secret = ALICE.secret): Record<string, string> {
    const { identifier, challenge } = this.challenge();
    return { CHAP_N: user, CHAP_R: respond('sha256', identifier, secret, challenge) };
  }
}

/** T=1, from the operational stage to full feature. */
export const OPERATE = { transit: true, csg: 1, nsg: 3 } as const;
/** T=1, from security to operational. */
export const SECURE = { transit: true, csg: 0, nsg: 1 } as const;

function describeOutcome(outcome: Outcome): string {
  if (outcome.kind === 'refuse')
    return `${outcome.refusal.status} (${outcome.refusal.rule}: ${outcome.refusal.received})`;
  if (outcome.kind === 'reply') return `reply ${JSON.stringify(readResponse(outcome.bytes))}`;
  return outcome.kind === 'close' ? `close (${outcome.reason})` : outcome.kind;
}

/** The status of a login in one request; 0000 for a grant. */
export function statusOf(world: World, text: Text = IDENTITY, fields: Partial<RequestFields> = {}): string {
  const outcome = new Initiator(world).send({ ...OPERATE, ...fields }, text);
  if (outcome.kind === 'complete') return '0000';
  if (outcome.kind === 'close') return `close: ${outcome.reason}`;
  return readResponse(outcome.bytes).status;
}
