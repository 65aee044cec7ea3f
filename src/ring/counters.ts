// Figures that every worker keeps and main reads: one block of numbers per worker.
// Written by their owner with plain stores, so they cost nothing; read without messages. Naming them for people is admin/'s business.

import { assert } from '../base/assert.ts';

/** The figures of a worker, by index in its block. Totals since the worker's first start, but for the ones called current. */
export const Counter = {
  /** Current. */
  connections: 0,
  /** Current. */
  sessions: 1,
  commands: 2,
  reads: 3,
  writes: 4,
  /** Bytes that READs returned. */
  bytesRead: 5,
  /** Bytes that WRITEs stored. */
  bytesWritten: 6,
  /** Commands that ended with a status other than GOOD. */
  errors: 7,
  tasksAborted: 8,
  /** Current: bytes of slots and cells that are handed out. */
  slabBytesInUse: 9,
  /** Gathered sends. */
  sends: 10,
  /** Chunks received. */
  receives: 11,
  /** Turns of the engine's loop. */
  turns: 12,
  /** PDUs whose data digest was wrong. */
  digestErrors: 13,
} as const;
export type Counter = keyof typeof Counter;

/** Numbers in a block: a multiple of a cache line's 8, so that no two workers write to one line. */
export const COUNTERS_PER_BLOCK = 16;

/** A worker's figures, outside shared memory: for an engine that nobody counts. */
export function privateCounters(): Float64Array {
  return new Float64Array(COUNTERS_PER_BLOCK);
}

/** The blocks of all workers, in shared memory. Main makes it; a worker attaches with the `memory` that it was given. */
export class Counters {
  readonly memory: SharedArrayBuffer;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
  }

  /** Blocks for `workers` workers. */
  static create(workers: number): Counters {
    return new Counters(new SharedArrayBuffer(workers * COUNTERS_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT));
  }

  /** A worker's own block: index it with {@link Counter}. */
  block(worker: number): Float64Array {
    const bytes = COUNTERS_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT;
    assert((worker + 1) * bytes <= this.memory.byteLength, 'counters: there is no such worker');
    return new Float64Array(this.memory, worker * bytes, COUNTERS_PER_BLOCK);
  }

  /** A worker's figures under their names. */
  read(worker: number): Record<Counter, number> {
    const block = this.block(worker);
    return Object.fromEntries(Object.entries(Counter).map(([name, index]) => [name, block[index]])) as Record<
      Counter,
      number
    >;
  }
}
