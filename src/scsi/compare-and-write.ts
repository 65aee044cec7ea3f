// COMPARE AND WRITE (SBC-4): writes blocks if they hold what the initiator thinks they hold; what cluster file systems lock with.
// The unit's turn makes the two steps one.

import { CdbFlags, CompareAndWriteCdb } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import { firstDifference } from './compare.ts';
import { compareBlocksMax } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkRange, checkWritable } from './medium.ts';
import { AdditionalSense, fail, failField, failRead, failWrite, SenseKey } from './sense.ts';
import type { Task } from './task.ts';

/** The list is the data to compare with and then the data to write, each as long as the blocks. */
function* compareAndWrite(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  const length = task.blockCount * unit.blockSize;
  const piece = services.takePiece(task, length);
  if (piece === null) return;
  if (!services.lock(task)) yield;
  piece.offset = task.lba * unit.blockSize;
  services.read(piece, unit);
  const readErrno = yield;
  if (readErrno !== 0) {
    failRead(task, readErrno, task.lba);
    return;
  }
  const difference = firstDifference(services.bytes, piece.at, task.at, length);
  if (difference >= 0) {
    // INFORMATION is where in the data the first difference is.
    fail(task, SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY_OPERATION, difference);
    return;
  }
  services.bytes.copyWithin(piece.at, task.at + length, task.at + 2 * length);
  piece.durable = task.durable;
  services.write(piece, unit);
  const writeErrno = yield;
  if (writeErrno !== 0) failWrite(task, writeErrno, task.lba);
}

export const compareAndWriteCommand: ColdCommand = {
  ...LIST,
  name: 'COMPARE AND WRITE',
  decode: (task) => {
    const { cdb, unit } = task;
    const flags = CompareAndWriteCdb.flags.get(cdb, 0);
    task.lba = CompareAndWriteCdb.lba.get(cdb, 0);
    task.blockCount = CompareAndWriteCdb.transferLength.get(cdb, 0);
    task.durable = (flags & CdbFlags.FUA) !== 0;
    if ((flags & CdbFlags.PROTECT) !== 0) failField(task, 1);
    if (unit === null) return 0;
    if (task.blockCount > compareBlocksMax(unit)) failField(task, CompareAndWriteCdb.transferLength.offset);
    return 2 * task.blockCount * unit.blockSize;
  },
  run: (task, unit, services) => {
    if (!checkWritable(task, unit) || !checkRange(task, unit, task.lba, task.blockCount)) return;
    // Both halves, whole: with any other amount, the number of blocks is not the one that was meant.
    if (task.expectedDataTransferLength !== task.transferLength || task.dataLength !== task.transferLength) {
      failField(task, CompareAndWriteCdb.transferLength.offset);
      return;
    }
    return task.blockCount === 0 ? undefined : compareAndWrite(task, unit, services);
  },
};
