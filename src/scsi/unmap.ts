// UNMAP (SBC-4): gives the space of block ranges back; they read as zeroes afterwards.
// How a range is cleared is the backend's; WRITE SAME with UNMAP is write-same.ts's.

import { layout, reserved, u16, u32, u64 } from '../base/layout.ts';
import { Cdb10 } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import { UNMAP_DESCRIPTORS_MAX, unmapBlocksMax } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkRange, checkWritable } from './medium.ts';
import { failField, failListLength, failParameter, failWrite } from './sense.ts';
import { Status, type Task } from './task.ts';

/** ANCHOR, byte 1 of the CDB: anchored blocks are not supported (ANC_SUP 0). */
const ANCHOR = 0x01;

const Header = layout(8, {
  dataLength: u16(0),
  blockDescriptorDataLength: u16(2),
  reserved4: reserved(4, 4),
});

const Descriptor = layout(16, {
  lba: u64(0),
  blockCount: u32(8),
  reserved12: reserved(12, 4),
});

/** How many descriptors the list has; -1 when it has been refused. */
function countDescriptors(task: Task, view: DataView): number {
  const truncated = task.dataLength < task.transferLength || task.dataLength < Header.size;
  const length = truncated ? 0 : Header.blockDescriptorDataLength.get(view, task.at);
  if (truncated || Header.size + length > task.dataLength) {
    failListLength(task);
    return -1;
  }
  // An incomplete last descriptor is ignored, as the standard has it.
  const count = Math.floor(length / Descriptor.size);
  if (count <= UNMAP_DESCRIPTORS_MAX) return count;
  failParameter(task, Header.blockDescriptorDataLength.offset);
  return -1;
}

/** Judges all descriptors before the first is acted on: a list that is wrong somewhere changes nothing. */
function checkDescriptors(task: Task, unit: LogicalUnit, view: DataView, count: number): boolean {
  let total = 0;
  for (let index = 0; index < count; index++) {
    const offset = Header.size + index * Descriptor.size;
    const lba = Descriptor.lba.get(view, task.at + offset);
    const blocks = Descriptor.blockCount.get(view, task.at + offset);
    // Nothing is unmapped where nothing is asked for, and it does not matter where that is.
    if (blocks !== 0 && !checkRange(task, unit, lba, blocks)) return false;
    total += blocks;
    if (total > unmapBlocksMax(unit)) return failParameter(task, offset + Descriptor.blockCount.offset);
  }
  return true;
}

function* unmapRanges(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  const { view } = services;
  if (!checkWritable(task, unit) || task.transferLength === 0) return;
  const count = countDescriptors(task, view);
  if (count < 0 || !checkDescriptors(task, unit, view, count)) return;
  const piece = services.barePiece(task);
  for (let index = 0; index < count && task.status === Status.GOOD; index++) {
    const at = task.at + Header.size + index * Descriptor.size;
    const lba = Descriptor.lba.get(view, at);
    const blocks = Descriptor.blockCount.get(view, at);
    if (blocks === 0) continue;
    piece.offset = lba * unit.blockSize;
    piece.length = blocks * unit.blockSize;
    services.clear(piece, unit, true);
    const errno = yield;
    if (errno !== 0) failWrite(task, errno, lba);
  }
}

/** Only for thin units: the others do not know the operation code. */
export const unmap: ColdCommand = {
  ...LIST,
  name: 'UNMAP',
  decode: (task) => {
    if ((task.cdb.getUint8(1) & ANCHOR) !== 0) failField(task, 1);
    return Cdb10.transferLength.get(task.cdb, 0);
  },
  run: unmapRanges,
};
