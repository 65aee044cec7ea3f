// VERIFY(10), (12) and (16) (SBC-4): blocks can be read, and hold the data that came with the command if any came.
// A list of data is compared whole, so it is as long as one slot at most.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { Cdb10, Cdb12, Cdb16, CdbFlags, OperationCode } from './cdb.ts';
import type { ColdCommand, CommandServices } from './cold-command.ts';
import { firstDifference } from './compare.ts';
import { checkData, checkRange, checkReady } from './medium.ts';
import { AdditionalSense, fail, failErrno, failField, SenseKey, setBusy } from './sense.ts';
import { Movement, type Task } from './task.ts';

/** BYTCHK, bits 2-1 of byte 1: what the blocks are compared with. */
const ByteCheck = { nothing: 0b00, data: 0b01, reserved: 0b10, oneBlock: 0b11 } as const;

function byteCheckOf(cdb: DataView): number {
  return (cdb.getUint8(1) >>> 1) & 0b11;
}

/** The layout that the operation code says. */
function layoutOf(cdb: DataView): typeof Cdb10 | typeof Cdb12 | typeof Cdb16 {
  const opcode = cdb.getUint8(0);
  if (opcode === OperationCode.VERIFY_16) return Cdb16;
  return opcode === OperationCode.VERIFY_12 ? Cdb12 : Cdb10;
}

function length(task: Task): number {
  const { cdb } = task;
  const byteCheck = byteCheckOf(cdb);
  const { transferLength } = layoutOf(cdb);
  const count = transferLength.get(cdb, 0);
  if ((cdb.getUint8(1) & CdbFlags.PROTECT) !== 0 || byteCheck === ByteCheck.reserved) failField(task, 1);
  if (byteCheck === ByteCheck.nothing || task.unit === null) return 0;
  const blocks = byteCheck === ByteCheck.data ? count : Math.min(count, 1);
  const bytes = blocks * task.unit.blockSize;
  if (bytes > SLOT_BYTES_MAX) failField(task, transferLength.offset);
  return bytes;
}

function* verify(task: Task, services: CommandServices): Generator<void, void, number> {
  const unit = task.unit!;
  const { cdb } = task;
  const fields = layoutOf(cdb);
  const byteCheck = byteCheckOf(cdb);
  const lba = fields.lba.get(cdb, 0);
  const count = fields.transferLength.get(cdb, 0);
  if (!checkReady(task, unit) || !checkRange(task, unit, lba, count)) return;
  if (byteCheck !== ByteCheck.nothing && !checkData(task)) return;
  // Memory can always be read.
  if (count === 0 || (byteCheck === ByteCheck.nothing && unit.backend.immediate)) return;
  const total = count * unit.blockSize;
  const piece = services.takePiece(task, Math.min(SLOT_BYTES_MAX, total));
  if (piece === null) {
    setBusy(task);
    return;
  }
  const start = lba * unit.blockSize;
  for (let done = 0; done < total; done += piece.length) {
    piece.offset = start + done;
    piece.length = Math.min(piece.length, total - done);
    services.read(piece, unit);
    const errno = yield;
    if (errno !== 0) {
      failErrno(task, errno, Math.floor(piece.offset / unit.blockSize), false);
      return;
    }
    const same =
      byteCheck === ByteCheck.nothing ||
      (byteCheck === ByteCheck.data
        ? firstDifference(services.bytes, piece.at, task.at + done, piece.length) < 0
        : allAlike(services.bytes, piece.at, piece.length, task.at, unit.blockSize));
    if (!same) {
      fail(task, SenseKey.MISCOMPARE, AdditionalSense.MISCOMPARE_DURING_VERIFY_OPERATION);
      return;
    }
  }
}

/** Whether every block of `length` bytes at `at` is like the one at `block`. */
function allAlike(bytes: Uint8Array, at: number, length: number, block: number, blockSize: number): boolean {
  for (let offset = 0; offset < length; offset += blockSize) {
    if (firstDifference(bytes, at + offset, block, blockSize) >= 0) return false;
  }
  return true;
}

/** Without data (BYTCHK 00b). */
export const verifyMedium: ColdCommand = {
  name: 'VERIFY',
  movement: Movement.none,
  anyLun: false,
  beforeAttention: false,
  length,
  run: verify,
};

/** With data to compare. */
export const verifyData: ColdCommand = { ...verifyMedium, movement: Movement.listOut };

/** The VERIFY that this CDB asks for. */
export function verifyFor(cdb: DataView): ColdCommand {
  return byteCheckOf(cdb) === ByteCheck.nothing ? verifyMedium : verifyData;
}
