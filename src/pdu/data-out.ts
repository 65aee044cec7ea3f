// The SCSI Data-Out PDU.
// Sequences, offsets and R2Ts are kept in order by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** SCSI Data-Out, RFC 7143 §11.7. */
export const DataOut = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  targetTransferTag: u32(20),
  reserved24: reserved(24, 4),
  expStatSN: u32(28),
  reserved32: reserved(32, 4),
  dataSN: u32(36),
  bufferOffset: u32(40),
  reserved44: reserved(44, 4),
});
