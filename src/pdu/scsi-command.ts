// The SCSI Command PDU.
// The CDB in it is read by scsi/, its additional header segments by session/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** SCSI Command, RFC 7143 §11.3. */
export const ScsiCommand = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // F, R, W, ATTR
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  expectedDataTransferLength: u32(20),
  cmdSN: u32(24),
  expStatSN: u32(28),
  cdb: bytes(32, 16),
});

/** Flags, §11.3.1: the command expects data to flow to the initiator. */
export const READ_BIT = 0x40;
/** Flags, §11.3.1: the command expects data to flow to the target. */
export const WRITE_BIT = 0x20;
/** Flags, §11.3.1: the task attribute. */
export const ATTRIBUTE_MASK = 0x07;

/** Types of additional header segment, §11.2.2.1: byte 2 of the segment, behind its 16-bit length. */
export const AhsType = { EXTENDED_CDB: 1, BIDIRECTIONAL_READ_LENGTH: 2 } as const;
/** Bytes of an additional header segment before its specific part: length (2), type (1), and the first specific byte (1). */
export const AHS_HEADER_SIZE = 4;
