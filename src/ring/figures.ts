// What is counted of units and sessions, in memory that all threads share: one block of numbers each, written with plain stores by one
// worker. Main reads them without a message. Naming them for people is admin/'s business.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';

/** Latencies are counted by powers of two of a microsecond: below 1, 2, 4, … µs, and the rest, from half a second on. */
export const LATENCY_BUCKETS = 20;

const LAST_BUCKET_MICROS = 2 ** (LATENCY_BUCKETS - 2);

/** Figures of a unit on one worker, or of a session, by index in its block. Totals, but for the ones called current. */
export const Figure = {
  reads: 0,
  writes: 1,
  /** Commands that are neither. */
  others: 2,
  /** Bytes that READs returned, and WRITEs stored. */
  bytesRead: 3,
  bytesWritten: 4,
  /** Commands that ended with a status other than GOOD. */
  errors: 5,
  /** Current: commands accepted and not yet answered. */
  inFlight: 6,
  /** Microseconds from command to status, of all READs and of all WRITEs. */
  readMicros: 7,
  writeMicros: 8,
  /** Microseconds that commands waited before they started: for their turn, for memory, for limits. */
  queueMicros: 9,
  /** Operations of the storage below, and the microseconds that they took. */
  deviceOperations: 10,
  deviceMicros: 11,
  /** R2Ts that were sent. */
  readyToTransfers: 12,
  /** First of the {@link LATENCY_BUCKETS} of READs, and of WRITEs. */
  readLatency: 16,
  writeLatency: 16 + LATENCY_BUCKETS,
} as const;
export type Figure = (typeof Figure)[keyof typeof Figure];

/** Numbers in a block: whole cache lines of 8, so that no two writers share one. */
export const FIGURES_PER_BLOCK = 56;

/** Counts a latency in a block: the sum, and the bucket. Allocates nothing. */
export function countLatency(block: Float64Array, sum: Figure, buckets: Figure, micros: number): void {
  block[sum]! += micros;
  const bucket = micros < 1 ? 0 : 32 - Math.clz32(Math.min(micros, LAST_BUCKET_MICROS));
  block[buckets + bucket]!++;
}

/** A block in nobody's table, for what is counted for nobody. */
export function privateFigures(): Float64Array {
  return new Float64Array(FIGURES_PER_BLOCK);
}

/** A table of blocks: `slots` of them for each of `writers`. Main makes it and hands slots out; workers attach with its `memory`. */
export class Figures {
  readonly memory: SharedArrayBuffer;
  readonly slots: number;
  readonly writers: number;
  #free: FreeList | null = null;

  constructor(memory: SharedArrayBuffer, slots: number) {
    this.memory = memory;
    this.slots = slots;
    this.writers = memory.byteLength / (slots * FIGURES_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT);
  }

  static create(writers: number, slots: number): Figures {
    const bytes = writers * slots * FIGURES_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT;
    return new Figures(new SharedArrayBuffer(bytes), slots);
  }

  /** A slot whose blocks are all zeroes, or {@link NONE}: what has none is not counted. */
  open(): number {
    this.#free ??= new FreeList(this.slots);
    const slot = this.#free.take();
    for (let writer = 0; slot !== NONE && writer < this.writers; writer++) this.block(writer, slot).fill(0);
    return slot;
  }

  /** Nobody writes to the slot's blocks any more. */
  close(slot: number): void {
    if (slot !== NONE) this.#free!.release(slot);
  }

  /** A writer's own block. */
  block(writer: number, slot: number): Float64Array {
    assert(slot >= 0 && slot < this.slots && writer < this.writers, 'figures: there is no such block');
    const bytes = FIGURES_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT;
    return new Float64Array(this.memory, (writer * this.slots + slot) * bytes, FIGURES_PER_BLOCK);
  }

  /** The sum of all writers' blocks of a slot. */
  total(slot: number): Float64Array {
    const sum = privateFigures();
    for (let writer = 0; slot !== NONE && writer < this.writers; writer++) {
      for (const [index, value] of this.block(writer, slot).entries()) sum[index]! += value;
    }
    return sum;
  }
}

/** Units that are counted, and sessions; more are served, and are not. */
export const UNIT_FIGURES_MAX = 1024;
export const SESSION_FIGURES_MAX = 4096;
