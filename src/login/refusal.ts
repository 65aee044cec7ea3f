// A refusal that explains itself: what a rule found wrong (a fault), and the record made of it for log, admin interface and metrics.
// What the codes mean in general is pdu/login-status.ts; the bytes on the wire are response.ts.

import { oneLine } from '../base/one-line.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { describeLoginStatus, formatLoginStatus, LoginStatus } from '../pdu/login-status.ts';
import type { LoginEndpoint } from './policy.ts';

/** What one rule found wrong with a login. */
export interface LoginFault {
  readonly code: LoginStatus;
  /** The rule that fired, as a sentence that holds for every login. */
  readonly rule: string;
  /** What came. Never a secret, nor anything computed from one. */
  readonly received: string;
  readonly expected: string;
  /** Which of the reasons that the code may have; left out: any of them. */
  readonly reason?: LoginReason | undefined;
  /** 0101, 0102: where to go. */
  readonly targetAddress?: string;
  /** 0300: what failed. */
  readonly cause?: unknown;
}

/** All about one refused login. Plain data but for `cause`. */
export interface Refusal {
  readonly code: LoginStatus;
  /** The code as people write it: `0203`. */
  readonly status: string;
  readonly name: string;
  readonly rule: string;
  readonly received: string;
  readonly expected: string;
  readonly causes: readonly string[];
  readonly fixes: readonly string[];
  /** Sections of RFC 7143. */
  readonly sections: readonly string[];
  readonly peerAddress: string;
  readonly localAddress: string;
  /** As far as it was given. */
  readonly initiatorName: string | null;
  readonly targetName: string | null;
  readonly correlationId: string;
  readonly cause?: unknown;
}

/** Who is refused. */
export interface RefusedParty {
  readonly endpoint: LoginEndpoint;
  readonly initiatorName: string | null;
  readonly targetName: string | null;
}

/** A fault. The arguments in the order in which people ask. */
export function fault(
  code: LoginStatus,
  rule: string,
  received: string,
  expected: string,
  reason?: LoginReason,
): LoginFault {
  return { code, rule, received, expected, reason };
}

/** A {@link fault} that no other code tells more of: 0200. A defect, unless there is another reason. */
export function wrong(
  rule: string,
  received: string,
  expected: string,
  reason: LoginReason = LoginReason.defect,
): LoginFault {
  return fault(LoginStatus.INITIATOR_ERROR, rule, received, expected, reason);
}

/** Whether a rule found something wrong. */
export function isFault(value: object): value is LoginFault {
  return 'rule' in value;
}

const TEXT_CHARACTERS_MAX = 300;

/** What a peer sent, fit for a log: one line, and not without end. */
function printable(text: string): string {
  const line = oneLine(text);
  return line.length > TEXT_CHARACTERS_MAX ? `${line.slice(0, TEXT_CHARACTERS_MAX)}...` : line;
}

/** The record of a refused login. */
export function refusalOf(found: LoginFault, party: RefusedParty): Refusal {
  const entry = describeLoginStatus(found.code);
  const { name, sections } = entry;
  const { causes, fixes } = found.reason ?? entry;
  const { code, rule } = found;
  const received = printable(found.received);
  // What is expected may be what the peer said before.
  const expected = printable(found.expected);
  const { peerAddress, localAddress, correlationId } = party.endpoint;
  const initiatorName = party.initiatorName === null ? null : printable(party.initiatorName);
  const targetName = party.targetName === null ? null : printable(party.targetName);
  const status = formatLoginStatus(code);
  const record = { code, status, name, rule, received, expected, causes, fixes, sections };
  const refusal = { ...record, peerAddress, localAddress, initiatorName, targetName, correlationId };
  return found.cause === undefined ? refusal : { ...refusal, cause: found.cause };
}
