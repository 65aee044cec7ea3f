// WRITE ATOMIC(16) (SBC-4): whoever reads meanwhile sees all of the data or nothing of them. Units that can do it say so (VPD page B0h).
// How is the backend's business; the unit's turn keeps such writes apart from each other.

import { CdbFlags, WriteAtomicCdb } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import { atomicBlocksMax, atomicBlocksMin } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkData, checkRange, checkWritable } from './medium.ts';
import { failField, failWrite } from './sense.ts';
import type { Task } from './task.ts';

function* writeAtomically(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  const piece = services.takePiece(task, task.dataLength);
  if (piece === null) return;
  services.bytes.copyWithin(piece.at, task.at, task.at + task.dataLength);
  if (!services.lock(task)) yield;
  piece.offset = task.lba * unit.blockSize;
  piece.durable = task.durable;
  piece.atomic = true;
  services.write(piece, unit);
  const errno = yield;
  if (errno !== 0) failWrite(task, errno, task.lba);
}

export const writeAtomic16: ColdCommand = {
  ...LIST,
  name: 'WRITE ATOMIC(16)',
  decode: (task) => {
    const { cdb, unit } = task;
    const flags = WriteAtomicCdb.flags.get(cdb, 0);
    task.lba = WriteAtomicCdb.lba.get(cdb, 0);
    task.blockCount = WriteAtomicCdb.transferLength.get(cdb, 0);
    task.durable = (flags & CdbFlags.FUA) !== 0;
    if ((flags & CdbFlags.PROTECT) !== 0) failField(task, 1);
    // MAXIMUM ATOMIC BOUNDARY SIZE is 0: the data are never to be written in several atomic steps.
    else if (WriteAtomicCdb.atomicBoundary.get(cdb, 0) !== 0) failField(task, WriteAtomicCdb.atomicBoundary.offset);
    if (unit === null) return 0;
    const { transferLength } = WriteAtomicCdb;
    const whole = task.blockCount % atomicBlocksMin(unit) === 0;
    if (!whole || task.blockCount > atomicBlocksMax(unit)) failField(task, transferLength.offset);
    return task.blockCount * unit.blockSize;
  },
  run: (task, unit, services) => {
    if (!checkWritable(task, unit) || !checkRange(task, unit, task.lba, task.blockCount)) return;
    if (task.lba % atomicBlocksMin(unit) !== 0) failField(task, WriteAtomicCdb.lba.offset);
    else if (task.blockCount !== 0 && checkData(task)) return writeAtomically(task, unit, services);
    return;
  },
};
