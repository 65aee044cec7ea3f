// What is counted of units and sessions, in memory that all threads share: one block of numbers each, written with plain stores by one
// worker. Main reads them without a message. Naming them for people is metrics/'s business.

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
  /** Microseconds from a command's arrival to its start: it waited for its turn, or for limits. Of all commands that reached a unit. */
  queueMicros: 9,
  /** Microseconds that operations of the storage below took. */
  deviceMicros: 10,
  /** Microseconds that the initiator took from an R2T to the end of the burst that it asked for. */
  networkMicros: 11,
  /** R2Ts that were sent. */
  readyToTransfers: 12,
  /** Commands that ended with BUSY, RESERVATION CONFLICT or TASK SET FULL: what the errors without sense data are. */
  busy: 13,
  reservationConflicts: 14,
  taskSetFull: 15,
  /** First of the {@link LATENCY_BUCKETS} of READs, and of WRITEs; then of the stages, whose sums are above. */
  readLatency: 16,
  writeLatency: 16 + LATENCY_BUCKETS,
  queueLatency: 16 + 2 * LATENCY_BUCKETS,
  deviceLatency: 16 + 3 * LATENCY_BUCKETS,
  networkLatency: 16 + 4 * LATENCY_BUCKETS,
  /** First of the 16 sense keys: commands that ended with CHECK CONDITION and this one. */
  senseKeys: 16 + 5 * LATENCY_BUCKETS,
  /** Commands that the storage failed (MEDIUM ERROR, HARDWARE ERROR): what could not be read; what could not be written, cleared or synced. */
  readFailures: 32 + 5 * LATENCY_BUCKETS,
  writeFailures: 33 + 5 * LATENCY_BUCKETS,
} as const;
export type Figure = (typeof Figure)[keyof typeof Figure];

/** Numbers in a block: whole cache lines of 8, so that no two writers share one. */
export const FIGURES_PER_BLOCK = 136;

/** The bucket that a latency is counted in. Most take less than a turn of the engine, and so 0. Allocates nothing. */
export function latencyBucket(micros: number): number {
  return micros < 1 ? 0 : 32 - Math.clz32(Math.min(micros, LAST_BUCKET_MICROS));
}

/** Counts a latency in a block: the sum, and the bucket. Allocates nothing. */
export function countLatency(block: Float64Array, sum: number, buckets: number, micros: number): void {
  block[sum]! += micros;
  block[buckets + latencyBucket(micros)]!++;
}

/** Counts a latency in the blocks of both that it concerns, a unit and a session: {@link countLatency}. Allocates nothing. */
export function countLatencyTwice(
  unit: Float64Array,
  session: Float64Array,
  sum: number,
  buckets: number,
  micros: number,
): void {
  if (micros < 1) {
    unit[buckets]!++;
    session[buckets]!++;
    if (micros === 0) return;
  } else {
    const bucket = buckets + latencyBucket(micros);
    unit[bucket]!++;
    session[bucket]!++;
  }
  unit[sum]! += micros;
  session[sum]! += micros;
}

/** Adds a block to a sum. */
function addFigures(sum: Float64Array, block: Float64Array): void {
  for (let index = 0; index < FIGURES_PER_BLOCK; index++) sum[index]! += block[index]!;
}

/** The sum of blocks. */
export function sumFigures(blocks: Iterable<Float64Array>): Float64Array {
  const sum = privateFigures();
  for (const block of blocks) addFigures(sum, block);
  return sum;
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
  readonly #numbers: Float64Array;
  #free: FreeList | null = null;
  readonly #open = new Set<number>();
  /** What each writer had counted in slots that are closed. */
  readonly #closed: Float64Array[];

  constructor(memory: SharedArrayBuffer, slots: number) {
    this.memory = memory;
    this.slots = slots;
    this.#numbers = new Float64Array(memory);
    this.writers = this.#numbers.length / (slots * FIGURES_PER_BLOCK);
    this.#closed = Array.from({ length: this.writers }, privateFigures);
  }

  static create(writers: number, slots: number): Figures {
    const bytes = writers * slots * FIGURES_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT;
    return new Figures(new SharedArrayBuffer(bytes), slots);
  }

  /** A slot whose blocks are all zeroes, or {@link NONE}: what has none is not counted. */
  open(): number {
    this.#free ??= new FreeList(this.slots);
    const slot = this.#free.take();
    if (slot === NONE) return slot;
    for (let writer = 0; writer < this.writers; writer++) this.block(writer, slot).fill(0);
    this.#open.add(slot);
    return slot;
  }

  /** Nobody writes to the slot's blocks any more. */
  close(slot: number): void {
    if (slot === NONE) return;
    for (const [writer, sum] of this.#closed.entries()) {
      addFigures(sum, this.block(writer, slot));
      sum[Figure.inFlight] = 0;
    }
    this.#open.delete(slot);
    this.#free!.release(slot);
  }

  /** A writer has ended: nothing of it is in flight any more. */
  writerEnded(writer: number): void {
    for (const slot of this.#open) this.block(writer, slot)[Figure.inFlight] = 0;
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
    for (let writer = 0; slot !== NONE && writer < this.writers; writer++) addFigures(sum, this.block(writer, slot));
    return sum;
  }

  /** One figure of a slot, over all writers' blocks. */
  sum(slot: number, figure: Figure): number {
    let sum = 0;
    for (let writer = 0; slot !== NONE && writer < this.writers; writer++) {
      sum += this.#numbers[(writer * this.slots + slot) * FIGURES_PER_BLOCK + figure]!;
    }
    return sum;
  }

  /** What a writer has counted in all slots, those that are closed included; so it only grows, but for what is current. */
  totalOf(writer: number): Float64Array {
    const sum = privateFigures();
    addFigures(sum, this.#closed[writer]!);
    for (const slot of this.#open) addFigures(sum, this.block(writer, slot));
    return sum;
  }
}

/**
 * Units that are counted, and sessions; more are served, and are not. Of the 17 MiB that each worker has for units the kernel gives what
 * was ever used: about a KiB a unit.
 */
export const UNIT_FIGURES_MAX = 16 * 1024;
export const SESSION_FIGURES_MAX = 4096;
