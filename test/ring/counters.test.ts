// Figures in shared memory: each worker's in a block of its own, which everyone can read.

import { describe, expect, it } from 'vitest';
import { COUNTERS_PER_BLOCK, Counter, Counters, privateCounters, TASK_FUNCTIONS } from '../../src/ring/counters.ts';
import { LATENCY_BUCKETS } from '../../src/ring/figures.ts';

const CACHE_LINE_BYTES = 64;

describe('counters', () => {
  it('are read by anyone who has the memory, each where its name says', () => {
    const counters = Counters.create(3);
    const block = new Counters(counters.memory).block(1);
    block[Counter.commands]! += 5;
    block[Counter.bytesRead]! += 2 ** 40;
    const { commands, bytesRead, errors } = Counter;
    const read = (worker: number) => [commands, bytesRead, errors].map((index) => counters.block(worker)[index]);
    expect(read(1)).toEqual([5, 2 ** 40, 0]);
    expect(read(0)).toEqual([0, 0, 0]);
    expect(read(2)).toEqual([0, 0, 0]);
  });

  it('stand in blocks that share no cache line, each with room for every name', () => {
    expect((COUNTERS_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT) % CACHE_LINE_BYTES).toBe(0);
    const indexes = Object.values(Counter);
    expect(new Set(indexes).size).toBe(indexes.length);
    expect(Counter.taskManagement + TASK_FUNCTIONS).toBeLessThanOrEqual(Counter.sendWaitMicros);
    expect(Math.max(...indexes)).toBe(Counter.sendWaits);
    expect(Counter.sendWaits + LATENCY_BUCKETS).toBeLessThanOrEqual(COUNTERS_PER_BLOCK);
    expect(privateCounters()).toHaveLength(COUNTERS_PER_BLOCK);
  });

  it('know no worker beyond the last', () => {
    expect(() => Counters.create(2).block(2)).toThrow('no such worker');
  });
});
