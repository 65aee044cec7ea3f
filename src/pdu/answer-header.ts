// Writes the headers that answer commands: Data-In, R2T and SCSI Response have the same fields, or ones of the same kind, in the same places.
// What stands in them is session/'s to say, what the fields are called each PDU's own file's.

import { networkOrder } from '../base/network-order.ts';
import { ScsiResponse } from './scsi-response.ts';

// In words of four bytes.
const HEAD = ScsiResponse.opcode.offset >> 2;
const LENGTHS = ScsiResponse.totalAHSLength.offset >> 2;
const LUN = ScsiResponse.reserved8.offset >> 2;
const INITIATOR_TASK_TAG = ScsiResponse.initiatorTaskTag.offset >> 2;
const TAG = ScsiResponse.snackTag.offset >> 2;
const STAT_SN = ScsiResponse.statSN.offset >> 2;
const EXP_CMD_SN = ScsiResponse.expCmdSN.offset >> 2;
const MAX_CMD_SN = ScsiResponse.maxCmdSN.offset >> 2;
const NUMBER = ScsiResponse.expDataSN.offset >> 2;
const OFFSET = ScsiResponse.bidirectionalReadResidualCount.offset >> 2;
const COUNT = ScsiResponse.residualCount.offset >> 2;

/**
 * Writes all but the three sequence numbers, which are {@link writeStatSN}'s and {@link writeWindow}'s, into `words` (Slab.words) at offset `at`, a multiple of 4.
 *
 * `head`: the opcode, or'ed with the flags shifted by 8 and a status shifted by 24. `length`: bytes of data segment; there are no additional
 * headers. `lun`: the first four bytes of the LUN field, the others are 0 (scsi/lun.ts). `tag`: Target Transfer Tag or SNACK Tag. `number`:
 * DataSN, R2TSN or ExpDataSN. `offset`: Buffer Offset. `count`: Residual Count or Desired Data Transfer Length. Allocates nothing.
 *
 * Word stores, as in kernel/sqe.ts: after each store through a DataView V8 looks every object of the function up anew.
 */
export function writeAnswer(
  words: Int32Array,
  at: number,
  head: number,
  length: number,
  lun: number,
  initiatorTaskTag: number,
  tag: number,
  number: number,
  offset: number,
  count: number,
): void {
  const word = at >>> 2;
  words[word + HEAD] = head;
  words[word + LENGTHS] = networkOrder(length);
  words[word + LUN] = networkOrder(lun);
  words[word + LUN + 1] = 0;
  words[word + INITIATOR_TASK_TAG] = networkOrder(initiatorTaskTag);
  words[word + TAG] = networkOrder(tag);
  words[word + NUMBER] = networkOrder(number);
  words[word + OFFSET] = networkOrder(offset);
  words[word + COUNT] = networkOrder(count);
}

/** Writes StatSN where every PDU to the initiator has it. As {@link writeAnswer}. */
export function writeStatSN(words: Int32Array, at: number, statSN: number): void {
  words[(at >>> 2) + STAT_SN] = networkOrder(statSN);
}

/** Writes the window where every PDU to the initiator has it. As {@link writeAnswer}. */
export function writeWindow(words: Int32Array, at: number, expCmdSN: number, maxCmdSN: number): void {
  words[(at >>> 2) + EXP_CMD_SN] = networkOrder(expCmdSN);
  words[(at >>> 2) + MAX_CMD_SN] = networkOrder(maxCmdSN);
}
