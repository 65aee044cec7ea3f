// How long the main thread keeps logins and administrators waiting: the longest delay of its loop in each second.
// CPU times are process-figures.ts's.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { LATENCY_BUCKETS, latencyBucket } from '../ring/figures.ts';

/** How often the loop is looked at: a delay shorter than this is noise. */
const RESOLUTION_MS = 20;
const PERIOD_MS = 1000;

/** The longest delay of the main thread's loop in each second, counted like a latency. */
export class LoopDelay implements Disposable {
  /** As ring/figures.ts counts latencies. */
  readonly buckets = new Float64Array(LATENCY_BUCKETS);
  micros = 0;
  /** Of the last second, in milliseconds. */
  lastMs = 0;
  readonly #monitor: IntervalHistogram;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#monitor.enable();
    this.#timer = setInterval(() => this.#note(), PERIOD_MS).unref();
  }

  #note(): void {
    if (this.#monitor.count === 0) return;
    // It tells the time between two looks, which are due every RESOLUTION_MS.
    const micros = Math.max(this.#monitor.max / 1000 - RESOLUTION_MS * 1000, 0);
    this.#monitor.reset();
    this.micros += micros;
    this.lastMs = micros / 1000;
    this.buckets[latencyBucket(micros)]!++;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#monitor.disable();
  }
}
