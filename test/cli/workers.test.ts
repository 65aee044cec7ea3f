import { expect, test } from 'vitest';
import { formatWorkers } from '../../src/cli/workers.ts';
import { Counters } from '../../src/ring/counters.ts';

test('workers are a table of what they did and have in hand', () => {
  const counters = Counters.create(2);
  counters.block(0).set([3, 2, 123_456, 100, 20, 2 ** 30, 2 ** 20, 1, 0, 2 ** 16]);
  const workers = [0, 1].map((index) => ({
    index,
    running: index === 0,
    sessions: index === 0 ? 2 : 0,
    figures: counters.read(index),
  }));
  const [heading, first, second] = formatWorkers(workers).split('\n');
  expect(heading).toMatch(/^worker +state +sessions +connections +commands +read +written +errors +memory in use$/);
  expect(first).toMatch(/^ +0 +running +2 +3 +123 k +1\.00 GiB +1\.00 MiB +1 +64\.0 KiB$/);
  expect(second).toMatch(/^ +1 +down +0 /);
});
