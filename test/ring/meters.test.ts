// Limits over a clock that the test moves: how much passes in how much time, whoever asks.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Meters } from '../../src/ring/meters.ts';

const UNLIMITED = { iops: 0, bandwidth: 0, burstMs: 100 };
const SECOND = 1000;

/** Bookings at `from` that may start before `until`, each made when the one before has started. */
function count(meters: Meters, meter: number, from: number, until: number, bytes = 0): number {
  let now = from;
  for (let started = 0; ; started++) {
    now = Math.max(now, meters.book(meter, now, bytes));
    if (now >= until) return started;
  }
}

describe('a meter', () => {
  it.each([
    ['I/Os', { ...UNLIMITED, iops: 500 }, 0, 500],
    ['bytes', { ...UNLIMITED, bandwidth: 1_000_000 }, 4096, 1_000_000 / 4096],
    ['the stricter of two', { iops: 100, bandwidth: 1_000_000, burstMs: 100 }, 4096, 100],
    ['the stricter of two', { iops: 1000, bandwidth: 409_600, burstMs: 100 }, 4096, 100],
  ])('lets %s through at their rate, and what was saved up before', (_what, limits, bytes, rate) => {
    const meters = Meters.create();
    const meter = meters.open(limits);
    const started = count(meters, meter, 5 * SECOND, 15 * SECOND, bytes);
    const saved = (rate * limits.burstMs) / SECOND;
    expect(started).toBeGreaterThanOrEqual(rate * 10);
    expect(started).toBeLessThanOrEqual(rate * 10 + saved + 2);
  });

  it('saves no more than the burst', () => {
    const meters = Meters.create();
    const meter = meters.open({ iops: 100, bandwidth: 0, burstMs: 500 });
    const atOnce = (now: number): number => {
      let passed = 0;
      while (meters.book(meter, now, 0) <= now) passed++;
      return passed;
    };
    expect(atOnce(1000)).toBe(51);
    // The one that did not pass is booked, too.
    expect(atOnce(1000)).toBe(0);
    expect(atOnce(31_000)).toBe(51);
    // Longer than its words can tell.
    expect(atOnce(10_000_000)).toBe(51);
    expect(atOnce(10_000_000 + 135 * SECOND)).toBe(51);
  });

  it('counts for all who look at the same memory, and for nobody else', () => {
    const meters = Meters.create();
    const other = new Meters(meters.memory);
    const meter = meters.open({ iops: 10, bandwidth: 0, burstMs: 100 });
    const free = meters.open({ iops: 10, bandwidth: 0, burstMs: 100 });
    expect(meters.book(meter, 1000, 0)).toBeLessThanOrEqual(1000);
    expect(other.book(meter, 1000, 0)).toBeLessThanOrEqual(1000);
    expect(other.book(meter, 1000, 0)).toBe(1100);
    expect(meters.book(meter, 1000, 0)).toBe(1200);
    expect(other.book(free, 1000, 0)).toBeLessThanOrEqual(1000);
  });

  it('begins anew with other limits', () => {
    const meters = Meters.create();
    const meter = meters.open({ iops: 10, bandwidth: 0, burstMs: 10 });
    for (let index = 0; index < 50; index++) meters.book(meter, 1000, 0);
    meters.set(meter, { iops: 20, bandwidth: 0, burstMs: 10 });
    expect(meters.book(meter, 1000, 0)).toBeLessThanOrEqual(1000);
    expect(meters.book(meter, 1000, 0)).toBe(1040);
    meters.set(meter, UNLIMITED);
    for (let index = 0; index < 50; index++) expect(meters.book(meter, 1000, 1e9)).toBe(1000);
  });

  it('keeps its rate at any time of its clock, the wrap of its words included', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        fc.integer({ min: 10, max: 100_000 }),
        (from, iops) => {
          const meters = Meters.create();
          const meter = meters.open({ iops, bandwidth: 0, burstMs: 10 });
          const started = count(meters, meter, from, from + 400 / (iops / SECOND));
          expect(started).toBeGreaterThanOrEqual(395);
          // Ticks are whole ones: at most a hundredth less than the time of an I/O at these rates.
          expect(started).toBeLessThanOrEqual(402 + (iops * 10) / SECOND);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});
