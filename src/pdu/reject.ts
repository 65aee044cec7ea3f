// The Reject PDU and its reasons.
// Which fault earns which reason is in session/.

import { layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Reject, RFC 7143 §11.17. The header at fault is its data segment; the Initiator Task Tag is the reserved one. */
export const Reject = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  reason: u8(2),
  reserved3: reserved(3, 1),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  reserved8: reserved(8, 8),
  initiatorTaskTag: u32(16),
  reserved20: reserved(20, 4),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  dataSN: u32(36), // or R2TSN
  reserved40: reserved(40, 8),
});

/** §11.17.1. */
export const RejectReason = {
  DATA_DIGEST_ERROR: 0x02,
  SNACK_REJECT: 0x03,
  PROTOCOL_ERROR: 0x04,
  COMMAND_NOT_SUPPORTED: 0x05,
  TOO_MANY_IMMEDIATE_COMMANDS: 0x06,
  TASK_IN_PROGRESS: 0x07,
  INVALID_DATA_ACK: 0x08,
  INVALID_PDU_FIELD: 0x09,
  LONG_OPERATION_REJECT: 0x0a,
  NEGOTIATION_RESET: 0x0b,
  WAITING_FOR_LOGOUT: 0x0c,
} as const;
export type RejectReason = (typeof RejectReason)[keyof typeof RejectReason];
