// Rates from two readings, and quantiles from buckets that double.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile, ratesBetween } from '../../src/metrics/rates.ts';
import { Figure, LATENCY_BUCKETS, latencyBucket, privateFigures } from '../../src/ring/figures.ts';

describe('a quantile', () => {
  it('lies in the bucket of the value that an exact one would give', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 ** 18 - 1 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.9, 0.99),
        (latencies, part) => {
          const buckets = new Float64Array(LATENCY_BUCKETS);
          for (const micros of latencies) buckets[latencyBucket(micros)]!++;
          const exact = [...latencies].sort((a, b) => a - b)[Math.ceil(latencies.length * part) - 1]!;
          const bucket = latencyBucket(exact);
          const guess = quantile(buckets, part)!;
          expect(guess).toBeGreaterThanOrEqual(bucket === 0 ? 0 : 2 ** (bucket - 1));
          expect(guess).toBeLessThanOrEqual(2 ** bucket);
        },
      ),
    );
  });

  it('of nothing is none, and of what has no bound is the last bound there is', () => {
    const buckets = new Float64Array(LATENCY_BUCKETS);
    expect(quantile(buckets, 0.5)).toBeNull();
    buckets[LATENCY_BUCKETS - 1] = 4;
    expect(quantile(buckets, 0.99)).toBe(2 ** (LATENCY_BUCKETS - 2));
  });
});

describe('rates', () => {
  it('are what has come, by the time that it took', () => {
    const [before, after] = [privateFigures(), privateFigures()];
    before[Figure.reads] = 100;
    after[Figure.reads] = 300;
    after[Figure.bytesRead] = 819_200;
    after[Figure.readLatency + 7] = 200;
    after[Figure.inFlight] = 32;
    const rates = ratesBetween(before, after, 2);
    expect(rates).toMatchObject({ readIops: 100, writeIops: 0, readBytes: 409_600, errors: 0, inFlight: 32 });
    expect(rates.p50Micros).toBe(96);
  });

  it('are zero when a block has begun anew', () => {
    const before = privateFigures();
    before[Figure.writes] = 5;
    expect(ratesBetween(before, privateFigures(), 1)).toMatchObject({ writeIops: 0, p99Micros: null });
  });
});
