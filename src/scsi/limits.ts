// How much one command may ask of a unit: what the block limits page promises is what the commands hold to.
// All in logical blocks unless the name says otherwise.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import type { LogicalUnit } from './logical-unit.ts';

/** Files, page caches and disks work in pages of this many bytes: what initiators should align to. */
export const PHYSICAL_BLOCK_BYTES = 4096;

/** A READ or WRITE carries at most what a 32-bit Expected Data Transfer Length can say (RFC 7143 §11.3.4). */
export function transferBlocksMax(unit: LogicalUnit): number {
  return Math.floor(0xffff_ffff / unit.blockSize);
}

/**
 * Bytes that one command may clear or fill. A memory unit does it inside the call, and everyone else on the worker waits: 64 MiB
 * take about 16 ms. A file's takes as long as it takes, in the kernel.
 */
function clearBytesMax(unit: LogicalUnit): number {
  return unit.backend.kind === 'memory' ? 64 * 2 ** 20 : 4 * 2 ** 30;
}

/** WRITE SAME's number of blocks. */
export function writeSameBlocksMax(unit: LogicalUnit): number {
  return Math.floor(clearBytesMax(unit) / unit.blockSize);
}

/** Blocks of all descriptors of one UNMAP. */
export function unmapBlocksMax(unit: LogicalUnit): number {
  return Math.min(2 ** 20, writeSameBlocksMax(unit));
}

/** Descriptors of one UNMAP: as many as a 16-bit PARAMETER LIST LENGTH has room for behind the header. */
export const UNMAP_DESCRIPTORS_MAX = 4095;

/** COMPARE AND WRITE's number of blocks: both halves of its data arrive in one slot, and the CDB has one byte for it. */
export function compareBlocksMax(unit: LogicalUnit): number {
  return Math.min(255, Math.floor(SLOT_BYTES_MAX / 2 / unit.blockSize));
}
