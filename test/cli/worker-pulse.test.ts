// Whether workers turn, judged by what they count.

import { describe, expect, test } from 'vitest';
import { WorkerPulse } from '../../src/cli/worker-pulse.ts';
import { Counter, Counters } from '../../src/ring/counters.ts';

function bench(workers: number) {
  const counters = Counters.create(workers);
  const clock = { now: 1000 };
  const read = () => Array.from({ length: workers }, (_, worker) => ({ worker, counters: counters.block(worker) }));
  const turn = (worker: number) => counters.block(worker)[Counter.turns]!++;
  return { clock, turn, pulse: new WorkerPulse(read, () => clock.now) };
}

describe('the pulse of the workers', () => {
  test('is there while all of them turn, however often it is felt', () => {
    const { clock, turn, pulse } = bench(2);
    for (const step of [0, 15_000, 200, 200, 60_000]) {
      clock.now += step;
      turn(0);
      turn(1);
      expect(pulse.check()).toBeNull();
    }
  });

  test('is there for as long as an idle worker may take', () => {
    const { clock, turn, pulse } = bench(1);
    turn(0);
    expect(pulse.check()).toBeNull();
    clock.now += 3999;
    expect(pulse.check()).toBeNull();
    clock.now += 1;
    expect(pulse.check()).toMatch(/^worker 0 /);
    turn(0);
    expect(pulse.check()).toBeNull();
  });

  test('names those who have none', () => {
    const { clock, turn, pulse } = bench(3);
    expect(pulse.check()).toBeNull();
    clock.now += 15_000;
    turn(1);
    expect(pulse.check()).toMatch(/^worker 0, 2 has not turned/);
  });
});
