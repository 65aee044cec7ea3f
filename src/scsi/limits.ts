// How much one command may ask of a unit: what the block limits page promises is what the commands hold to.
// All in logical blocks unless the name says otherwise.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import type { LogicalUnit } from './logical-unit.ts';

/** Files, page caches and disks work in pages of this many bytes: what initiators should align to. */
export const PHYSICAL_BLOCK_BYTES = 4096;

/** Bytes of one command: what a 32-bit Expected Data Transfer Length, and a residual count, can say (RFC 7143 §11.3.4, §11.4.5). */
export const TRANSFER_BYTES_MAX = 0xffff_ffff;

/** MAXIMUM TRANSFER LENGTH, of READ, WRITE, VERIFY, WRITE AND VERIFY and ORWRITE. */
export function transferBlocksMax(unit: LogicalUnit): number {
  return Math.floor(TRANSFER_BYTES_MAX / unit.blockSize);
}

/** Bytes that one command may clear in a memory unit, which does it inside the call: everyone else on the worker waits about 16 ms. */
const MEMORY_CLEAR_BYTES_MAX = 64 * 2 ** 20;
/** Bytes of a file that one WRITE SAME may fill. A pattern has to be written out, and whoever aborts the command waits for the end of it. */
const FILL_BYTES_MAX = 256 * 2 ** 20;

/** Bytes that one operation may clear on a custom disk, which may have to write as many zeroes and has so long for it only. */
export const CUSTOM_CLEAR_BYTES_MAX = 16 * 2 ** 20;

/** Bytes of an immediate backend that are worked on before others have a turn: a millisecond. */
export const TURN_BYTES_MAX = 4 * 2 ** 20;

/** WRITE SAME's number of blocks. */
export function writeSameBlocksMax(unit: LogicalUnit): number {
  const { kind } = unit.backend;
  const clear = kind === 'custom' ? CUSTOM_CLEAR_BYTES_MAX : FILL_BYTES_MAX;
  const bytes = kind === 'memory' ? MEMORY_CLEAR_BYTES_MAX : clear;
  return Math.floor(bytes / unit.blockSize);
}

/** Blocks of all descriptors of one UNMAP. A file system gives any number of them back in one go. */
export function unmapBlocksMax(unit: LogicalUnit): number {
  const blocks = 2 ** 20;
  return unit.backend.kind === 'memory' ? Math.min(blocks, MEMORY_CLEAR_BYTES_MAX / unit.blockSize) : blocks;
}

/** Descriptors of one UNMAP: as many as a 16-bit PARAMETER LIST LENGTH has room for behind the header. */
export const UNMAP_DESCRIPTORS_MAX = 4095;

/** COMPARE AND WRITE's number of blocks: both halves of its data arrive in one slot, and the CDB has one byte for it. */
export function compareBlocksMax(unit: LogicalUnit): number {
  return Math.min(255, Math.floor(SLOT_BYTES_MAX / 2 / unit.blockSize));
}

/** WRITE ATOMIC(16): what one slot holds; 0 where there is none. */
export function atomicBlocksMax(unit: LogicalUnit): number {
  return unit.backend.atomic ? Math.floor(SLOT_BYTES_MAX / unit.blockSize) : 0;
}

/** WRITE ATOMIC(16): what its LBA and its number of blocks are multiples of; initiators that ask for it write whole pages. */
export function atomicBlocksMin(unit: LogicalUnit): number {
  return unit.backend.atomic ? Math.max(1, PHYSICAL_BLOCK_BYTES / unit.blockSize) : 0;
}

/** EXTENDED COPY: units that one list may name, and segments. Initiators use two, and a few. */
export const COPY_TARGETS_MAX = 8;
export const COPY_SEGMENTS_MAX = 64;
/** Bytes of both kinds of descriptors: 32 for a unit, 28 for a segment. */
export const COPY_LIST_BYTES_MAX = COPY_TARGETS_MAX * 32 + COPY_SEGMENTS_MAX * 28;
/** Copies at a time. */
export const CONCURRENT_COPIES = 255;

/** Bytes of one segment, whose number of blocks has two bytes. */
export function copySegmentBytesMax(unit: LogicalUnit): number {
  return 0xffff * unit.blockSize;
}
