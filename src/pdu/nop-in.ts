// The NOP-In PDU: our answer to the initiator's ping, or our own.
// When the target pings is decided by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** NOP-In, RFC 7143 §11.19. With a reserved Initiator Task Tag it carries the next StatSN without using it up. */
export const NopIn = layout(BHS_SIZE, {
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
  reserved36: reserved(36, 12),
});
