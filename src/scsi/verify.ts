// VERIFY(10), (12), (16) and (32) (SBC-4): blocks can be read, and hold the data that came with the command if any came.
// WRITE AND VERIFY, which brings the data to the medium first, is write-and-verify.ts's.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { ByteCheck, byteCheckOf, CdbFlags, flagsAt, flagsOf } from './cdb.ts';
import {
  type ColdCommand,
  type CommandServices,
  LIST,
  NO_DATA,
  pauseInTurn,
  STREAM,
  type Steps,
} from './cold-command.ts';
import { firstDifference } from './compare.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkData, checkReady, checkTransfer, decodeBlocks, failAmount } from './medium.ts';
import { AdditionalSense, fail, failField, failRead, SenseKey } from './sense.ts';
import type { Piece, Task } from './task.ts';

/** Which blocks, and whether the flags are any we know; the bytes of all of them. */
function decodeVerify(task: Task): number {
  const { cdb } = task;
  if ((flagsOf(cdb) & CdbFlags.PROTECT) !== 0 || byteCheckOf(cdb) === ByteCheck.reserved) failField(task, flagsAt(cdb));
  return decodeBlocks(task);
}

function checkBlocks(task: Task, unit: LogicalUnit): boolean {
  return checkReady(task, unit) && checkTransfer(task, unit);
}

/** Ends a task whose blocks are not what they should be. */
function failMiscompare(task: Task): void {
  fail(task, SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY_OPERATION);
}

/** Reads the task's blocks, and asks `accept` about each piece of them. */
function* readBlocks(
  task: Task,
  unit: LogicalUnit,
  services: CommandServices,
  accept: (piece: Piece) => boolean,
): Steps {
  const total = task.blockCount * unit.blockSize;
  const piece = total === 0 ? null : services.keepPiece(task, Math.min(SLOT_BYTES_MAX, total));
  if (piece === null) return;
  const start = task.lba * unit.blockSize;
  for (let done = 0; done < total; done += piece.length) {
    piece.offset = start + done;
    piece.length = Math.min(piece.length, total - done);
    services.read(piece, unit);
    const errno = yield;
    if (errno !== 0) {
      failRead(task, errno, Math.floor(piece.offset / unit.blockSize));
      return;
    }
    if (!accept(piece)) {
      failMiscompare(task);
      return;
    }
    if (unit.backend.immediate) yield* pauseInTurn(piece, unit, services, done + piece.length);
  }
}

/** BYTCHK 00b: that the blocks can be read is all that is asked. Memory always can. */
const verifyMedium: ColdCommand = {
  ...NO_DATA,
  name: 'VERIFY',
  decode: (task) => {
    decodeVerify(task);
    return 0;
  },
  run: (task, unit, services) => {
    const read = checkBlocks(task, unit) && !unit.backend.immediate;
    return read ? readBlocks(task, unit, services, () => true) : undefined;
  },
};

/** BYTCHK 01b: data for every block, compared piece by piece as it comes. GOOD says that all of them were, so that none may be missing. */
const verifyData: ColdCommand = {
  ...STREAM,
  name: 'VERIFY',
  decode: decodeVerify,
  run: (task, unit) => {
    if (checkBlocks(task, unit) && task.expectedDataTransferLength < task.transferLength) failAmount(task);
  },
  piece: compareWithMedium,
};

/** Reads where `data` is for and compares. */
export function* compareWithMedium(task: Task, unit: LogicalUnit, data: Piece, services: CommandServices): Steps {
  const piece = services.takePiece(task, data.length);
  if (piece === null) return;
  piece.offset = data.offset;
  services.read(piece, unit);
  const errno = yield;
  if (errno !== 0) failRead(task, errno, data.offset / unit.blockSize);
  else if (firstDifference(services.bytes, piece.at, data.at, data.length) >= 0) failMiscompare(task);
  services.freePiece(piece);
}

/** BYTCHK 11b: one block of data, which every block is compared with. */
const verifyOneBlock: ColdCommand = {
  ...LIST,
  name: 'VERIFY',
  decode: (task) => Math.min(decodeVerify(task), task.unit?.blockSize ?? 0),
  run: (task, unit, services) => {
    if (!checkBlocks(task, unit) || !checkData(task)) return;
    const { blockSize } = unit;
    const equal = (a: number, b: number, length: number): boolean => firstDifference(services.bytes, a, b, length) < 0;
    // The first block is the one that came, and each other is as the one before it.
    return readBlocks(
      task,
      unit,
      services,
      ({ at, length }) => equal(at, task.at, blockSize) && equal(at, at + blockSize, length - blockSize),
    );
  },
};

/** The VERIFY that this CDB asks for. */
export function verifyFor(cdb: DataView): ColdCommand {
  switch (byteCheckOf(cdb)) {
    case ByteCheck.data:
      return verifyData;
    case ByteCheck.oneBlock:
      return verifyOneBlock;
    default:
      return verifyMedium;
  }
}
