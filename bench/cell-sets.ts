// Which cells are measured: a set for each purpose, or every combination of the axes that were named.
// What a cell is, is cells.ts.

import { KIB, MIB } from '../src/config/limits.ts';
import { type Cell, cell, PATTERNS, type Pattern } from './cells.ts';

export const SETS = ['quick', 'default', 'full'] as const;
export type SetName = (typeof SETS)[number];

/** The axes of the matrix; one that is left out has all of its values in the whole matrix, the usual one elsewhere. */
export interface Axes {
  readonly patterns?: readonly Pattern[];
  /** Bytes. */
  readonly blocks?: readonly number[];
  readonly depths?: readonly number[];
  readonly sessions?: readonly number[];
}

const BLOCKS = [4 * KIB, 16 * KIB, 128 * KIB, MIB];
const DEPTHS = [1, 8, 32, 128];
const SESSIONS = [1, 2, 4];

/** Small random I/O for the cost of a command, large sequential I/O for the cost of a byte, and little else: is all well? */
const QUICK: readonly Cell[] = [
  cell('randread', 4 * KIB, 32),
  cell('randwrite', 4 * KIB, 32),
  cell('read', 128 * KIB, 8),
];

/** What changes its shape somewhere: a curve over depth, one over sessions, the sizes, and what other clients say of it. */
const DEFAULT: readonly Cell[] = [
  ...DEPTHS.map((depth) => cell('randread', 4 * KIB, depth)),
  cell('randread', 4 * KIB, 32, 2),
  cell('randread', 4 * KIB, 32, 4),
  cell('randwrite', 4 * KIB, 1),
  cell('randwrite', 4 * KIB, 32),
  cell('randrw', 4 * KIB, 32),
  cell('read', 128 * KIB, 8),
  cell('write', 128 * KIB, 8),
  cell('read', MIB, 8),
  cell('randread', 4 * KIB, 32, 1, 'iscsi-perf'),
  cell('read', 4 * KIB, 32, 1, 'qemu-img'),
  cell('randread', 4 * KIB, 32, 1, 'raw'),
  cell('randread', 4 * KIB, 32, 1, 'raw-data-digest'),
];

/** Every combination of `axes`, one name after the other. */
function product(axes: Required<Axes>): Cell[] {
  return axes.patterns.flatMap((pattern) =>
    axes.blocks.flatMap((block) =>
      axes.depths.flatMap((depth) => axes.sessions.map((sessions) => cell(pattern, block, depth, sessions))),
    ),
  );
}

/** The cells of a set; when any axis is named, the combinations of those instead. */
export function cellSet(set: SetName, axes: Axes): readonly Cell[] {
  if (set === 'full') {
    const whole = product({ patterns: PATTERNS, blocks: BLOCKS, depths: DEPTHS, sessions: SESSIONS, ...axes });
    return Object.keys(axes).length > 0
      ? whole
      : [...whole, ...DEFAULT.filter(({ instrument }) => instrument !== 'fio')];
  }
  if (Object.keys(axes).length > 0) {
    return product({ patterns: ['randread'], blocks: [4 * KIB], depths: [32], sessions: [1], ...axes });
  }
  return set === 'quick' ? QUICK : DEFAULT;
}
