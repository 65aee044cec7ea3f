// Every key of RFC 7143 §13 (and AuthMethod and the CHAP keys of §12.1) in one table: who may send it, when, and how a value is agreed on.
// The arithmetic is login/negotiation.ts; in the full feature phase session/text-request.ts answers.

import { parseNumber } from './text.ts';

/** How a value comes about. */
export const Rule = {
  /** One side says, the other takes note. */
  declare: 'declare',
  /** Names who is who; given in the first request, and repeated by some initiators in a later stage. */
  identify: 'identify',
  /** The first value in the sender's list that the other side takes. */
  list: 'list',
  /** Yes when both say Yes. */
  and: 'and',
  /** Yes when either says Yes. */
  or: 'or',
  /** The lesser number. */
  min: 'min',
  /** The greater number. */
  max: 'max',
  /** Security keys: a dialogue of their own. */
  dialogue: 'dialogue',
  /** Obsolete (§13.25): always the same answer. */
  constant: 'constant',
} as const;
export type Rule = (typeof Rule)[keyof typeof Rule];

/** How a value is written (§6.1), and so what holds its length: a simple value as a whole, a list item by item. */
export type KeyForm = 'simple' | 'list' | 'binary';

/** When a key may be sent. */
export type KeyStage = 'any' | 'security' | 'operational' | 'fullFeature';

/** What the standard says of a key. */
export interface KeySpec {
  /** Of RFC 7143. */
  readonly section: string;
  readonly rule: Rule;
  readonly stage: KeyStage;
  readonly sender: 'both' | 'initiator' | 'target';
  /** A simple value when left out. */
  readonly form?: KeyForm;
  /** Numbers only: least and greatest, both included. */
  readonly range?: readonly [min: number, max: number];
  /** Only in the leading login of a session (LO). */
  readonly leadingOnly?: boolean;
  /** Has no meaning in a discovery session. */
  readonly irrelevantInDiscovery?: boolean;
  /** The answer to an obsolete key. */
  readonly answer?: string;
}

const LENGTH_RANGE = [512, 2 ** 24 - 1] as const;
const COUNT_RANGE = [1, 65535] as const;
const SECONDS_RANGE = [0, 3600] as const;

const operational = { stage: 'operational', sender: 'both' } as const;
const sessionWide = { ...operational, leadingOnly: true } as const;
const normalOnly = { ...sessionWide, irrelevantInDiscovery: true } as const;
const dialogue = { rule: Rule.dialogue, stage: 'security', sender: 'both' } as const;

/** The table. A key that is not in it is not understood. */
export const KEYS = {
  AuthMethod: { section: '12.1', form: 'list', ...dialogue },
  CHAP_A: { section: '12.1.3', form: 'list', ...dialogue },
  CHAP_I: { section: '12.1.3', ...dialogue },
  CHAP_C: { section: '12.1.3', form: 'binary', ...dialogue },
  CHAP_N: { section: '12.1.3', ...dialogue },
  CHAP_R: { section: '12.1.3', form: 'binary', ...dialogue },
  HeaderDigest: { section: '13.1', rule: Rule.list, form: 'list', ...operational },
  DataDigest: { section: '13.1', rule: Rule.list, form: 'list', ...operational },
  MaxConnections: { section: '13.2', rule: Rule.min, range: COUNT_RANGE, ...normalOnly },
  SendTargets: { section: '13.3', rule: Rule.declare, stage: 'fullFeature', sender: 'initiator' },
  TargetName: { section: '13.4', rule: Rule.identify, stage: 'any', sender: 'both' },
  InitiatorName: { section: '13.5', rule: Rule.identify, stage: 'any', sender: 'initiator' },
  TargetAlias: { section: '13.6', rule: Rule.declare, stage: 'any', sender: 'target' },
  InitiatorAlias: { section: '13.7', rule: Rule.identify, stage: 'any', sender: 'initiator' },
  TargetAddress: { section: '13.8', rule: Rule.declare, stage: 'any', sender: 'target' },
  TargetPortalGroupTag: { section: '13.9', rule: Rule.declare, stage: 'any', sender: 'target' },
  InitialR2T: { section: '13.10', rule: Rule.or, ...normalOnly },
  ImmediateData: { section: '13.11', rule: Rule.and, ...normalOnly },
  MaxRecvDataSegmentLength: { section: '13.12', rule: Rule.declare, range: LENGTH_RANGE, ...operational },
  MaxBurstLength: { section: '13.13', rule: Rule.min, range: LENGTH_RANGE, ...normalOnly },
  FirstBurstLength: { section: '13.14', rule: Rule.min, range: LENGTH_RANGE, ...normalOnly },
  DefaultTime2Wait: { section: '13.15', rule: Rule.max, range: SECONDS_RANGE, ...sessionWide },
  DefaultTime2Retain: { section: '13.16', rule: Rule.min, range: SECONDS_RANGE, ...sessionWide },
  MaxOutstandingR2T: { section: '13.17', rule: Rule.min, range: COUNT_RANGE, ...normalOnly },
  DataPDUInOrder: { section: '13.18', rule: Rule.or, ...normalOnly },
  DataSequenceInOrder: { section: '13.19', rule: Rule.or, ...normalOnly },
  ErrorRecoveryLevel: { section: '13.20', rule: Rule.min, range: [0, 2], ...sessionWide },
  SessionType: { section: '13.21', rule: Rule.identify, stage: 'any', sender: 'initiator' },
  TaskReporting: { section: '13.23', rule: Rule.list, form: 'list', ...normalOnly },
  iSCSIProtocolLevel: { section: '13.24', rule: Rule.min, range: [0, 31], ...normalOnly },
  // §13.25: initiators of RFC 3720 still ask for markers. Reject and No are both allowed, and No is what they expect to read.
  IFMarker: { section: '13.25', rule: Rule.constant, answer: 'No', ...operational },
  OFMarker: { section: '13.25', rule: Rule.constant, answer: 'No', ...operational },
  IFMarkInt: { section: '13.25', rule: Rule.constant, answer: 'Reject', ...operational },
  OFMarkInt: { section: '13.25', rule: Rule.constant, answer: 'Reject', ...operational },
  'X#NodeArchitecture': { section: '13.26', rule: Rule.declare, form: 'list', stage: 'any', sender: 'both' },
} as const satisfies Record<string, KeySpec>;
export type KeyName = keyof typeof KEYS;

/** What the standard says of `key`; undefined when it says nothing. */
export function findKey(key: string): KeySpec | undefined {
  return Object.hasOwn(KEYS, key) ? KEYS[key as KeyName] : undefined;
}

/** A number in the range that `spec` has; null for anything else. */
export function parseInRange(value: string, spec: KeySpec): number | null {
  const [min, max] = spec.range!;
  const number = parseNumber(value);
  return number !== null && number >= min && number <= max ? number : null;
}
