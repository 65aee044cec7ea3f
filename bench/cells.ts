// What is measured: one access pattern, at one depth, over so many sessions, seen by one instrument, is a cell.
// Which of them are worth the time is cell-sets.ts; who is measured is peers.ts, how is measure.ts.

import { KIB, MIB } from '../src/config/limits.ts';

export const PATTERNS = ['read', 'write', 'rw', 'randread', 'randwrite', 'randrw'] as const;
/** In fio's words; `rw` and `randrw` are 70 % reads. */
export type Pattern = (typeof PATTERNS)[number];

export const INSTRUMENTS = ['fio', 'iscsi-perf', 'qemu-img', 'raw', 'raw-data-digest'] as const;
export type InstrumentName = (typeof INSTRUMENTS)[number];

export interface Cell {
  readonly name: string;
  readonly instrument: InstrumentName;
  readonly pattern: Pattern;
  /** Bytes. */
  readonly blockSize: number;
  /** Outstanding I/Os of each session. */
  readonly depth: number;
  readonly sessions: number;
}

/** 4096 is `4k`, as fio writes it. */
export function sizeName(bytes: number): string {
  return bytes % MIB === 0 ? `${bytes / MIB}m` : `${bytes / KIB}k`;
}

/** A cell, under the name that `--cells` finds: `randread-4k-qd32`, `randread-4k-qd32-s4`, `randread-4k-qd32@raw`. */
export function cell(
  pattern: Pattern,
  blockSize: number,
  depth: number,
  sessions = 1,
  instrument: InstrumentName = 'fio',
): Cell {
  const several = sessions === 1 ? '' : `-s${sessions}`;
  const eyes = instrument === 'fio' ? '' : `@${instrument}`;
  const name = `${pattern}-${sizeName(blockSize)}-qd${depth}${several}${eyes}`;
  return { name, instrument, pattern, blockSize, depth, sessions };
}

/** Whether a cell's data flows to the target, some of it at least. */
export function writes({ pattern }: Cell): boolean {
  return pattern.endsWith('write') || pattern.endsWith('rw');
}

/** Whether it goes both ways. */
export function mixed({ pattern }: Cell): boolean {
  return pattern.endsWith('rw');
}
