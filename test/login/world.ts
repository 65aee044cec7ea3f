// A world for the login machine, built by hand: targets, accounts and sessions as a test wants them, and one portal.
// It answers as control/ does, from plain data.

import { Secret } from '../../src/config/secret.ts';
import { offerOf } from '../../src/login/offer.ts';
import {
  type Admission,
  type KnownSession,
  type LoginEndpoint,
  type LoginPolicy,
  type LoginTarget,
  type OfferedParameters,
  type Redirect,
  type SessionIdentity,
  type SessionLookup,
  SessionType,
  type TargetFinding,
} from '../../src/login/policy.ts';
import { DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';

export const INITIATOR = 'iqn.1993-08.org.debian:01:abcdef';
export const TARGET = 'iqn.2026-11.io.lunaring:disk0';
export const ISID = '800de7d80000';

export const OPEN_ACL: LoginTarget['acl'] = { initiators: ['*'], networks: ['0.0.0.0/0', '::/0'], denial: 'reveal' };

export const ENDPOINT: LoginEndpoint = {
  portalGroupTag: 1,
  discovery: true,
  localAddress: '192.0.2.1',
  localPort: 3260,
  peerAddress: '192.0.2.99',
  correlationId: 'c0ffee',
};

/** What a target with default settings offers. */
export function offered(overrides: Partial<OfferedParameters> = {}): OfferedParameters {
  const target = { maxConnections: 1, digests: { header: 'offer', data: 'offer' }, errorRecoveryLevel: 0 } as const;
  const tuning = {
    maxRecvDataSegmentLength: 262144,
    maxBurstLength: 1048576,
    firstBurstLength: 262144,
    immediateData: true,
    initialR2T: false,
  };
  return { ...offerOf(target, tuning), ...overrides };
}

export function makeTarget(overrides: Partial<LoginTarget> = {}): LoginTarget {
  return {
    name: TARGET,
    alias: undefined,
    state: 'online',
    auth: { method: 'none' },
    acl: OPEN_ACL,
    redirect: null,
    sessionLimit: 64,
    connectionLimit: 16,
    offered: offered(),
    ...overrides,
  };
}

export const ALICE = { name: 'alice', secret: 'twelve-chars-or-more' };
export const MUTUAL = { name: 'target', secret: 'another-long-secret' };

type Chap = Extract<LoginTarget['auth'], { method: 'chap' }>;

export function chap(overrides: Partial<Chap> = {}): Chap {
  return {
    method: 'chap',
    algorithms: ['sha3-256', 'sha256', 'sha1', 'md5'],
    users: [{ name: ALICE.name, secret: new Secret(ALICE.secret) }],
    ...overrides,
  };
}

export const mutual = { name: MUTUAL.name, secret: new Secret(MUTUAL.secret) };

/** A session that exists, of {@link INITIATOR} with {@link TARGET} unless said otherwise. */
export function makeSession(
  tsih: number,
  overrides: {
    identity?: Partial<SessionIdentity>;
    sessionType?: SessionType;
    cids?: number[];
    maxConnections?: number;
  } = {},
): KnownSession {
  const identity = {
    initiatorName: INITIATOR,
    isid: ISID,
    targetName: TARGET,
    portalGroupTag: 1,
    ...overrides.identity,
  };
  return {
    tsih,
    identity,
    sessionType: overrides.sessionType ?? SessionType.normal,
    parameters: { ...DEFAULT_SESSION_PARAMETERS, maxConnections: overrides.maxConnections ?? 1 },
    connections: new Set(overrides.cids ?? [0]),
  };
}

const sameIdentity = (a: SessionIdentity, b: SessionIdentity) =>
  a.initiatorName === b.initiatorName &&
  a.isid === b.isid &&
  a.targetName === b.targetName &&
  a.portalGroupTag === b.portalGroupTag;

export class World implements LoginPolicy {
  admission: Admission = { kind: 'open' };
  /** Targets of portal group 1; others know none, unless `groups` says so. */
  readonly findings = new Map<string, TargetFinding>();
  groups: readonly number[] = [1];
  redirect: Redirect | null = null;
  readonly accountsElsewhere = new Map<string, string>();
  /** Each with the accounts of a target. */
  readonly targetsElsewhere: ReadonlyMap<string, string>[] = [this.accountsElsewhere];
  known: KnownSession[] = [];
  discovery: LoginPolicy['discovery'] = { auth: { method: 'none' } };
  /** Thrown by the next lookup. */
  failure: Error | null = null;
  readonly sessions: SessionLookup = {
    find: (tsih) => this.known.find((session) => session.tsih === tsih),
    findByIdentity: (identity) => this.known.find((session) => sameIdentity(session.identity, identity)),
    countOf: (targetName) => {
      const own = this.known.filter(({ identity }) => identity.targetName === targetName);
      return { sessions: own.length, connections: own.reduce((sum, { connections }) => sum + connections.size, 0) };
    },
  };

  constructor(target: Partial<LoginTarget> = {}) {
    const made = makeTarget(target);
    this.findings.set(made.name, { kind: 'served', target: made });
  }

  admit(): Admission {
    return this.admission;
  }

  findTarget(name: string, portalGroupTag: number): TargetFinding {
    if (this.failure !== null) throw this.failure;
    return (this.groups.includes(portalGroupTag) && this.findings.get(name)) || { kind: 'unknown' };
  }

  redirectOf(): Redirect | null {
    return this.redirect;
  }

  secretsElsewhere(user: string): (Secret | null)[] {
    const secrets = this.targetsElsewhere.map((accounts) => accounts.get(user));
    return secrets.map((secret) => (secret === undefined ? null : new Secret(secret)));
  }
}
