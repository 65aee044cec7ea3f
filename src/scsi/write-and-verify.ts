// WRITE AND VERIFY(10), (12), (16) and (32) (SBC-4): a WRITE that is on stable storage, and has been read back, when it ends.
// What it compares with is what verify.ts compares with.

import { ByteCheck, byteCheckOf, CdbFlags, flagsAt, flagsOf } from './cdb.ts';
import { type ColdCommand, type CommandServices, STREAM, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkTransfer, checkWritable, decodeBlocks } from './medium.ts';
import { failField, failWrite } from './sense.ts';
import { type Piece, Status, type Task } from './task.ts';
import { compareWithMedium } from './verify.ts';

/** Memory is what was written to it; a file is read again, and compared, whether BYTCHK asks for that or just for reading. */
function* writeAndCompare(task: Task, unit: LogicalUnit, data: Piece, services: CommandServices): Steps {
  services.write(data, unit);
  const errno = yield;
  if (errno !== 0) failWrite(task, errno, data.offset / unit.blockSize);
  if (task.status === Status.GOOD && !unit.backend.immediate) yield* compareWithMedium(task, unit, data, services);
}

export const writeAndVerify: ColdCommand = {
  ...STREAM,
  name: 'WRITE AND VERIFY',
  decode: (task) => {
    const { cdb } = task;
    task.durable = true;
    if ((flagsOf(cdb) & CdbFlags.PROTECT) !== 0 || byteCheckOf(cdb) > ByteCheck.data) failField(task, flagsAt(cdb));
    return decodeBlocks(task);
  },
  run: (task, unit) => {
    if (checkWritable(task, unit)) checkTransfer(task, unit);
  },
  piece: writeAndCompare,
  stores: true,
};
