// A main thread that keeps others waiting is found out.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LoopDelay } from '../../src/metrics/loop-delay.ts';
import { latencyBucket } from '../../src/ring/figures.ts';

const BLOCKED_MS = 300;

it('the longest delay of a second is counted, once', async () => {
  using delay = new LoopDelay();
  const counted = () => delay.buckets.reduce((sum, count) => sum + count, 0);
  await sleep(100);
  const until = performance.now() + BLOCKED_MS;
  while (performance.now() < until);
  while (counted() === 0) await sleep(50);
  expect(counted()).toBe(1);
  expect(delay.lastMs).toBeGreaterThan(BLOCKED_MS / 2);
  expect(delay.micros).toBe(delay.lastMs * 1000);
  expect(delay.buckets[latencyBucket(delay.micros)]).toBe(1);
});
