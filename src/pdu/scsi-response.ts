// The SCSI Response PDU.
// Status and sense come from scsi/.

import { layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** SCSI Response, RFC 7143 §11.4. */
export const ScsiResponse = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // o, u, O, U
  response: u8(2),
  status: u8(3),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  reserved8: reserved(8, 8),
  initiatorTaskTag: u32(16),
  snackTag: u32(20),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  expDataSN: u32(36),
  bidirectionalReadResidualCount: u32(40),
  residualCount: u32(44),
});

/** Flags, §11.4.1: the residual count is data that was there and did not fit. */
export const OVERFLOW_BIT = 0x04;
/** Flags, §11.4.1: the residual count is data that was expected and did not come. */
export const UNDERFLOW_BIT = 0x02;

/** §11.4.3. */
export const Response = { COMPLETED: 0x00, TARGET_FAILURE: 0x01 } as const;

/** Bytes of SenseLength in front of the sense data, §11.4.7. */
export const SENSE_LENGTH_SIZE = 2;
