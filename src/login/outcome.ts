// What comes of a login PDU: bytes to send, an end, or a grant.
// Sending, closing and handing over is control/.

import type { ConnectionParameters, SessionParameters } from '../pdu/parameters.ts';
import type { Claim, Entry } from './identity.ts';
import type { LoginEndpoint, LoginTarget } from './policy.ts';
import type { LoginFault, Refusal } from './refusal.ts';

/** A refusal and the bytes that tell the initiator. */
export interface Refused {
  readonly kind: 'refuse';
  readonly refusal: Refusal;
  readonly bytes: Uint8Array;
}

/** What to do next. */
export type Outcome =
  /** Send, and wait for the next request. */
  | { readonly kind: 'reply'; readonly bytes: Uint8Array }
  /** Send, then close. */
  | Refused
  /** Close without a word. */
  | { readonly kind: 'close'; readonly reason: string }
  /** All is agreed. Nothing is sent yet. */
  | { readonly kind: 'complete'; readonly grant: Grant };

/**
 * A login that is complete but for its last response. Whoever takes the connection over reserves what it needs, and only then sends
 * {@link Grant.finalResponse}; when that fails, {@link Grant.refuse} says so in its place.
 */
export interface Grant {
  readonly endpoint: LoginEndpoint;
  /** Names, ISID, session type, the TSIH and CID that the initiator gave. */
  readonly claim: Claim;
  /** Judged with the last request. */
  readonly entry: Entry;
  /** On one line, without control characters; '' when it gave none. */
  readonly initiatorAlias: string;
  /** Null: a discovery session. */
  readonly target: LoginTarget | null;
  /** The CHAP account that was proven; null: none was asked for. */
  readonly account: string | null;
  /** The CmdSN that the session's next command has. Of a joined session, its worker knows better. */
  readonly expCmdSN: number;
  /** The StatSN that follows the final response's. */
  readonly statSN: number;
  /** ExpStatSN of the first request: when the login restarts a connection, which statuses of that one have come (§11.12.9). */
  readonly expStatSN: number;
  readonly session: SessionParameters;
  readonly connection: ConnectionParameters;
  /** The final Login Response: `tsih` is the session's, `commandWindow` how many commands may follow at once. */
  finalResponse(tsih: number, commandWindow: number): Uint8Array;
  /** The response in its place when the connection could not be taken over. */
  refuse(fault: LoginFault): Refused;
}
