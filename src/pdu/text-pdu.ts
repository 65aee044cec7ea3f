// The Text Request and Text Response PDUs.
// The key=value pairs they carry are read by text.ts.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Text Request, RFC 7143 §11.10. */
export const TextRequest = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // F, C
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

/** Text Response, RFC 7143 §11.11. */
export const TextResponse = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // F, C
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

/** Flags of Text and Login PDUs, §11.10.2 and §11.12.2: the text goes on in the next PDU of the same sender. */
export const CONTINUE_BIT = 0x40;
