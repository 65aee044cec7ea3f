// The clock of the data plane: monotonic, and the same for every thread of the process.
// `performance.now` starts anew with each thread; what this adds is when that was.

import { performance } from 'node:perf_hooks';

/** When this thread's `performance.now` was 0, on the machine's monotonic clock, in milliseconds. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds. Allocates nothing. */
export function monotonicMs(): number {
  return ORIGIN_MS + performance.now();
}
