// How fast something may be used, whoever uses it: one meter per limited unit or initiator, in memory that all workers share.
// A command books its I/O and its bytes here and is told when it may start; what waits until then is scsi/pacer.ts's.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';

/** What is allowed, per second; 0: as much as there is. */
export interface Limits {
  readonly iops: number;
  /** Bytes per second. */
  readonly bandwidth: number;
  /** Milliseconds' worth that may be saved up while nothing is asked for, and then be had at once. */
  readonly burstMs: number;
}

/** Limits that are in force at a time. */
const METERS_MAX = 8192;

// A meter is a cache line: words that workers change, then numbers that main sets.
const WORDS = 16;
/** When what was booked so far has been paid for: I/Os, bytes. In ticks, wrapping. */
const IOPS_PAID = 0;
const BANDWIDTH_PAID = 1;
/** The second of the last booking: of old ones nobody could say any more on which side of the wrap they are. */
const SECOND = 2;
const DOUBLES = WORDS / 2;
/** Ticks for each I/O, ticks for each byte (0: free), ticks of the burst. */
const TICKS_PER_IO = 2;
const TICKS_PER_BYTE = 3;
const BURST_TICKS = 4;

/** 32 bits of sixteenths of a microsecond wrap after 268 s: what lies less than half of that apart can be compared. */
const TICKS_PER_MS = 16_000;
const TICKS_PER_SECOND = 1000 * TICKS_PER_MS;
/** No command is booked further ahead than this. */
const AHEAD_TICKS_MAX = 60 * TICKS_PER_SECOND;
/** Without a booking for so long a meter begins anew. */
const FORGOTTEN_SECONDS = 60;

/** The meters of the process. Every thread makes one over the same memory; main alone opens, sets and closes them. */
export class Meters {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #doubles: Float64Array;
  #free: FreeList | null = null;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#doubles = new Float64Array(memory);
  }

  static create(): Meters {
    return new Meters(new SharedArrayBuffer(METERS_MAX * WORDS * Int32Array.BYTES_PER_ELEMENT));
  }

  /** A meter with these limits, or {@link NONE} when there are no more. */
  open(limits: Limits): number {
    this.#free ??= new FreeList(METERS_MAX);
    const meter = this.#free.take();
    if (meter !== NONE) this.set(meter, limits);
    return meter;
  }

  /** From now on these limits count. What was booked under others is forgotten. */
  set(meter: number, { iops, bandwidth, burstMs }: Limits): void {
    const at = meter * DOUBLES;
    this.#doubles[at + TICKS_PER_IO] = iops === 0 ? 0 : TICKS_PER_SECOND / iops;
    this.#doubles[at + TICKS_PER_BYTE] = bandwidth === 0 ? 0 : TICKS_PER_SECOND / bandwidth;
    this.#doubles[at + BURST_TICKS] = burstMs * TICKS_PER_MS;
    Atomics.store(this.#words, meter * WORDS + SECOND, -1);
  }

  /** Nobody books here any more. */
  close(meter: number): void {
    assert(this.#free !== null, 'meters: closed by who opened it');
    this.#free.release(meter);
  }

  /**
   * Books one I/O of `bytes` bytes at `now` (Engine.now), and answers when it may start: at most `now`, if at once. Each booking is paid
   * for by those after it. Allocates nothing.
   */
  book(meter: number, now: number, bytes: number): number {
    const words = meter * WORDS;
    const doubles = meter * DOUBLES;
    this.#begin(words, now);
    const burst = this.#doubles[doubles + BURST_TICKS]!;
    const perIo = this.#doubles[doubles + TICKS_PER_IO]!;
    const perByte = this.#doubles[doubles + TICKS_PER_BYTE]!;
    const forIo = perIo === 0 ? 0 : this.#pay(words + IOPS_PAID, now, perIo) - burst;
    const forBytes = perByte === 0 ? 0 : this.#pay(words + BANDWIDTH_PAID, now, perByte * bytes) - burst;
    return now + Math.max(forIo, forBytes, 0) / TICKS_PER_MS;
  }

  /** Adds `ticks` to a debt, and answers how far ahead of `now` it was before. */
  #pay(word: number, now: number, ticks: number): number {
    const present = (now * TICKS_PER_MS) | 0;
    for (;;) {
      const paid = Atomics.load(this.#words, word);
      // A debt that lies behind us is paid.
      const ahead = Math.max((paid - present) | 0, 0);
      const next = (present + Math.min(ahead + Math.ceil(ticks), AHEAD_TICKS_MAX)) | 0;
      if (Atomics.compareExchange(this.#words, word, paid, next) === paid) return ahead;
    }
  }

  /** A meter that was not used for long begins with nothing booked. */
  #begin(words: number, now: number): void {
    const second = Math.floor(now / 1000) | 0;
    const last = Atomics.load(this.#words, words + SECOND);
    if (last === second) return;
    // Of several workers that find it so, one begins anew.
    if (Atomics.compareExchange(this.#words, words + SECOND, last, second) !== last) return;
    if (last >= 0 && second - last < FORGOTTEN_SECONDS) return;
    const present = (now * TICKS_PER_MS) | 0;
    Atomics.store(this.#words, words + IOPS_PAID, present);
    Atomics.store(this.#words, words + BANDWIDTH_PAID, present);
  }
}
