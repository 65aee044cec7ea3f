// The basic header segment: the 48 bytes that open every PDU, and what all PDUs have in common in them.
// The fields that differ from PDU to PDU are in one file each.

import { bytes, layout, u8, u24, u32 } from '../base/layout.ts';

/** Bytes of a basic header segment. */
export const BHS_SIZE = 48;
/** Bytes of a header or data digest. */
export const DIGEST_SIZE = 4;
/** Initiator or Target Task Tag that names no task, §11.2.1.8. */
export const RESERVED_TAG = 0xffffffff;

/** What every basic header segment has, RFC 7143 §11.2.1. */
export const Bhs = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  specific2: bytes(2, 2),
  totalAHSLength: u8(4), // in words of four bytes
  dataSegmentLength: u24(5), // in bytes, without padding
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  specific20: bytes(20, 28),
});

/** `length` rounded up to whole words of four bytes: segments are padded on the wire, §11.1. Allocates nothing. */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
