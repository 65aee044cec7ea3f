// The initiator's side of the login phase: one step at a time with any flags and text, or all of it the way hosts do.
// A refusal is a result, not an error: tests compare its status. Keeping sequence numbers is raw-initiator.ts.

import { CSG_SHIFT, LoginRequest, NSG_MASK, Stage, TRANSIT_BIT } from '../../src/pdu/login-request.ts';
import { LoginResponse } from '../../src/pdu/login-response.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { encodePairs, parseBoolean, parsePairs } from '../../src/pdu/text.ts';
import { CONTINUE_BIT } from '../../src/pdu/text-pdu.ts';
import { reportLuns, testUnitReady } from './cdbs.ts';
import { ChapClient, type ChapOptions } from './chap-client.ts';
import type { HeaderValues } from './header-values.ts';
import type { RawInitiator, Reply } from './raw-initiator.ts';
import { TARGET_NAME } from './target-process.ts';

type Pairs = readonly (readonly [key: string, value: string])[];

/** What a whole login says. */
export interface LoginOptions {
  readonly target?: string;
  readonly sessionType?: string;
  /** Operational keys to offer besides {@link OPERATIONAL_KEYS}, or instead of their values; undefined leaves one out. */
  readonly keys?: Readonly<Record<string, string | undefined>>;
  readonly chap?: ChapOptions;
  /** Begin in the operational stage, with no security stage at all. */
  readonly skipSecurity?: boolean;
  /** Fields of every request's header. */
  readonly values?: Partial<HeaderValues<typeof LoginRequest>>;
  /** Leave the unit attentions that wait for a new I_T nexus, which hosts take before anything else. */
  readonly keepAttentions?: boolean;
}

export interface LoginResult {
  /** Status-Class and Status-Detail as one number: 0 is success, and everything else a refusal. */
  readonly status: number;
  /** The last response. */
  readonly response: Reply<typeof LoginResponse>;
  /** All keys that the target sent. */
  readonly keys: ReadonlyMap<string, string>;
}

/** One request: flags from the parts given, text as pairs or as raw bytes. */
export interface LoginStep {
  readonly stage: number;
  /** Ask to go on to this stage. */
  readonly next?: number;
  readonly pairs?: Pairs;
  /** Instead of pairs: any bytes. */
  readonly text?: Uint8Array;
  /** The text goes on in the next request. */
  readonly more?: boolean;
  readonly values?: Partial<HeaderValues<typeof LoginRequest>> | undefined;
}

/** What initiators usually offer. */
export const OPERATIONAL_KEYS: Readonly<Record<string, string>> = {
  HeaderDigest: 'None',
  DataDigest: 'None',
  InitialR2T: 'No',
  ImmediateData: 'Yes',
  MaxRecvDataSegmentLength: '262144',
  MaxBurstLength: '1048576',
  FirstBurstLength: '262144',
  MaxOutstandingR2T: '1',
  MaxConnections: '1',
  DefaultTime2Wait: '2',
  DefaultTime2Retain: '0',
  ErrorRecoveryLevel: '0',
  DataPDUInOrder: 'Yes',
  DataSequenceInOrder: 'Yes',
};

/** A login that has not ended after so many steps never will. */
const STEPS_MAX = 10;

/** Sends one Login Request. */
export function sendLogin(initiator: RawInitiator, step: LoginStep): number {
  const flags =
    (step.next === undefined ? 0 : TRANSIT_BIT | step.next) |
    (step.more ? CONTINUE_BIT : 0) |
    (step.stage << CSG_SHIFT);
  const { isid, tsih, cmdSN } = initiator.session;
  const values = { flags, isid, tsih, cid: initiator.cid, cmdSN, initiatorTaskTag: 0, ...step.values };
  const data = step.text ?? encodePairs(step.pairs ?? []);
  return initiator.send(LoginRequest, values, { data, immediate: true });
}

/** Sends one Login Request and receives its answer. */
export function loginStep(initiator: RawInitiator, step: LoginStep): Promise<Reply<typeof LoginResponse>> {
  sendLogin(initiator, step);
  return initiator.expect(LoginResponse);
}

/** A whole login in one connection, the way hosts do it. Afterwards digests and parameters are in force. */
export async function login(initiator: RawInitiator, options: LoginOptions = {}): Promise<LoginResult> {
  const phase = new LoginPhase(initiator, options);
  const secured = options.skipSecurity === true || (await phase.security());
  if (secured) await phase.operational();
  const result = phase.result();
  if (result.status !== 0) return result;
  const leads = initiator.session.tsih === 0;
  adopt(initiator, options, result);
  const normal = (options.sessionType ?? 'Normal') === 'Normal';
  if (normal && leads && options.keepAttentions !== true) await takeAttentions(initiator);
  return result;
}

const LUNS_MAX = 64;

/** Asks every unit whether it is ready, and takes no offence at the answer. */
async function takeAttentions(initiator: RawInitiator): Promise<void> {
  const read = 8 + LUNS_MAX * 8;
  const { data } = await initiator.command(reportLuns(read), { read });
  for (let at = 8; at < 8 + Math.min(data.readUInt32BE(0), LUNS_MAX * 8); at += 8) {
    await initiator.command(testUnitReady(), { lun: data.readUInt16BE(at) & 0x3fff });
  }
}

function statusOf(response: Reply<typeof LoginResponse>): number {
  return (response.statusClass << 8) | response.statusDetail;
}

/** The two stages, with all that was heard in them. */
class LoginPhase {
  readonly #initiator: RawInitiator;
  readonly #options: LoginOptions;
  readonly #keys = new Map<string, string>();
  #response: Reply<typeof LoginResponse> | null = null;
  #named = false;

  constructor(initiator: RawInitiator, options: LoginOptions) {
    this.#initiator = initiator;
    this.#options = options;
  }

  result(): LoginResult {
    const response = this.#response!;
    return { status: statusOf(response), response, keys: this.#keys };
  }

  /** Whether the target agreed to go on. */
  async security(): Promise<boolean> {
    const { chap } = this.#options;
    if (chap === undefined) {
      return this.#step({ stage: Stage.SECURITY, next: Stage.OPERATIONAL, pairs: [['AuthMethod', 'None']] });
    }
    const client = new ChapClient(chap);
    await this.#step({ stage: Stage.SECURITY, pairs: [['AuthMethod', 'CHAP']] });
    if (this.#refused) return false;
    await this.#step({ stage: Stage.SECURITY, pairs: [['CHAP_A', chap.algorithms ?? '5']] });
    if (this.#refused) return false;
    const proof = client.answer(this.#keys);
    const through = await this.#step({ stage: Stage.SECURITY, next: Stage.OPERATIONAL, pairs: proof });
    if (through && !client.verify(this.#keys)) throw new Error('the target does not prove that it knows its secret');
    return through;
  }

  async operational(): Promise<void> {
    const offered = Object.entries({ ...OPERATIONAL_KEYS, ...this.#options.keys });
    let pairs = offered.filter((pair): pair is [string, string] => pair[1] !== undefined);
    for (let step = 0; step < STEPS_MAX; step++) {
      const done = await this.#step({ stage: Stage.OPERATIONAL, next: Stage.FULL_FEATURE, pairs });
      if (done || this.#refused) return;
      pairs = [];
    }
    throw new Error(`the target does not end the login in ${STEPS_MAX} steps`);
  }

  get #refused(): boolean {
    return this.#response !== null && statusOf(this.#response) !== 0;
  }

  /** Sends a request, names first, and receives the answer, however many PDUs it takes. Whether the target agreed to go on. */
  async #step(step: LoginStep): Promise<boolean> {
    const pairs = [...(this.#named ? [] : this.#names()), ...(step.pairs ?? [])];
    this.#named = true;
    let response = await loginStep(this.#initiator, { ...step, pairs, values: this.#options.values });
    const text = [response.data];
    while (statusOf(response) === 0 && (response.flags & CONTINUE_BIT) !== 0) {
      response = await loginStep(this.#initiator, { stage: step.stage, values: this.#options.values });
      text.push(response.data);
    }
    this.#response = response;
    for (const [key, value] of parsePairs(Buffer.concat(text)) ?? []) this.#keys.set(key, value);
    return (
      statusOf(response) === 0 && (response.flags & TRANSIT_BIT) !== 0 && (response.flags & NSG_MASK) === step.next
    );
  }

  #names(): Pairs {
    const { target = TARGET_NAME, sessionType = 'Normal' } = this.#options;
    const names: [string, string][] = [
      ['InitiatorName', this.#initiator.session.initiatorName],
      ['SessionType', sessionType],
    ];
    return sessionType === 'Discovery' ? names : [...names, ['TargetName', target]];
  }
}

/** From here on what was agreed on holds. */
function adopt(initiator: RawInitiator, options: LoginOptions, { response, keys }: LoginResult): void {
  const offered: Readonly<Record<string, string | undefined>> = { ...OPERATIONAL_KEYS, ...options.keys };
  const { session, wire } = initiator;
  session.tsih = response.tsih;
  const flag = (key: string, byDefault: boolean) => parseBoolean(keys.get(key) ?? '') ?? byDefault;
  const number = (key: string, byDefault: number) => Number(keys.get(key) ?? byDefault);
  const digest = (key: string) => (keys.get(key) === Digest.crc32c ? Digest.crc32c : Digest.none);
  const before = session.parameters;
  session.parameters = {
    ...before,
    initialR2T: flag('InitialR2T', before.initialR2T),
    immediateData: flag('ImmediateData', before.immediateData),
    maxBurstLength: number('MaxBurstLength', before.maxBurstLength),
    firstBurstLength: number('FirstBurstLength', before.firstBurstLength),
    maxConnections: number('MaxConnections', before.maxConnections),
    maxOutstandingR2T: number('MaxOutstandingR2T', before.maxOutstandingR2T),
    errorRecoveryLevel: number('ErrorRecoveryLevel', before.errorRecoveryLevel),
  };
  initiator.parameters = {
    headerDigest: digest('HeaderDigest'),
    dataDigest: digest('DataDigest'),
    // Declared, not negotiated: what the target takes, and what we said that we take.
    maxXmitDataSegmentLength: number('MaxRecvDataSegmentLength', 8192),
    maxRecvDataSegmentLength: Number(offered['MaxRecvDataSegmentLength'] ?? 8192),
  };
  wire.headerDigest = initiator.parameters.headerDigest === Digest.crc32c;
  wire.dataDigest = initiator.parameters.dataDigest === Digest.crc32c;
}
