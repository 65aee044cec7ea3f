// Who logs in, where to, and whether that is possible at all: everything that is judged of a login's first text before security.
// The order of the checks is the order in which reasons are reported; it is part of the interface.

import type { AuthSettings } from '../config/settings.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { judgeAccess } from './access.ts';
import { type Claim, type Entry, identify } from './identity.ts';
import type { LoginHeader } from './login-header.ts';
import { type CheckedName, checkInitiatorName, checkTargetName } from './names.ts';
import { DISCOVERY_OFFER } from './offer.ts';
import {
  type LoginEndpoint,
  type LoginPolicy,
  type LoginTarget,
  type OfferedParameters,
  SessionType,
} from './policy.ts';
import { redirectTo } from './redirect.ts';
import { fault, isFault, type LoginFault, wrong } from './refusal.ts';

/** An initiator that may go on to security. */
export interface Applicant {
  readonly claim: Claim;
  readonly entry: Entry;
  /** Null: a discovery session. */
  readonly target: LoginTarget | null;
  readonly auth: AuthSettings;
  readonly offered: OfferedParameters;
}

type Keys = ReadonlyMap<string, string>;

/** Judges the identity keys of a login's first text. */
export function judgeApplicant(
  keys: Keys,
  header: LoginHeader,
  endpoint: LoginEndpoint,
  policy: LoginPolicy,
): Applicant | LoginFault {
  const names = judgeNames(keys, endpoint);
  if (isFault(names)) return names;
  const { initiatorName, targetName, sessionType } = names;
  const closed = judgeAdmission(policy);
  if (closed !== null) return closed;
  const target = targetName === '' ? null : judgeTarget(targetName, initiatorName, endpoint, policy);
  if (target !== null && isFault(target)) return target;
  const { portalGroupTag } = endpoint;
  const identity = { initiatorName, isid: header.isid, targetName, portalGroupTag };
  const claim: Claim = { identity, sessionType, tsih: header.tsih, cid: header.cid };
  const entry = identify(claim, policy.sessions, target);
  if (isFault(entry)) return entry;
  return {
    claim,
    entry,
    target,
    auth: target?.auth ?? policy.discovery.auth,
    offered: target?.offered ?? DISCOVERY_OFFER,
  };
}

/** Judges the applicant again: between the first request and the last, targets are removed or moved, and sessions come and go. */
export function judgeAgain(applicant: Applicant, endpoint: LoginEndpoint, policy: LoginPolicy): Entry | LoginFault {
  const { claim } = applicant;
  const { initiatorName, targetName } = claim.identity;
  const admission = policy.admit();
  // Who was let in when there was room keeps it.
  if (admission.kind === 'unavailable') return unavailable(admission.reason);
  const target = targetName === '' ? null : judgeTarget(targetName, initiatorName, endpoint, policy);
  if (target !== null && isFault(target)) return target;
  return identify(claim, policy.sessions, target);
}

interface Names {
  readonly initiatorName: string;
  readonly sessionType: SessionType;
  /** '' in a discovery session. */
  readonly targetName: string;
}

function judgeNames(keys: Keys, endpoint: LoginEndpoint): Names | LoginFault {
  const initiatorName = judgeName('InitiatorName', 'the first request says who logs in', keys, checkInitiatorName);
  if (typeof initiatorName !== 'string') return initiatorName;
  // §13.21: a session whose type nobody mentions is a normal one.
  const sessionType = keys.get('SessionType') ?? SessionType.normal;
  switch (sessionType) {
    case SessionType.normal: {
      const targetName = judgeName('TargetName', 'a normal session says what it logs in to', keys, checkTargetName);
      return typeof targetName === 'string' ? { initiatorName, sessionType, targetName } : targetName;
    }
    case SessionType.discovery: {
      if (endpoint.discovery) return { initiatorName, sessionType, targetName: '' };
      const rule = 'the portal serves discovery sessions';
      const status = LoginStatus.SESSION_TYPE_NOT_SUPPORTED;
      return fault(status, rule, 'SessionType=Discovery', 'SessionType=Normal', LoginReason.discovery);
    }
    default: {
      const rule = 'the session type is one of two';
      const received = `SessionType=${sessionType}`;
      const status = LoginStatus.SESSION_TYPE_NOT_SUPPORTED;
      return fault(status, rule, received, 'Normal or Discovery', LoginReason.defect);
    }
  }
}

function judgeName(key: string, why: string, keys: Keys, check: (text: string) => CheckedName): string | LoginFault {
  const value = keys.get(key);
  if (value === undefined) return fault(LoginStatus.MISSING_PARAMETER, why, `no ${key}`, key);
  const checked = check(value);
  if (checked.ok) return checked.name;
  const reason = key === 'InitiatorName' ? LoginReason.initiatorName : LoginReason.targetName;
  return wrong(`${key} is an iSCSI name`, `${key}=${value}`, checked.expected, reason);
}

function judgeAdmission(policy: LoginPolicy): LoginFault | null {
  const admission = policy.admit();
  switch (admission.kind) {
    case 'open':
      return null;
    case 'unavailable':
      return unavailable(admission.reason);
    case 'full': {
      const { reason, limit, why } = admission;
      return fault(LoginStatus.OUT_OF_RESOURCES, 'there is room for a login', reason, limit, why);
    }
  }
}

function unavailable(reason: string): LoginFault {
  const rule = 'the service takes logins';
  return fault(LoginStatus.SERVICE_UNAVAILABLE, rule, reason, 'a login later', LoginReason.draining);
}

function judgeTarget(
  name: string,
  initiatorName: string,
  endpoint: LoginEndpoint,
  policy: LoginPolicy,
): LoginTarget | LoginFault {
  const finding = policy.findTarget(name, endpoint.portalGroupTag);
  if (finding.kind === 'unknown') {
    const rule = 'the portal group serves the target';
    const received = `${name} at portal group ${endpoint.portalGroupTag}`;
    return fault(LoginStatus.TARGET_NOT_FOUND, rule, received, 'the name of a target that is served here');
  }
  const acl = finding.kind === 'removed' ? finding.acl : finding.target.acl;
  const denied = judgeAccess(acl, initiatorName, endpoint.peerAddress);
  // Who may not know that a target exists is not to learn it from its state either.
  if (denied !== null && acl.denial === 'hide') return denied;
  if (finding.kind === 'removed') {
    return fault(LoginStatus.TARGET_REMOVED, 'the target still exists', name, 'the name of a target that is served');
  }
  const { target } = finding;
  const moved = target.redirect && redirectTo(target.redirect, endpoint, 'the target is served at this portal');
  if (moved) return moved;
  if (target.state === 'offline') {
    const received = `${name} is offline`;
    return fault(
      LoginStatus.SERVICE_UNAVAILABLE,
      'the target is online',
      received,
      'a login later',
      LoginReason.offline,
    );
  }
  return denied ?? target;
}
