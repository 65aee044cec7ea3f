// The Ready To Transfer PDU.
// When one is sent, and for how much, is decided by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Ready To Transfer, RFC 7143 §11.8. It carries the next StatSN without using it up. */
export const R2T = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  targetTransferTag: u32(20),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  r2tSN: u32(36),
  bufferOffset: u32(40),
  desiredDataTransferLength: u32(44),
});
