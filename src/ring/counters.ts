// Figures that every worker keeps and main reads: one block of numbers per worker.
// Written by their owner with plain stores, so they cost nothing; read without messages. Naming them for people is metrics/'s business.

import { assert } from '../base/assert.ts';
import { LATENCY_BUCKETS } from './figures.ts';

/** Numbers that task management functions have here; what is beyond is counted under 0. */
export const TASK_FUNCTIONS = 16;

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
  /** Connections that were lost because a header digest was wrong. */
  headerDigestErrors: 14,
  /** Reject PDUs. */
  rejects: 15,
  /** Current: the thread's id, as the kernel has it; 0: the worker has never run. */
  threadId: 16,
  /** Bytes of all slots and cells. */
  slabBytes: 17,
  /** Current, as of the last tick: connections that are not read, for want of memory, or because they do not take their answers. */
  stalledConnections: 18,
  throttledConnections: 19,
  /** SNACK Requests, by type: the first of four. */
  snacks: 20,
  /** PDUs that were sent again. */
  resent: 24,
  /** Task management functions, by number: the first of {@link TASK_FUNCTIONS}. */
  taskManagement: 25,
  /** Current: 1 while it looks for what comes next before it sleeps. */
  polling: 25 + TASK_FUNCTIONS,
  /** Microseconds of those sends that had to wait for room in the socket, and the first of their {@link LATENCY_BUCKETS}. */
  sendWaitMicros: 26 + TASK_FUNCTIONS,
  sendWaits: 27 + TASK_FUNCTIONS,
} as const;
export type Counter = keyof typeof Counter;

/** Numbers in a block: a multiple of a cache line's 8, so that no two workers write to one line. */
export const COUNTERS_PER_BLOCK = 64;

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
}
