// How the io_uring engine waits: asleep in the kernel, or for a while awake, looking again and again, where that has paid lately.
// What there is to wait for, and what comes of it, is uring-engine.ts's.

import { performance } from 'node:perf_hooks';
import { BUSY_POLL_US_AUTOMATIC } from '../config/limits.ts';
import { threadCpuMs } from '../kernel/libc.ts';
import type { Uring } from '../kernel/uring.ts';
import { Counter } from '../ring/counters.ts';
import { monotonicMs } from './clock.ts';
import { PollingTrials } from './polling-trials.ts';

const MICROSECONDS_PER_MS = 1000;
/** About a microsecond's worth. */
const LOOKS_PER_GLANCE_AT_THE_CLOCK = 64;

/**
 * Hybrid polling. A thread that sleeps is woken by an interrupt to its CPU and a switch, which costs tens of microseconds on many
 * machines; one that looks by itself sees a completion at once, and uses its CPU up meanwhile. So it looks only for as long as waits have
 * turned out to be: after a wait that was longer than the limit it goes to sleep at once, until one was shorter. An idle worker sleeps.
 */
export class BusyPoll {
  readonly #uring: Uring;
  readonly #limitMs: number;
  readonly #trials: PollingTrials | null;
  /** The wait before this one was short enough. */
  #promising = true;

  /** `limitUs`: how long to look at most, in microseconds; 0: never. `trials`: whether to; null: whenever a wait promises to be short. */
  constructor(uring: Uring, limitUs: number, trials: PollingTrials | null = null) {
    this.#uring = uring;
    this.#trials = trials;
    this.#limitMs = limitUs / MICROSECONDS_PER_MS;
  }

  /** Hands what is queued to the kernel, and returns when there is a completion, or a signal came. Throws KernelError. */
  wait(): void {
    const uring = this.#uring;
    if (this.#limitMs === 0 || (this.#trials !== null && !this.#trials.next())) {
      uring.enter(1);
      return;
    }
    const startMs = performance.now();
    if (this.#promising) {
      uring.enter(0);
      if (uring.ready || this.#look(startMs + this.#limitMs)) return;
    }
    uring.enter(1);
    this.#promising = performance.now() - startMs < this.#limitMs;
  }

  /** Looks until there is a completion, or the time is over. The ring's memory tells; a call each time would hold up what it waits for. */
  #look(endMs: number): boolean {
    const uring = this.#uring;
    do {
      for (let look = 0; look < LOOKS_PER_GLANCE_AT_THE_CLOCK; look++) {
        if (!uring.beckoning) continue;
        uring.enter(0);
        if (uring.ready) return true;
      }
    } while (performance.now() < endMs);
    return false;
  }
}

/**
 * How the worker with these `counters` waits. `limitUs`: how long to look at most, in microseconds, 0: never; auto: where trials find that
 * it pays.
 */
export function busyPoll(uring: Uring, limitUs: number | 'auto', counters: Float64Array): BusyPoll {
  if (limitUs !== 'auto') {
    counters[Counter.polling] = limitUs === 0 ? 0 : 1;
    return new BusyPoll(uring, limitUs);
  }
  return new BusyPoll(
    uring,
    BUSY_POLL_US_AUTOMATIC,
    new PollingTrials({ now: monotonicMs, cpu: threadCpuMs }, counters),
  );
}
