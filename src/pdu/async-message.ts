// The Asynchronous Message PDU and its events.
// Who is told what is decided by session/ and control/.

import { bytes, layout, reserved, u8, u16, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Asynchronous Message, RFC 7143 §11.9. The Initiator Task Tag is the reserved one. */
export const AsyncMessage = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  reserved20: reserved(20, 4),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  asyncEvent: u8(36),
  asyncVCode: u8(37),
  parameter1: u16(38),
  parameter2: u16(40),
  parameter3: u16(42),
  reserved44: reserved(44, 4),
});

/** §11.9.1. */
export const AsyncEvent = {
  /** Sense data follows in the data segment. */
  SCSI_EVENT: 0,
  /** The initiator must log out within Parameter3 seconds. */
  LOGOUT_REQUEST: 1,
  /** The connection Parameter1 (a CID) is about to be dropped. */
  CONNECTION_DROP: 2,
  /** All connections of the session are about to be dropped. */
  SESSION_DROP: 3,
  /** The initiator must renegotiate parameters with Text Requests. */
  NEGOTIATION_REQUEST: 4,
  /** Every active task of the LUN is being terminated (FastAbort). */
  TASKS_TERMINATED: 5,
  VENDOR: 255,
} as const;
export type AsyncEvent = (typeof AsyncEvent)[keyof typeof AsyncEvent];
