// The NOP-Out PDU: the initiator's ping, or its answer to ours.
// What is echoed is decided by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** NOP-Out, RFC 7143 §11.18. A reserved Initiator Task Tag wants no answer. */
export const NopOut = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  targetTransferTag: u32(20),
  cmdSN: u32(24),
  expStatSN: u32(28),
  reserved32: reserved(32, 16),
});
