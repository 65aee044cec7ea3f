// GET LBA STATUS (SBC-4): which blocks have space below, and which read as zeroes because they have none.
// Where a file has its space is for its file system to say, through the backend.

import { layout, reserved, u8, u32, u64 } from '../base/layout.ts';
import { Cdb16, Cdb32 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkRange, checkReady } from './medium.ts';
import { blank, reply } from './reply.ts';
import { failField } from './sense.ts';

const HEADER_BYTES = 8;

const Descriptor = layout(16, {
  lba: u64(0),
  blockCount: u32(8),
  provisioningStatus: u8(12),
  reserved13: reserved(13, 3),
});
const BLOCKS_MAX = 0xffff_ffff;

/** PROVISIONING STATUS. A hole may have space set aside for it (anchored), which nobody here can see. */
const Provisioning = { mapped: 0, deallocated: 1 } as const;

/** A file system is asked twice for each: so many take it less than a millisecond, and whoever wants more asks again from there. */
const DESCRIPTORS_MAX = 256;

/** Blocks of one kind. */
interface Extent {
  readonly lba: number;
  end: number;
  readonly allocated: boolean;
}

/** The stretch of whole blocks that begins at `lba`. A block is mapped if any byte of it has space. */
function extentAt(unit: LogicalUnit, lba: number): Extent {
  const { blockSize, blockCount, backend } = unit;
  if (!unit.snapshot.thin) return { lba, end: blockCount, allocated: true };
  const { allocated, end } = backend.allocationAt(lba * blockSize, blockCount * blockSize);
  if (allocated) return { lba, end: Math.ceil(end / blockSize), allocated };
  const wholeEnd = Math.floor(end / blockSize);
  return wholeEnd > lba ? { lba, end: wholeEnd, allocated } : { lba, end: lba + 1, allocated: true };
}

/** From `lba` on, at most `count`; neighbours differ in kind unless the first is as long as a descriptor can say. */
function extentsFrom(unit: LogicalUnit, lba: number, count: number): Extent[] {
  const extents: Extent[] = [];
  for (let at = lba; at < unit.blockCount; ) {
    const next = extentAt(unit, at);
    const last = extents.at(-1);
    if (last?.allocated === next.allocated && next.end - last.lba <= BLOCKS_MAX) {
      last.end = next.end;
    } else {
      if (extents.length === count) break;
      next.end = Math.min(next.end, at + BLOCKS_MAX);
      extents.push(next);
    }
    at = extents.at(-1)!.end;
  }
  return extents;
}

/** Where the two commands have their fields. */
interface Form {
  readonly name: string;
  readonly lba: { get(view: DataView, at: number): number };
  readonly allocationLengthAt: number;
  readonly reportTypeAt: number;
}

function command({ name, lba: lbaField, allocationLengthAt, reportTypeAt }: Form): ColdCommand {
  return {
    ...REPLY,
    name,
    decode: (task) => {
      // REPORT TYPE: all blocks, whatever their state; the other reports are not for everybody to support.
      if (task.cdb.getUint8(reportTypeAt) !== 0) failField(task, reportTypeAt);
      return task.cdb.getUint32(allocationLengthAt);
    },
    run: (task, unit, services) => {
      const lba = lbaField.get(task.cdb, 0);
      if (!checkReady(task, unit) || !checkRange(task, unit, lba, 1)) return;
      const room = Math.ceil((task.transferLength - HEADER_BYTES) / Descriptor.size);
      const extents = extentsFrom(unit, lba, Math.min(Math.max(room, 1), DESCRIPTORS_MAX));
      reply(task, services, descriptors(extents));
    },
  };
}

function descriptors(extents: readonly Extent[]): Uint8Array {
  const { bytes, view } = blank(HEADER_BYTES + extents.length * Descriptor.size);
  view.setUint32(0, bytes.length - 4);
  for (const [index, extent] of extents.entries()) {
    const at = HEADER_BYTES + index * Descriptor.size;
    Descriptor.lba.set(view, at, extent.lba);
    Descriptor.blockCount.set(view, at, extent.end - extent.lba);
    Descriptor.provisioningStatus.set(view, at, extent.allocated ? Provisioning.mapped : Provisioning.deallocated);
  }
  return bytes;
}

export const getLbaStatus16 = command({
  name: 'GET LBA STATUS(16)',
  lba: Cdb16.lba,
  allocationLengthAt: Cdb16.transferLength.offset,
  reportTypeAt: Cdb16.groupNumber.offset,
});

export const getLbaStatus32 = command({
  name: 'GET LBA STATUS(32)',
  lba: Cdb32.lba,
  allocationLengthAt: Cdb32.transferLength.offset,
  reportTypeAt: Cdb32.flags.offset,
});
