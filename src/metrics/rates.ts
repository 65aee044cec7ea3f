// How fast something is used: the difference between two readings of its figures, by the time between them.
// Who is read, and when, is sampler.ts's.

import { Figure, LATENCY_BUCKETS } from '../ring/figures.ts';

/** Per second, but for latencies and what is in flight. */
export interface Rates {
  readonly readIops: number;
  readonly writeIops: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly errors: number;
  /** Of READs and WRITEs together; null: there were none. */
  readonly p50Micros: number | null;
  readonly p99Micros: number | null;
  readonly inFlight: number;
}

/** The latency that `part` of what is counted stays below, in microseconds; null when nothing is. Within a bucket it is guessed in proportion. */
export function quantile(buckets: ArrayLike<number>, part: number): number | null {
  let count = 0;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) count += buckets[bucket]!;
  if (count <= 0) return null;
  let below = 0;
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    const inside = buckets[bucket]!;
    if (below + inside >= count * part && inside > 0) {
      const start = bucket === 0 ? 0 : 2 ** (bucket - 1);
      const end = 2 ** Math.min(bucket, LATENCY_BUCKETS - 2);
      return start + Math.max(end - start, 0) * ((count * part - below) / inside);
    }
    below += inside;
  }
  return 2 ** (LATENCY_BUCKETS - 2);
}

/** The rates between two readings that lie `seconds` apart. A block that began anew meanwhile counts from zero. */
export function ratesBetween(before: Float64Array, after: Float64Array, seconds: number): Rates {
  const grown = (figure: number): number => Math.max(after[figure]! - before[figure]!, 0);
  const perSecond = (figure: number): number => grown(figure) / seconds;
  const buckets: number[] = [];
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    buckets.push(grown(Figure.readLatency + bucket) + grown(Figure.writeLatency + bucket));
  }
  return {
    readIops: perSecond(Figure.reads),
    writeIops: perSecond(Figure.writes),
    readBytes: perSecond(Figure.bytesRead),
    writeBytes: perSecond(Figure.bytesWritten),
    errors: perSecond(Figure.errors),
    p50Micros: quantile(buckets, 0.5),
    p99Micros: quantile(buckets, 0.99),
    inFlight: Math.max(after[Figure.inFlight]!, 0),
  };
}
