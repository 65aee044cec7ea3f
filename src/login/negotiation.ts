// The operational stage (RFC 7143 §6.2, §6.3.3): offers of both sides become one value per key, by the rules of pdu/keys.ts.
// A negotiation that fails ends the login (§7.12); there is no Reject and go on.

import { KEYS, type KeySpec, parseInRange, Rule } from '../pdu/keys.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import {
  type ConnectionParameters,
  DEFAULT_CONNECTION_PARAMETERS,
  DEFAULT_SESSION_PARAMETERS,
  Digest,
  type SessionParameters,
} from '../pdu/parameters.ts';
import { formatBoolean, type Pair, parseBoolean, parseList, parseNumber } from '../pdu/text.ts';
import type { DigestOffer, OfferedParameters } from './policy.ts';
import { isFault, type LoginFault, wrong } from './refusal.ts';

/** What kind of login it is. */
export interface NegotiationOptions {
  readonly offered: OfferedParameters;
  readonly discovery: boolean;
  /** The parameters of the session that the connection joins; null when it leads a new one. */
  readonly joined: SessionParameters | null;
}

type Answer = readonly [key: string, value: string];

/** Where the agreed number of a key is kept; the offer calls it the same. */
const NUMBERS = {
  MaxConnections: 'maxConnections',
  MaxBurstLength: 'maxBurstLength',
  FirstBurstLength: 'firstBurstLength',
  DefaultTime2Wait: 'defaultTime2Wait',
  DefaultTime2Retain: 'defaultTime2Retain',
  MaxOutstandingR2T: 'maxOutstandingR2T',
  ErrorRecoveryLevel: 'errorRecoveryLevel',
  iSCSIProtocolLevel: 'iSCSIProtocolLevel',
} as const satisfies Record<string, keyof SessionParameters & keyof OfferedParameters>;
type NumericKey = keyof typeof NUMBERS;

const FLAGS = {
  InitialR2T: 'initialR2T',
  ImmediateData: 'immediateData',
  DataPDUInOrder: 'dataPDUInOrder',
  DataSequenceInOrder: 'dataSequenceInOrder',
} as const satisfies Record<string, keyof SessionParameters>;
type BooleanKey = keyof typeof FLAGS;

const DIGESTS = { HeaderDigest: 'headerDigest', DataDigest: 'dataDigest' } as const;
type DigestKey = keyof typeof DIGESTS;

/** The negotiation of one login. */
export class Negotiation {
  readonly session: SessionParameters;
  readonly connection: ConnectionParameters = { ...DEFAULT_CONNECTION_PARAMETERS };
  readonly #options: NegotiationOptions;
  readonly #wishes: OfferedParameters & Pick<SessionParameters, 'dataPDUInOrder' | 'dataSequenceInOrder'>;
  #declared = false;
  /** The initiator was told a FirstBurstLength. */
  #firstBurstAgreed = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    this.session = { ...(options.joined ?? DEFAULT_SESSION_PARAMETERS) };
    // Data in order is all that the data plane serves; the rule for both keys is that either side may insist.
    this.#wishes = { ...options.offered, dataPDUInOrder: true, dataSequenceInOrder: true };
  }

  /** Takes the operational keys of one request, no key twice in a login, and returns the answers. */
  take(pairs: readonly Pair[]): Answer[] | LoginFault {
    const answers: Answer[] = [];
    for (const pair of pairs) {
      const answer = this.#takeKey(pair.key as keyof typeof KEYS, pair.value);
      if (answer === null) continue;
      if (isFault(answer)) return answer;
      answers.push(answer);
    }
    const bursts = this.#settleBursts(pairs, answers);
    if (bursts !== null) return bursts;
    this.#settleLevel(answers);
    this.#settleRetain(answers);
    if (!this.#declared) {
      const { maxRecvDataSegmentLength } = this.#wishes;
      this.#declared = true;
      this.connection.maxRecvDataSegmentLength = maxRecvDataSegmentLength;
      answers.push(['MaxRecvDataSegmentLength', String(maxRecvDataSegmentLength)]);
    }
    return answers;
  }

  /** What has to hold when login ends: digests that we require are agreed on. */
  finish(): LoginFault | null {
    for (const key of Object.keys(DIGESTS) as DigestKey[]) {
      if (this.#wishes[DIGESTS[key]] !== 'require' || this.connection[DIGESTS[key]] === Digest.crc32c) continue;
      return wrong(
        `${key} is negotiated where the target requires it`,
        `no ${key}`,
        `${key}=CRC32C`,
        LoginReason.digests,
      );
    }
    return null;
  }

  #takeKey(key: keyof typeof KEYS, value: string): Answer | LoginFault | null {
    const spec: KeySpec = KEYS[key];
    if (spec.rule === Rule.constant) return [key, spec.answer!];
    if (spec.irrelevantInDiscovery === true && this.#options.discovery) return [key, 'Irrelevant'];
    // The session has its values from its leading login; to a connection that joins it they are past.
    if (spec.leadingOnly === true && this.#options.joined !== null) return [key, 'Irrelevant'];
    if (key in NUMBERS) return this.#takeNumber(key as NumericKey, value, spec);
    if (key in FLAGS) return this.#takeBoolean(key as BooleanKey, value, spec);
    if (key in DIGESTS) return this.#takeDigest(key as DigestKey, value);
    if (key === 'TaskReporting') return this.#takeTaskReporting(value);
    if (key === 'MaxRecvDataSegmentLength') return this.#takeSegmentLength(value, spec);
    return null;
  }

  #takeNumber(key: NumericKey, value: string, spec: KeySpec): Answer | LoginFault {
    const number = parseInRange(value, spec);
    if (number === null) return rangeFault(key, value, spec);
    const name = NUMBERS[key];
    const ours = this.#wishes[name];
    this.session[name] = spec.rule === Rule.max ? Math.max(number, ours) : Math.min(number, ours);
    return [key, String(this.session[name])];
  }

  #takeBoolean(key: BooleanKey, value: string, spec: KeySpec): Answer | LoginFault {
    const theirs = parseBoolean(value);
    if (theirs === null) return wrong(`${key} is Yes or No`, `${key}=${value}`, 'Yes or No');
    const name = FLAGS[key];
    const ours = this.#wishes[name];
    this.session[name] = spec.rule === Rule.and ? theirs && ours : theirs || ours;
    return [key, formatBoolean(this.session[name])];
  }

  #takeDigest(key: DigestKey, value: string): Answer | LoginFault {
    const chosen = chooseDigest(parseList(value), this.#wishes[DIGESTS[key]]);
    if (chosen === undefined) {
      const expected = this.#wishes[DIGESTS[key]] === 'require' ? 'CRC32C' : 'None';
      const rule = `the list of ${key} has a value the target takes`;
      return wrong(rule, `${key}=${value}`, `${expected} among them`, LoginReason.digests);
    }
    this.connection[DIGESTS[key]] = chosen;
    return [key, chosen];
  }

  #takeTaskReporting(value: string): Answer | LoginFault {
    const { taskReporting } = this.#wishes;
    const chosen = parseList(value).map((name) => taskReporting.find((known) => known === name));
    const first = chosen.find((known) => known !== undefined);
    if (first === undefined) {
      const expected = `one of ${taskReporting.join(', ')}`;
      return wrong('the list of TaskReporting has a value the target takes', `TaskReporting=${value}`, expected);
    }
    this.session.taskReporting = first;
    return ['TaskReporting', first];
  }

  #takeSegmentLength(value: string, spec: KeySpec): LoginFault | null {
    const length = parseInRange(value, spec);
    if (length === null) return rangeFault('MaxRecvDataSegmentLength', value, spec);
    this.connection.maxXmitDataSegmentLength = length;
    return null;
  }

  /** §13.14: FirstBurstLength does not exceed MaxBurstLength, neither as offered nor as agreed. */
  #settleBursts(pairs: readonly Pair[], answers: Answer[]): LoginFault | null {
    if (this.#options.discovery || this.#options.joined !== null) return null;
    const offered = (key: NumericKey) => parseNumber(pairs.find((pair) => pair.key === key)?.value ?? '');
    const first = offered('FirstBurstLength') ?? (this.#firstBurstAgreed ? this.session.firstBurstLength : 0);
    const max = offered('MaxBurstLength');
    if (max !== null && first > max) {
      const received = `FirstBurstLength=${first}, MaxBurstLength=${max}`;
      return wrong('FirstBurstLength does not exceed MaxBurstLength', received, `a FirstBurstLength up to ${max}`);
    }
    // Our own limit, or the default that nobody spoke of, may still be above: it is cut, and the answer with it.
    const agreed = Math.min(this.session.firstBurstLength, this.session.maxBurstLength);
    this.session.firstBurstLength = agreed;
    const at = answers.findIndex(([key]) => key === 'FirstBurstLength');
    if (at >= 0) {
      answers[at] = ['FirstBurstLength', String(agreed)];
      this.#firstBurstAgreed = true;
    }
    return null;
  }

  /**
   * §13.19: with data sequences in order, which they are here, ErrorRecoveryLevel above 0 needs MaxOutstandingR2T=1. If the initiator was told
   * of more in an earlier request, nothing is recovered.
   */
  #settleLevel(answers: Answer[]): void {
    const { session } = this;
    if (session.errorRecoveryLevel === 0 || session.maxOutstandingR2T === 1) return;
    const at = answers.findIndex(([key]) => key === 'MaxOutstandingR2T');
    const level = answers.findIndex(([key]) => key === 'ErrorRecoveryLevel');
    if (at >= 0) {
      session.maxOutstandingR2T = 1;
      answers[at] = ['MaxOutstandingR2T', '1'];
    } else if (level >= 0) {
      session.errorRecoveryLevel = 0;
      answers[level] = ['ErrorRecoveryLevel', '0'];
    }
  }

  /** A target that has level 2 offers to keep what breaks; below that level, once it is settled, it keeps nothing. */
  #settleRetain(answers: Answer[]): void {
    const { session } = this;
    const at = answers.findIndex(([key]) => key === 'DefaultTime2Retain');
    if (at < 0 || this.#options.joined !== null) return;
    if (this.#wishes.errorRecoveryLevel < 2 || session.errorRecoveryLevel === 2) return;
    session.defaultTime2Retain = 0;
    answers[at] = ['DefaultTime2Retain', '0'];
  }
}

function rangeFault(key: string, value: string, spec: KeySpec): LoginFault {
  const [min, max] = spec.range!;
  return wrong(`${key} is a number in its range`, `${key}=${value}`, `a number from ${min} to ${max}`);
}

/** The digest that comes of the initiator's list and our setting; undefined: none of them will do. */
function chooseDigest(list: readonly string[], offer: DigestOffer): Digest | undefined {
  switch (offer) {
    case 'off':
      return list.includes(Digest.none) ? Digest.none : undefined;
    case 'require':
      return list.includes(Digest.crc32c) ? Digest.crc32c : undefined;
    case 'offer': {
      const first = list.find((name) => name === Digest.none || name === Digest.crc32c);
      return first as Digest | undefined;
    }
  }
}
