// The SCSI Data-In PDU.
// Which one carries the status, and how long they are, is decided by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** SCSI Data-In, RFC 7143 §11.7. StatSN, status and residual count have a meaning only with the S bit. */
export const DataIn = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // F, A, O, U, S
  reserved2: reserved(2, 1),
  status: u8(3),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  targetTransferTag: u32(20),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  dataSN: u32(36),
  bufferOffset: u32(40),
  residualCount: u32(44),
});

/** Flags, §11.7.2: the data so far is to be acknowledged; only at ErrorRecoveryLevel 1 and above. */
export const ACKNOWLEDGE_BIT = 0x40;
/** Flags, §11.7.3: the PDU carries the command's status; F must be set with it. O and U are the SCSI Response's. */
export const STATUS_BIT = 0x01;
