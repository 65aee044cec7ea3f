// The Login Request PDU and the bits of its flags, which the Login Response shares.
// What may follow what is decided by login/.

import { bytes, layout, reserved, u8, u16, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Login Request, RFC 7143 §11.12. Always immediate. */
export const LoginRequest = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // T, C, CSG, NSG
  versionMax: u8(2),
  versionMin: u8(3),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  isid: bytes(8, 6),
  tsih: u16(14),
  initiatorTaskTag: u32(16),
  cid: u16(20),
  reserved22: reserved(22, 2),
  cmdSN: u32(24),
  expStatSN: u32(28),
  reserved32: reserved(32, 16),
});

/** Flags, §11.12.1: the sender is ready for the next stage. */
export const TRANSIT_BIT = 0x80;
/** Flags, §11.12.3: the current stage. */
export const CSG_SHIFT = 2;
export const CSG_MASK = 0x0c;
/** Flags, §11.12.3: the next stage; has a meaning only with T. */
export const NSG_MASK = 0x03;

/** §11.12.3. Stage 2 is reserved. */
export const Stage = { SECURITY: 0, OPERATIONAL: 1, RESERVED: 2, FULL_FEATURE: 3 } as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

/** The only version there is: 0x00, in RFC 3720 and RFC 7143 alike. */
export const ISCSI_VERSION = 0x00;
