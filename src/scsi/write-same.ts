// WRITE SAME(10), (16) and (32) (SBC-4): one block's data over a range. The longer ones may unmap it as well; why not (10) is said in vpd.ts.
// Zeroes are cleared by the backend's own means; anything else is written a slot at a time.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { blockCdb, CdbFlags, flagsAt, flagsOf } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import { writeSameBlocksMax } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkData, checkRange, checkWritable } from './medium.ts';
import { repeat } from './pattern.ts';
import { failField, failWrite } from './sense.ts';
import type { Piece, Task } from './task.ts';

/** Flags of the CDB. ANCHOR: anchored blocks are not supported (ANC_SUP 0). */
const ANCHOR = 0x10;
const UNMAP = 0x08;
/** PBDATA and LBDATA, obsolete: a block is written as it came. */
const PBDATA_LBDATA = 0x06;
/** WRITE SAME(16) and (32) only: no data comes, the blocks are zeroes. */
const NDOB = 0x01;

interface WriteSame {
  readonly lba: number;
  readonly count: number;
  readonly unmap: boolean;
  readonly mayUnmap: boolean;
  /** Zeroes without asking the data. */
  readonly zeroes: boolean;
  /** Where in the CDB the number of blocks stands. */
  readonly countField: number;
}

/** `long`: the CDB is of WRITE SAME(16) or (32). */
function decode(task: Task, unit: LogicalUnit, long: boolean): WriteSame {
  const { cdb } = task;
  const { lba, transferLength } = blockCdb(cdb);
  const flags = flagsOf(cdb);
  return {
    lba: lba.get(cdb, 0),
    count: transferLength.get(cdb, 0),
    unmap: (flags & UNMAP) !== 0,
    mayUnmap: long && unit.snapshot.thin,
    zeroes: long && (flags & NDOB) !== 0,
    countField: transferLength.offset,
  };
}

/** Whether the flags are any we know; the bytes of data: one block, unless the CDB says that none comes. */
function decodeFlags(task: Task, dataless: boolean): number {
  if ((flagsOf(task.cdb) & (CdbFlags.PROTECT | ANCHOR | PBDATA_LBDATA)) !== 0) failField(task, flagsAt(task.cdb));
  return dataless ? 0 : (task.unit?.blockSize ?? 0);
}

/** The number of blocks to write, 0 in the CDB meaning all that follow; -1 when the command has been refused. */
function blocksToWrite(task: Task, unit: LogicalUnit, request: WriteSame): number {
  if (!checkRange(task, unit, request.lba, request.count)) return -1;
  const count = request.count === 0 ? unit.blockCount - request.lba : request.count;
  if (count <= writeSameBlocksMax(unit)) return count;
  failField(task, request.countField);
  return -1;
}

function isZero(bytes: Uint8Array, at: number, size: number): boolean {
  for (let offset = 0; offset < size; offset++) if (bytes[at + offset] !== 0) return false;
  return true;
}

function* writeSame(task: Task, unit: LogicalUnit, services: CommandServices, request: WriteSame): Steps {
  if (!checkWritable(task, unit)) return;
  if (request.unmap && !request.mayUnmap) {
    failField(task, flagsAt(task.cdb));
    return;
  }
  const count = blocksToWrite(task, unit, request);
  if (count < 0) return;
  if (!request.zeroes && !checkData(task)) return;
  const bytes = count * unit.blockSize;
  // Blocks may be unmapped only where they then read as what was to be written: as zeroes.
  const zeroes = request.zeroes || isZero(services.bytes, task.at, unit.blockSize);
  const piece = zeroes ? services.barePiece(task) : services.keepPiece(task, Math.min(SLOT_BYTES_MAX, bytes));
  if (piece === null) return;
  piece.offset = request.lba * unit.blockSize;
  if (!zeroes) {
    yield* writePattern(task, unit, services, piece, bytes);
    return;
  }
  piece.length = bytes;
  services.clear(piece, unit, request.unmap);
  const errno = yield;
  if (errno !== 0) failWrite(task, errno, request.lba);
}

function* writePattern(task: Task, unit: LogicalUnit, services: CommandServices, piece: Piece, bytes: number): Steps {
  const end = piece.offset + bytes;
  repeat(services.bytes, task.at, unit.blockSize, piece.at, piece.length);
  while (piece.offset < end) {
    piece.length = Math.min(piece.length, end - piece.offset);
    services.write(piece, unit);
    const errno = yield;
    if (errno !== 0) {
      failWrite(task, errno, piece.offset / unit.blockSize);
      return;
    }
    piece.offset += piece.length;
  }
}

export const writeSame10: ColdCommand = {
  ...LIST,
  name: 'WRITE SAME(10)',
  decode: (task) => decodeFlags(task, false),
  run: (task, unit, services) => writeSame(task, unit, services, decode(task, unit, false)),
};

/** WRITE SAME(16) and (32). */
export const writeSameLong: ColdCommand = {
  ...LIST,
  name: 'WRITE SAME',
  decode: (task) => decodeFlags(task, (flagsOf(task.cdb) & NDOB) !== 0),
  run: (task, unit, services) => writeSame(task, unit, services, decode(task, unit, true)),
};
