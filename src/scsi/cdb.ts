// Command descriptor blocks: operation codes, and where the fields stand that most block commands share (SPC-5, SBC-4).
// What a value means, and whether it is allowed, is for each command to say.

import { layout, reserved, u8, u16, u24, u32, u64 } from '../base/layout.ts';

/** Operation codes, in numerical order, under their standard's names. */
export const OperationCode = {
  TEST_UNIT_READY: 0x00,
  REQUEST_SENSE: 0x03,
  FORMAT_UNIT: 0x04,
  READ_6: 0x08,
  WRITE_6: 0x0a,
  INQUIRY: 0x12,
  MODE_SELECT_6: 0x15,
  RESERVE_6: 0x16,
  RELEASE_6: 0x17,
  MODE_SENSE_6: 0x1a,
  START_STOP_UNIT: 0x1b,
  RECEIVE_DIAGNOSTIC_RESULTS: 0x1c,
  SEND_DIAGNOSTIC: 0x1d,
  PREVENT_ALLOW_MEDIUM_REMOVAL: 0x1e,
  READ_CAPACITY_10: 0x25,
  READ_10: 0x28,
  WRITE_10: 0x2a,
  WRITE_AND_VERIFY_10: 0x2e,
  VERIFY_10: 0x2f,
  PRE_FETCH_10: 0x34,
  SYNCHRONIZE_CACHE_10: 0x35,
  READ_DEFECT_DATA_10: 0x37,
  WRITE_BUFFER: 0x3b,
  READ_BUFFER_10: 0x3c,
  WRITE_SAME_10: 0x41,
  UNMAP: 0x42,
  SANITIZE: 0x48,
  LOG_SELECT: 0x4c,
  LOG_SENSE: 0x4d,
  MODE_SELECT_10: 0x55,
  RESERVE_10: 0x56,
  RELEASE_10: 0x57,
  MODE_SENSE_10: 0x5a,
  PERSISTENT_RESERVE_IN: 0x5e,
  PERSISTENT_RESERVE_OUT: 0x5f,
  VARIABLE_LENGTH: 0x7f,
  THIRD_PARTY_COPY_OUT: 0x83,
  THIRD_PARTY_COPY_IN: 0x84,
  READ_16: 0x88,
  COMPARE_AND_WRITE: 0x89,
  WRITE_16: 0x8a,
  ORWRITE_16: 0x8b,
  WRITE_AND_VERIFY_16: 0x8e,
  VERIFY_16: 0x8f,
  PRE_FETCH_16: 0x90,
  SYNCHRONIZE_CACHE_16: 0x91,
  WRITE_SAME_16: 0x93,
  WRITE_ATOMIC_16: 0x9c,
  SERVICE_ACTION_IN_16: 0x9e,
  REPORT_LUNS: 0xa0,
  MAINTENANCE_IN: 0xa3,
  MAINTENANCE_OUT: 0xa4,
  READ_12: 0xa8,
  WRITE_12: 0xaa,
  WRITE_AND_VERIFY_12: 0xae,
  VERIFY_12: 0xaf,
  READ_DEFECT_DATA_12: 0xb7,
} as const;
export type OperationCode = (typeof OperationCode)[keyof typeof OperationCode];

/** READ(6) and WRITE(6). The LBA is 21 bits wide: mask with {@link LBA_6_MASK}. A length of 0 means {@link BLOCKS_6_MAX} blocks. */
export const Cdb6 = layout(6, {
  opcode: u8(0),
  lba: u24(1),
  transferLength: u8(4),
  control: u8(5),
});
export const LBA_6_MASK = 0x1f_ffff;
export const BLOCKS_6_MAX = 256;

// TRANSFER LENGTH is ALLOCATION LENGTH or PARAMETER LIST LENGTH in commands that count bytes: mostly where it is (SPC-5, typical CDBs).

/** READ(10), WRITE(10) and the commands shaped like them. */
export const Cdb10 = layout(10, {
  opcode: u8(0),
  flags: u8(1),
  lba: u32(2),
  groupNumber: u8(6),
  transferLength: u16(7),
  control: u8(9),
});

/** READ(12), WRITE(12) and the commands shaped like them. */
export const Cdb12 = layout(12, {
  opcode: u8(0),
  flags: u8(1),
  lba: u32(2),
  transferLength: u32(6),
  groupNumber: u8(10),
  control: u8(11),
});

/** READ(16), WRITE(16) and the commands shaped like them. */
export const Cdb16 = layout(16, {
  opcode: u8(0),
  flags: u8(1),
  lba: u64(2),
  transferLength: u32(10),
  groupNumber: u8(14),
  control: u8(15),
});

/** READ(32), WRITE(32) and the block commands shaped like them. The tags are of protection information, which there is none of. */
export const Cdb32 = layout(32, {
  opcode: u8(0),
  control: u8(1),
  reserved2: reserved(2, 4),
  groupNumber: u8(6),
  additionalLength: u8(7),
  serviceAction: u16(8),
  flags: u8(10),
  reserved11: reserved(11, 1),
  lba: u64(12),
  initialReferenceTag: u32(20),
  applicationTag: u16(24),
  applicationTagMask: u16(26),
  transferLength: u32(28),
});
/** ADDITIONAL CDB LENGTH of all of them. */
export const CDB_32_ADDITIONAL_LENGTH = 32 - 8;

/** INQUIRY, SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS. */
export const InquiryCdb = layout(6, {
  opcode: u8(0),
  flags: u8(1),
  pageCode: u8(2),
  length: u16(3),
  control: u8(5),
});

/** Service actions of variable length CDBs. SBC-4 has the first five for all units, with or without protection information. */
export const VariableLength = {
  READ_32: 0x0009,
  VERIFY_32: 0x000a,
  WRITE_32: 0x000b,
  WRITE_AND_VERIFY_32: 0x000c,
  WRITE_SAME_32: 0x000d,
  GET_LBA_STATUS_32: 0x0012,
} as const;

/** The layout of a block command of 10, 12, 16 or 32 bytes, which its group code tells apart. */
export function blockCdb(cdb: DataView): typeof Cdb10 | typeof Cdb12 | typeof Cdb16 | typeof Cdb32 {
  const opcode = cdb.getUint8(0);
  if (opcode === OperationCode.VARIABLE_LENGTH) return Cdb32;
  switch (cdbLength(opcode)) {
    case 16:
      return Cdb16;
    case 12:
      return Cdb12;
    default:
      return Cdb10;
  }
}

/** The byte that holds a block command's {@link CdbFlags}. Allocates nothing. */
export function flagsAt(cdb: DataView): number {
  return cdb.getUint8(0) === OperationCode.VARIABLE_LENGTH ? Cdb32.flags.offset : Cdb16.flags.offset;
}

/** A block command's {@link CdbFlags}. Allocates nothing. */
export function flagsOf(cdb: DataView): number {
  return cdb.getUint8(flagsAt(cdb));
}

/** COMPARE AND WRITE: {@link Cdb16} with a length of one byte. */
export const CompareAndWriteCdb = layout(16, {
  opcode: u8(0),
  flags: u8(1),
  lba: u64(2),
  reserved10: reserved(10, 3),
  transferLength: u8(13),
  groupNumber: u8(14),
  control: u8(15),
});

/** WRITE ATOMIC(16): {@link Cdb16} with a length of two bytes behind the boundary. */
export const WriteAtomicCdb = layout(16, {
  opcode: u8(0),
  flags: u8(1),
  lba: u64(2),
  atomicBoundary: u16(10),
  transferLength: u16(12),
  groupNumber: u8(14),
  control: u8(15),
});

/** BYTCHK, bits 2-1 of the flags of VERIFY and WRITE AND VERIFY: what the blocks are compared with. */
export const ByteCheck = { nothing: 0b00, data: 0b01, reserved: 0b10, oneBlock: 0b11 } as const;

/** See {@link ByteCheck}. */
export function byteCheckOf(cdb: DataView): number {
  return (flagsOf(cdb) >>> 1) & 0b11;
}

/** Bits of the flags of block commands of 10 bytes and more. */
export const CdbFlags = {
  /** RDPROTECT, WRPROTECT, VRPROTECT, ORPROTECT: must be 0 on a unit without protection information. */
  PROTECT: 0xe0,
  /** Disable page out: advice on cache retention. */
  DPO: 0x10,
  /** Force unit access. */
  FUA: 0x08,
} as const;

/** SERVICE ACTION, bits 4-0 of byte 1 of the CDBs that have one. */
export const SERVICE_ACTION_MASK = 0x1f;

/** See {@link SERVICE_ACTION_MASK}. */
export function serviceActionOf(cdb: DataView): number {
  return cdb.getUint8(1) & SERVICE_ACTION_MASK;
}

/** Service actions of SANITIZE. */
export const SanitizeAction = {
  OVERWRITE: 0x01,
  BLOCK_ERASE: 0x02,
  CRYPTOGRAPHIC_ERASE: 0x03,
  EXIT_FAILURE_MODE: 0x1f,
} as const;

/** Service actions of THIRD-PARTY COPY OUT and IN: EXTENDED COPY and its results. */
export const ThirdPartyCopyOut = { EXTENDED_COPY_LID1: 0x00, EXTENDED_COPY_LID4: 0x01 } as const;
export const ThirdPartyCopyIn = {
  RECEIVE_COPY_STATUS_LID1: 0x00,
  RECEIVE_COPY_OPERATING_PARAMETERS: 0x03,
  RECEIVE_COPY_FAILURE_DETAILS: 0x04,
  RECEIVE_COPY_STATUS_LID4: 0x05,
} as const;

/** Service actions of SERVICE ACTION IN(16). */
export const ServiceActionIn16 = { READ_CAPACITY_16: 0x10, GET_LBA_STATUS: 0x12 } as const;

/** Service actions of MAINTENANCE IN. */
export const MaintenanceIn = {
  REPORT_TARGET_PORT_GROUPS: 0x0a,
  REPORT_SUPPORTED_OPERATION_CODES: 0x0c,
  REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS: 0x0d,
  REPORT_TIMESTAMP: 0x0f,
} as const;

/** Service actions of MAINTENANCE OUT. */
export const MaintenanceOut = { SET_TARGET_PORT_GROUPS: 0x0a, SET_TIMESTAMP: 0x0f } as const;

/** Normal ACA, in the CONTROL byte. */
export const NACA = 0x04;

/** Where the CONTROL byte is; -1 for CDBs that nobody knows the length of. Allocates nothing. */
export function controlAt(opcode: number): number {
  return opcode === OperationCode.VARIABLE_LENGTH ? Cdb32.control.offset : cdbLength(opcode) - 1;
}

/** Bytes of a CDB by the group code in its operation code (SPC-5); 0 for groups without a fixed length. Allocates nothing. */
function cdbLength(opcode: number): number {
  switch (opcode >>> 5) {
    case 0:
      return 6;
    case 1:
    case 2:
      return 10;
    case 4:
      return 16;
    case 5:
      return 12;
    default:
      return 0;
  }
}
