// A worker whose thread has ended does not lose what that had used.

import { expect, it } from 'vitest';
import type { CpuTime } from '../../src/metrics/process-figures.ts';
import { WorkerCpu } from '../../src/metrics/worker-cpu.ts';

it('the CPU time of a worker never falls, whichever thread it has', () => {
  const threads = new Map<number, CpuTime>([
    [11, { user: 5, system: 2 }],
    [12, { user: 1, system: 1 }],
  ]);
  const cpu = new WorkerCpu((id) => threads.get(id) ?? null);
  expect([cpu.of(0, 11), cpu.of(1, 12)]).toEqual([
    { user: 5, system: 2 },
    { user: 1, system: 1 },
  ]);
  threads.set(11, { user: 6, system: 2 });
  expect(cpu.of(0, 11)).toEqual({ user: 6, system: 2 });
  // Ended, and not yet started again.
  threads.delete(11);
  expect(cpu.of(0, 11)).toBeNull();
  threads.set(13, { user: 0.5, system: 0 });
  expect(cpu.of(0, 13)).toEqual({ user: 6.5, system: 2 });
  threads.set(13, { user: 2, system: 1 });
  expect([cpu.of(0, 13), cpu.of(1, 12)]).toEqual([
    { user: 8, system: 3 },
    { user: 1, system: 1 },
  ]);
});
