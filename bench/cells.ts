// What is measured: one access pattern at one depth is a cell.
// Who is measured is peers.ts, how is measure.ts.

import { KIB, MIB } from '../src/config/limits.ts';

export interface Cell {
  readonly name: string;
  readonly rw: 'read' | 'write' | 'randread' | 'randwrite';
  /** Bytes. */
  readonly blockSize: number;
  readonly depth: number;
}

const SEQUENTIAL_DEPTH = 8;

/** Small random I/O for the cost of a command, large sequential I/O for the cost of a byte. */
export const CELLS: readonly Cell[] = [
  { name: 'randread-4k-qd1', rw: 'randread', blockSize: 4 * KIB, depth: 1 },
  { name: 'randread-4k-qd32', rw: 'randread', blockSize: 4 * KIB, depth: 32 },
  { name: 'randwrite-4k-qd1', rw: 'randwrite', blockSize: 4 * KIB, depth: 1 },
  { name: 'randwrite-4k-qd32', rw: 'randwrite', blockSize: 4 * KIB, depth: 32 },
  { name: 'read-128k-qd8', rw: 'read', blockSize: 128 * KIB, depth: SEQUENTIAL_DEPTH },
  { name: 'write-128k-qd8', rw: 'write', blockSize: 128 * KIB, depth: SEQUENTIAL_DEPTH },
  { name: 'read-1m-qd8', rw: 'read', blockSize: MIB, depth: SEQUENTIAL_DEPTH },
  { name: 'write-1m-qd8', rw: 'write', blockSize: MIB, depth: SEQUENTIAL_DEPTH },
];

/** Whether a cell's data flows to the target. */
export function writes(cell: Cell): boolean {
  return cell.rw.endsWith('write');
}
