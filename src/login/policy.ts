// What login must know of the rest of the world, and what it gives back: plain data, and lookups that control/ answers.
// No login code here; a test builds all of this by hand.

import type { Secret } from '../config/secret.ts';
import type { AclSettings, AuthSettings, TargetSettings } from '../config/settings.ts';
import type { LoginReason } from '../pdu/login-reason.ts';
import type { SessionParameters } from '../pdu/parameters.ts';

/** §13.21. */
export const SessionType = { normal: 'Normal', discovery: 'Discovery' } as const;
export type SessionType = (typeof SessionType)[keyof typeof SessionType];

/** The connection that logs in, and the portal it came to. */
export interface LoginEndpoint {
  readonly portalGroupTag: number;
  /** Whether the portal serves discovery sessions. */
  readonly discovery: boolean;
  /** The address the initiator came in on, which for a portal on a wildcard address is not the portal's. */
  readonly localAddress: string;
  readonly localPort: number;
  /** Where initiators are told that the portal is, `host:port`, if that is somewhere else. */
  readonly advertised?: string | undefined;
  readonly peerAddress: string;
  /** Finds the log lines of this connection. */
  readonly correlationId: string;
}

/** Where a target is served instead. `address` is `host[:port][,tag]`, IPv6 in brackets. */
export interface Redirect {
  readonly address: string;
  readonly permanent: boolean;
}

/** A target as login sees it: settings, with the state of now. */
export interface LoginTarget
  extends Pick<TargetSettings, 'name' | 'alias' | 'state' | 'auth' | 'acl' | 'sessionLimit' | 'connectionLimit'> {
  /** Where everybody is sent, before security. */
  readonly redirect: Redirect | null;
  readonly offered: OfferedParameters;
}

/** What a name stands for at a portal group. */
export type TargetFinding =
  | { readonly kind: 'unknown' }
  /** Served once and deleted on purpose. The access list it had decides who may know. */
  | { readonly kind: 'removed'; readonly acl: AclSettings }
  | { readonly kind: 'served'; readonly target: LoginTarget };

/** Whether another login is taken at all. */
export type Admission =
  | { readonly kind: 'open' }
  /** Draining, shutting down, switched off: 0301. */
  | { readonly kind: 'unavailable'; readonly reason: string }
  /** Pending logins, descriptors or the like are used up: 0302. */
  | { readonly kind: 'full'; readonly reason: string; readonly limit: string; readonly why: LoginReason };

/** What makes a session the one it is. Names are normalised, the ISID is 12 hex digits. A discovery session has no target: ''. */
export interface SessionIdentity {
  readonly initiatorName: string;
  readonly isid: string;
  readonly targetName: string;
  readonly portalGroupTag: number;
}

/** A session that exists. */
export interface KnownSession {
  readonly tsih: number;
  readonly identity: SessionIdentity;
  readonly sessionType: SessionType;
  readonly parameters: SessionParameters;
  readonly connections: { readonly size: number; has(cid: number): boolean };
}

/** The sessions of the process. Hand-offs under way count as sessions and connections. */
export interface SessionLookup {
  find(tsih: number): KnownSession | undefined;
  findByIdentity(identity: SessionIdentity): KnownSession | undefined;
  countOf(targetName: string): { readonly sessions: number; readonly connections: number };
}

/** How each digest is negotiated. */
export type DigestOffer = 'off' | 'offer' | 'require';

/** What we bring to the negotiation: limits, wishes and declarations. Lengths in bytes, times in seconds. */
export interface OfferedParameters {
  readonly headerDigest: DigestOffer;
  readonly dataDigest: DigestOffer;
  readonly maxRecvDataSegmentLength: number;
  readonly maxConnections: number;
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  readonly maxBurstLength: number;
  readonly firstBurstLength: number;
  readonly defaultTime2Wait: number;
  readonly defaultTime2Retain: number;
  readonly maxOutstandingR2T: number;
  readonly errorRecoveryLevel: number;
  readonly taskReporting: readonly SessionParameters['taskReporting'][];
  readonly iSCSIProtocolLevel: number;
}

/** What control/ answers. Called synchronously; an exception is answered with 0300. */
export interface LoginPolicy {
  admit(): Admission;
  /** `name` is normalised. A target that this portal group does not serve is unknown. */
  findTarget(name: string, portalGroupTag: number): TargetFinding;
  /** A redirect of this initiator alone, which it is told after it has proven who it is; null: none. */
  redirectOf(initiatorName: string, targetName: string): Redirect | null;
  /** For each target other than this that asks for CHAP, the secret of its account `user`; null: it has no such account. There are as many whoever asks. */
  secretsElsewhere(user: string, targetName: string): readonly (Secret | null)[];
  readonly sessions: SessionLookup;
  readonly discovery: { readonly auth: AuthSettings };
}
