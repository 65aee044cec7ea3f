// The SNACK Request PDU.
// What can be sent again is decided by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** SNACK Request, RFC 7143 §11.16. */
export const SnackRequest = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // 1, type in the low four bits
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  targetTransferTag: u32(20), // the SNACK Tag for R-Data
  reserved24: reserved(24, 4),
  expStatSN: u32(28),
  reserved32: reserved(32, 8),
  begRun: u32(40),
  runLength: u32(44), // 0: all from begRun on
});

/** §11.16.1. */
export const SnackType = { DATA_OR_R2T: 0, STATUS: 1, DATA_ACK: 2, R_DATA: 3 } as const;
export type SnackType = (typeof SnackType)[keyof typeof SnackType];
