// The states of a connection, from the hand-off to the engine's last word (RFC 7143 §8.1 names more of them; the others are login's).
// What leads from one to the next is connection.ts's.

/** How far a connection is. */
export const ConnectionState = {
  /** Full feature phase: any PDU but a login. */
  open: 'open',
  /** Its last answers are on their way, a Logout Response for one; nothing more is read. */
  leaving: 'leaving',
  /** Given up; waiting for the engine to let go. */
  closing: 'closing',
  /** The transport is gone; its tasks wait for another connection (ErrorRecoveryLevel 2). */
  lost: 'lost',
  closed: 'closed',
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];
