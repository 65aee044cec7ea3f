// What stands between a command and the medium: which blocks, is there a medium, may it be written, do the blocks exist.
// Each check fails the task and returns false; a command asks when it runs, because the answers change.

import { blockCdb } from './cdb.ts';
import { notReadySense } from './condition.ts';
import { TRANSFER_BYTES_MAX } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { AdditionalSense, fail, failField, failWith, SenseKey } from './sense.ts';
import type { Task } from './task.ts';

/** Takes LBA and length out of a block command's CDB; the bytes that they come to. Allocates nothing. */
export function decodeBlocks(task: Task): number {
  const { cdb, unit } = task;
  const { lba, transferLength } = blockCdb(cdb);
  task.lba = lba.get(cdb, 0);
  task.blockCount = transferLength.get(cdb, 0);
  return unit === null ? 0 : task.blockCount * unit.blockSize;
}

/** Whether the unit can be used at all. Allocates nothing. */
export function checkReady(task: Task, unit: LogicalUnit): boolean {
  return unit.ready || failWith(task, notReadySense(unit));
}

/** Whether there is a medium, whatever is being done to it. */
export function checkLoaded(task: Task, unit: LogicalUnit): boolean {
  return unit.state.loaded || fail(task, SenseKey.NOT_READY, AdditionalSense.MEDIUM_NOT_PRESENT);
}

/** Whether the unit takes writes, whether or not it can be used. Allocates nothing. */
export function checkUnprotected(task: Task, unit: LogicalUnit): boolean {
  return !unit.readOnly || fail(task, SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
}

/** Whether the unit can be used, and takes writes. Allocates nothing. */
export function checkWritable(task: Task, unit: LogicalUnit): boolean {
  return checkReady(task, unit) && checkUnprotected(task, unit);
}

/**
 * Whether `count` blocks from `lba` on exist. A count of 0 moves nothing and is no error, but its LBA must exist even so
 * (SBC-4: an LBA beyond the last one is out of range). Allocates nothing.
 */
export function checkRange(task: Task, unit: LogicalUnit, lba: number, count: number): boolean {
  if (lba < unit.blockCount && lba + count <= unit.blockCount) return true;
  return fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
}

/** Whether the task's blocks exist, and are no more than one command may move (SBC-3, block limits page). Allocates nothing. */
export function checkTransfer(task: Task, unit: LogicalUnit): boolean {
  if (!checkRange(task, unit, task.lba, task.blockCount)) return false;
  const fits = task.blockCount * unit.blockSize <= TRANSFER_BYTES_MAX;
  return fits || failField(task, blockCdb(task.cdb).transferLength.offset);
}

/**
 * Whether exactly the data came that the CDB asks for. For commands that act on all of it or on nothing: more or less is a mistake
 * about the block size, and what would follow is not what was meant. Allocates nothing.
 */
export function checkData(task: Task): boolean {
  const exact = task.dataLength === task.transferLength && task.expectedDataTransferLength === task.transferLength;
  return exact || failAmount(task);
}

/** The data that come are not those that the CDB asks for. Allocates nothing. */
export function failAmount(task: Task): false {
  return fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
}
