// Which session a login is about (RFC 7143 §6.3.1, §6.3.4, §6.3.5): a new one, one to replace, or one to join.
// It only decides; sessions are made, joined and ended by control/ once login is complete.

import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { type KnownSession, type SessionIdentity, type SessionLookup, SessionType } from './policy.ts';
import { fault, type LoginFault } from './refusal.ts';

/** How the connection enters. */
export type Entry =
  | { readonly kind: 'newSession' }
  /** The session of the same identity is to be ended, with all its tasks, before the new one begins. */
  | { readonly kind: 'reinstateSession'; readonly session: KnownSession }
  | { readonly kind: 'addConnection'; readonly session: KnownSession }
  /** The connection of the same CID is to be ended before this one takes its place. */
  | { readonly kind: 'reinstateConnection'; readonly session: KnownSession };

/** What the initiator claims. */
export interface Claim {
  readonly identity: SessionIdentity;
  readonly sessionType: SessionType;
  /** 0: a new session. */
  readonly tsih: number;
  readonly cid: number;
}

/** Limits of the target; null for a discovery session. */
export interface TargetLimits {
  readonly sessionLimit: number;
  readonly connectionLimit: number;
}

/** Decides on a claim. */
export function identify(claim: Claim, sessions: SessionLookup, limits: TargetLimits | null): Entry | LoginFault {
  if (claim.sessionType === SessionType.discovery) return discoveryEntry(claim, sessions);
  const known = sessions.findByIdentity(claim.identity);
  if (claim.tsih === 0) return leadingEntry(claim, known, sessions, limits);
  if (known === undefined || known.tsih !== claim.tsih) return strangerFault(claim, sessions);
  if (known.connections.has(claim.cid)) return { kind: 'reinstateConnection', session: known };
  return addedEntry(claim, known, sessions, limits);
}

function discoveryEntry(claim: Claim, sessions: SessionLookup): Entry | LoginFault {
  return claim.tsih === 0 ? { kind: 'newSession' } : strangerFault(claim, sessions);
}

function leadingEntry(
  claim: Claim,
  known: KnownSession | undefined,
  sessions: SessionLookup,
  limits: TargetLimits | null,
): Entry | LoginFault {
  const count = sessions.countOf(claim.identity.targetName);
  // What is replaced makes room.
  const left = known === undefined ? 0 : 1;
  if (limits !== null && count.sessions - left >= limits.sessionLimit) {
    const rule = 'the target has room for another session';
    const received = `${count.sessions} sessions`;
    const expected = `fewer than sessionLimit, ${limits.sessionLimit}`;
    return fault(LoginStatus.OUT_OF_RESOURCES, rule, received, expected, LoginReason.sessionLimit);
  }
  const full = connectionFault(count.connections - (known?.connections.size ?? 0), limits);
  if (full !== null) return full;
  return known === undefined ? { kind: 'newSession' } : { kind: 'reinstateSession', session: known };
}

function addedEntry(
  claim: Claim,
  known: KnownSession,
  sessions: SessionLookup,
  limits: TargetLimits | null,
): Entry | LoginFault {
  const { maxConnections } = known.parameters;
  if (known.connections.size >= maxConnections) {
    const rule = 'a session has no more connections than were negotiated';
    const received = `a connection beside ${known.connections.size}`;
    const expected = `at most MaxConnections, ${maxConnections}`;
    return fault(LoginStatus.TOO_MANY_CONNECTIONS, rule, received, expected, LoginReason.maxConnections);
  }
  const full = connectionFault(sessions.countOf(claim.identity.targetName).connections, limits);
  return full ?? { kind: 'addConnection', session: known };
}

function connectionFault(connections: number, limits: TargetLimits | null): LoginFault | null {
  if (limits === null || connections < limits.connectionLimit) return null;
  const rule = 'the target has room for another connection';
  const expected = `fewer than connectionLimit, ${limits.connectionLimit}`;
  const received = `${connections} connections`;
  return fault(LoginStatus.TOO_MANY_CONNECTIONS, rule, received, expected, LoginReason.connectionLimit);
}

/** A TSIH that is not this identity's: of a session that can't be joined from here (0208), or of none (020A). */
function strangerFault(claim: Claim, sessions: SessionLookup): LoginFault {
  const { initiatorName, isid, targetName, portalGroupTag } = claim.identity;
  const named = sessions.find(claim.tsih);
  const own = named !== undefined && named.identity.initiatorName === initiatorName && named.identity.isid === isid;
  if (own && (named.sessionType === SessionType.discovery || claim.sessionType === SessionType.discovery)) {
    const rule = 'a discovery session has one connection';
    const received = `a ${claim.sessionType} login into a ${named.sessionType} session`;
    return fault(LoginStatus.CANNOT_INCLUDE_IN_SESSION, rule, received, 'TSIH 0');
  }
  if (own && named.identity.targetName === targetName && named.identity.portalGroupTag !== portalGroupTag) {
    const rule = 'a connection joins through the portal group of its session';
    const expected = `portal group ${named.identity.portalGroupTag}`;
    return fault(LoginStatus.CANNOT_INCLUDE_IN_SESSION, rule, `portal group ${portalGroupTag}`, expected);
  }
  const rule = 'a TSIH names a session of this initiator, ISID, target and portal group';
  const received = `TSIH ${claim.tsih}, ISID ${isid}`;
  return fault(LoginStatus.SESSION_DOES_NOT_EXIST, rule, received, 'TSIH 0, or that of such a session');
}
