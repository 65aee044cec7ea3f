// The Login Response PDU.
// Its status codes are the table in login-status.ts.

import { bytes, layout, reserved, u8, u16, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Login Response, RFC 7143 §11.13. */
export const LoginResponse = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // T, C, CSG, NSG
  versionMax: u8(2),
  versionActive: u8(3),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  isid: bytes(8, 6),
  tsih: u16(14),
  initiatorTaskTag: u32(16),
  reserved20: reserved(20, 4),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  statusClass: u8(36),
  statusDetail: u8(37),
  reserved38: reserved(38, 10),
});
