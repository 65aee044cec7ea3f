// The Logout PDUs, request and response, with their codes.
// What a logout does to connections and sessions is in session/.

import { layout, reserved, u8, u16, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Logout Request, RFC 7143 §11.14. */
export const LogoutRequest = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // 1, reason
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  reserved8: reserved(8, 8),
  initiatorTaskTag: u32(16),
  cid: u16(20),
  reserved22: reserved(22, 2),
  cmdSN: u32(24),
  expStatSN: u32(28),
  reserved32: reserved(32, 16),
});

/** Logout Response, RFC 7143 §11.15. */
export const LogoutResponse = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  response: u8(2),
  reserved3: reserved(3, 1),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  reserved8: reserved(8, 8),
  initiatorTaskTag: u32(16),
  reserved20: reserved(20, 4),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  reserved36: reserved(36, 4),
  time2Wait: u16(40), // seconds
  time2Retain: u16(42), // seconds
  reserved44: reserved(44, 4),
});

/** Flags of the request: where the reason is. */
export const LOGOUT_REASON_MASK = 0x7f;

/** §11.14.1. */
export const LogoutReason = { CLOSE_SESSION: 0, CLOSE_CONNECTION: 1, REMOVE_FOR_RECOVERY: 2 } as const;
export type LogoutReason = (typeof LogoutReason)[keyof typeof LogoutReason];

/** §11.15.1. */
export const LogoutResult = { SUCCESS: 0, CID_NOT_FOUND: 1, RECOVERY_NOT_SUPPORTED: 2, CLEANUP_FAILED: 3 } as const;
export type LogoutResult = (typeof LogoutResult)[keyof typeof LogoutResult];
