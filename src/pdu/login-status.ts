// The 18 login status codes (RFC 7143 §11.13.5) in one table: what each means, when it is sent, why, and what helps.
// The log, the admin interface, `lunaring explain` and docs/login-status.md all print from here; login/ decides which one is sent.

import { anyOf, LoginReason } from './login-reason.ts';

/** Status-Class and Status-Detail as one 16-bit number, as the response carries them. */
export const LoginStatus = {
  SUCCESS: 0x0000,
  TARGET_MOVED_TEMPORARILY: 0x0101,
  TARGET_MOVED_PERMANENTLY: 0x0102,
  INITIATOR_ERROR: 0x0200,
  AUTHENTICATION_FAILURE: 0x0201,
  AUTHORIZATION_FAILURE: 0x0202,
  TARGET_NOT_FOUND: 0x0203,
  TARGET_REMOVED: 0x0204,
  UNSUPPORTED_VERSION: 0x0205,
  TOO_MANY_CONNECTIONS: 0x0206,
  MISSING_PARAMETER: 0x0207,
  CANNOT_INCLUDE_IN_SESSION: 0x0208,
  SESSION_TYPE_NOT_SUPPORTED: 0x0209,
  SESSION_DOES_NOT_EXIST: 0x020a,
  INVALID_DURING_LOGIN: 0x020b,
  TARGET_ERROR: 0x0300,
  SERVICE_UNAVAILABLE: 0x0301,
  OUT_OF_RESOURCES: 0x0302,
} as const;
export type LoginStatus = (typeof LoginStatus)[keyof typeof LoginStatus];

/** What there is to know about a code. */
export interface LoginStatusEntry {
  readonly code: LoginStatus;
  /** For metrics, JSON and searching: one word. */
  readonly name: string;
  readonly meaning: string;
  /** The rule by which this target sends it. */
  readonly when: string;
  readonly causes: readonly string[];
  readonly fixes: readonly string[];
  /** Sections of RFC 7143, the most telling first. */
  readonly sections: readonly string[];
}

/** Every code, in numerical order. */
export const LOGIN_STATUS: readonly LoginStatusEntry[] = [
  {
    code: LoginStatus.SUCCESS,
    name: 'Success',
    meaning: 'The step is accepted. Login is over when the response also has T=1 and NSG=3.',
    when: 'Every accepted step. The final one leaves only after a worker has taken the connection over.',
    causes: ['The request is fine.'],
    fixes: ['Nothing to do.'],
    sections: ['11.13.5', '6.3'],
  },
  {
    code: LoginStatus.TARGET_MOVED_TEMPORARILY,
    name: 'TargetMovedTemporarily',
    meaning: 'The target is served elsewhere for now; the TargetAddress in the response says where.',
    when: 'The target has a `redirect` that is not permanent: before security for a redirect of the target, after it for one of this initiator. Never to the portal in use.',
    causes: ['The target has `redirect` set.', 'An operator moved this initiator to another portal.'],
    fixes: [
      'Let the initiator follow the redirect; most do by themselves.',
      'Check that the address in `redirect` is reachable from the initiator.',
      'Remove `redirect` when the target is back.',
    ],
    sections: ['11.13.5', '13.8'],
  },
  {
    code: LoginStatus.TARGET_MOVED_PERMANENTLY,
    name: 'TargetMovedPermanently',
    meaning: 'The target is served elsewhere for good; the TargetAddress in the response says where.',
    when: 'As TargetMovedTemporarily, with `permanent: true`.',
    causes: ['The target has `redirect` set, with `permanent: true`.'],
    fixes: ['Change the address in the configuration of the initiator.', 'Discover targets again at the new address.'],
    sections: ['11.13.5', '13.8'],
  },
  {
    code: LoginStatus.INITIATOR_ERROR,
    name: 'InitiatorError',
    meaning: 'The request breaks a rule of the protocol for which there is no code of its own.',
    when: 'A malformed or forbidden header, text or value: stage bits, fields that change during login, keys given twice or in the wrong stage, values out of range, illegal names, too many or too long requests.',
    ...anyOf(LoginReason.defect, LoginReason.digests, LoginReason.initiatorName, LoginReason.targetName),
    sections: ['11.13.5', '11.12', '6.1', '6.2'],
  },
  {
    code: LoginStatus.AUTHENTICATION_FAILURE,
    name: 'AuthenticationFailure',
    meaning: 'The initiator did not prove who it is.',
    when: 'CHAP is required and was not offered, was skipped or failed; no common method or algorithm; the initiator asks for a proof that the target has no secret for; a reflected challenge. An unknown user and a wrong secret look the same.',
    ...anyOf(
      LoginReason.secret,
      LoginReason.chapWanted,
      LoginReason.chapUnknown,
      LoginReason.mutual,
      LoginReason.algorithms,
    ),
    sections: ['11.13.5', '12.1.3', '9.2.1'],
  },
  {
    code: LoginStatus.AUTHORIZATION_FAILURE,
    name: 'AuthorizationFailure',
    meaning: 'The initiator may not use this target.',
    when: "The initiator's name or network is not on the target's list, or its valid account is another target's, and `acl.denial` is `reveal`.",
    ...anyOf(LoginReason.initiators, LoginReason.networks, LoginReason.account),
    sections: ['11.13.5'],
  },
  {
    code: LoginStatus.TARGET_NOT_FOUND,
    name: 'TargetNotFound',
    meaning: 'There is no target of this name at this portal.',
    when: 'The name, compared without regard to case, is not served by the portal group; or the initiator may not use the target and `acl.denial` is `hide`.',
    causes: [
      'A typing error in the target name.',
      'The target is served by another portal group.',
      'The target hides itself from initiators that are not on its list.',
    ],
    fixes: [
      'Discover the targets of this portal and compare the names.',
      'Check `portalGroups` of the target and `tag` of the portal.',
      'Check `acl` of the target.',
    ],
    sections: ['11.13.5', '4.2.7'],
  },
  {
    code: LoginStatus.TARGET_REMOVED,
    name: 'TargetRemoved',
    meaning: 'The target was served here and has been deleted on purpose.',
    when: 'The target was deleted while this process ran, and not so long ago that it is forgotten.',
    causes: ['An operator deleted the target.'],
    fixes: ['Remove the target from the configuration of the initiator.', 'Create the target again.'],
    sections: ['11.13.5'],
  },
  {
    code: LoginStatus.UNSUPPORTED_VERSION,
    name: 'UnsupportedVersion',
    meaning: 'The initiator does not speak version 0x00 of the protocol, the only one there is.',
    when: 'Version-min is above 0x00. Judged before any text is read.',
    causes: ['An initiator of a draft or of a future version.', 'Something that is no initiator.'],
    fixes: ['Update the initiator.'],
    sections: ['11.13.5', '11.12.4'],
  },
  {
    code: LoginStatus.TOO_MANY_CONNECTIONS,
    name: 'TooManyConnections',
    meaning: 'One more connection would be more than the target or the session allows.',
    when: '`connectionLimit` of the target is reached, or the session has as many connections as MaxConnections was negotiated to.',
    ...anyOf(LoginReason.connectionLimit, LoginReason.maxConnections),
    sections: ['11.13.5', '13.2'],
  },
  {
    code: LoginStatus.MISSING_PARAMETER,
    name: 'MissingParameter',
    meaning: 'The initiator left a key out that this step needs.',
    when: 'The first request without InitiatorName; a Normal session without TargetName; a CHAP step without its keys. SessionType may be absent.',
    causes: ['A defect in the initiator.', 'No target name is configured there.'],
    fixes: ['Set the initiator name and the target name in the initiator.'],
    sections: ['11.13.5', '6.3.1', '12.1.3'],
  },
  {
    code: LoginStatus.CANNOT_INCLUDE_IN_SESSION,
    name: 'CannotIncludeInSession',
    meaning: 'The session exists, but this connection can not be part of it.',
    when: 'Initiator, ISID and TSIH name a session, which is of another portal group, or a discovery session.',
    causes: [
      'The initiator adds a connection through a portal of another group.',
      'The initiator adds a connection to a discovery session.',
    ],
    fixes: [
      'Add connections through portals with the same `tag`.',
      'Give portals that belong together the same `tag`.',
    ],
    sections: ['11.13.5', '13.9'],
  },
  {
    code: LoginStatus.SESSION_TYPE_NOT_SUPPORTED,
    name: 'SessionTypeNotSupported',
    meaning: 'The portal does not serve sessions of this type.',
    when: 'SessionType is neither Normal nor Discovery, or Discovery at a portal with `discovery: false`.',
    ...anyOf(LoginReason.discovery, LoginReason.defect),
    sections: ['11.13.5', '13.21'],
  },
  {
    code: LoginStatus.SESSION_DOES_NOT_EXIST,
    name: 'SessionDoesNotExist',
    meaning: 'The initiator wants to join a session that is not there.',
    when: 'TSIH is not 0, and there is no such session of this initiator, ISID and portal group.',
    causes: ['The session ended, or the target was started again.', 'A defect in the initiator.'],
    fixes: ['Log in with a new session (TSIH 0); initiators do this by themselves.'],
    sections: ['11.13.5', '6.3.1', '11.12.6'],
  },
  {
    code: LoginStatus.INVALID_DURING_LOGIN,
    name: 'InvalidDuringLogin',
    meaning: 'A PDU other than a Login Request came before login was over.',
    when: 'Login has begun and another PDU arrives. When the very first PDU is no Login Request, the connection is closed without an answer.',
    causes: ['A defect in the initiator.', 'Two programs write to one connection.'],
    fixes: ['Update the initiator.'],
    sections: ['11.13.5', '6.3'],
  },
  {
    code: LoginStatus.TARGET_ERROR,
    name: 'TargetError',
    meaning: 'The target itself has failed. The initiator may try again.',
    when: 'A fault of our own or of the machine: a backing file that can not be opened, an exception, a worker that died before it took the connection. Never for a mistake of the initiator.',
    causes: ['The backing file or device is gone.', 'A defect in the target.'],
    fixes: ['Find the correlation id of the refusal in the log; the cause stands there.', 'Run `lunaring check`.'],
    sections: ['11.13.5'],
  },
  {
    code: LoginStatus.SERVICE_UNAVAILABLE,
    name: 'ServiceUnavailable',
    meaning: 'The target is known, and not serving just now. The initiator may try again.',
    when: 'The target is `offline`, or the process is draining or shutting down. Never for an unknown name.',
    ...anyOf(LoginReason.offline, LoginReason.draining),
    sections: ['11.13.5'],
  },
  {
    code: LoginStatus.OUT_OF_RESOURCES,
    name: 'OutOfResources',
    meaning: 'Something the connection needs is used up. The initiator may try again.',
    when: 'Sessions (`sessionLimit`), pending logins, connections of the workers, file descriptors or I/O memory are used up.',
    ...anyOf(LoginReason.sessionLimit, LoginReason.memory, LoginReason.descriptors, LoginReason.logins),
    sections: ['11.13.5'],
  },
];

const byCode = new Map<number, LoginStatusEntry>(LOGIN_STATUS.map((entry) => [entry.code, entry]));

/** All about a code. */
export function describeLoginStatus(code: LoginStatus): LoginStatusEntry {
  return byCode.get(code)!;
}

/** The code as it is written everywhere: four hex digits, `020A`. */
export function formatLoginStatus(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}

/** The entry for `text`: a code in hex (`0203`, `0x203`) or a name in any case; undefined when there is none. */
export function findLoginStatus(text: string): LoginStatusEntry | undefined {
  const word = text.trim().toLowerCase();
  const hex = /^(?:0x)?([0-9a-f]{1,4})$/.exec(word)?.[1];
  const byName = LOGIN_STATUS.find((entry) => entry.name.toLowerCase() === word);
  return byName ?? (hex === undefined ? undefined : byCode.get(Number.parseInt(hex, 16)));
}
