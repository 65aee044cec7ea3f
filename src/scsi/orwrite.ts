// ORWRITE(16) (SBC-4): sets the bits that are set in the data, in blocks that others may be changing too.
// The unit's turn keeps it apart from its like; each piece is a turn of its own.

import { CdbFlags } from './cdb.ts';
import { type ColdCommand, type CommandServices, STREAM, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkTransfer, checkWritable, decodeBlocks } from './medium.ts';
import { failField, failRead, failWrite } from './sense.ts';
import type { Piece, Task } from './task.ts';

/** ORs `length` bytes at `from` into those at `to`. */
function or(bytes: Uint8Array, to: number, from: number, length: number): void {
  for (let offset = 0; offset < length; offset++) bytes[to + offset]! |= bytes[from + offset]!;
}

function* orIntoMedium(task: Task, unit: LogicalUnit, data: Piece, services: CommandServices): Steps {
  const piece = services.takePiece(task, data.length);
  if (piece === null) return;
  if (!services.lock(task)) yield;
  piece.offset = data.offset;
  services.read(piece, unit);
  let errno = yield;
  if (errno === 0) {
    or(services.bytes, data.at, piece.at, data.length);
    services.write(data, unit);
    errno = yield;
    if (errno !== 0) failWrite(task, errno, data.offset / unit.blockSize);
  } else {
    failRead(task, errno, data.offset / unit.blockSize);
  }
  services.unlock(task);
  services.freePiece(piece);
}

export const orwrite16: ColdCommand = {
  ...STREAM,
  name: 'ORWRITE(16)',
  decode: (task) => {
    const flags = task.cdb.getUint8(1);
    task.durable = (flags & CdbFlags.FUA) !== 0;
    if ((flags & CdbFlags.PROTECT) !== 0) failField(task, 1);
    return decodeBlocks(task);
  },
  run: (task, unit) => {
    if (checkWritable(task, unit)) checkTransfer(task, unit);
  },
  piece: orIntoMedium,
  stores: true,
};
