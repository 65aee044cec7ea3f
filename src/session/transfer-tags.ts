// How Target Transfer Tags are allotted (RFC 7143 §11.7.4): each kind has a range of its own, so that none is taken for one of another kind.
// Who hands them out, and takes them back, is said beside each.

import { assert } from '../base/assert.ts';
import { RESERVED_TAG } from '../pdu/bhs.ts';
import { PIECE_INDEX_BITS } from '../scsi/piece-pool.ts';

/** R2Ts (data-out.ts): the low bits name the piece; the high ones, from 1 on, tell one use of it from the next. */
export const R2T_PIECE_BITS = PIECE_INDEX_BITS;
export const R2T_PIECE_MASK = 2 ** R2T_PIECE_BITS - 1;
export const R2T_SERIALS = 2 ** (31 - R2T_PIECE_BITS);
/** Our pings (nop.ts). One is outstanding at a time. */
export const PING_TAG = 0x8000_0001;
/** A text exchange that goes on (text-request.ts). One is open at a time. */
export const EXCHANGE_TAG = 0x8000_0002;
/** Data-In that asks for an acknowledgement (sent-pdus.ts): this plus a serial number, from 1 on and below {@link ACK_SERIALS}. */
export const ACK_TAGS = 0xc000_0000;
export const ACK_SERIALS = 0x3fff_ffff;

/** The first and the last tag of each kind, ascending. */
const RANGES = [
  [2 ** R2T_PIECE_BITS, R2T_SERIALS * 2 ** R2T_PIECE_BITS - 1],
  [PING_TAG, PING_TAG],
  [EXCHANGE_TAG, EXCHANGE_TAG],
  [ACK_TAGS + 1, ACK_TAGS + ACK_SERIALS - 1],
  [RESERVED_TAG, RESERVED_TAG],
] as const;
for (const [index, [first]] of RANGES.entries()) {
  assert(index === 0 || first > RANGES[index - 1]![1], 'transfer tags: two kinds share some');
}
