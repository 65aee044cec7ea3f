// The target is sampled each second for as long as the interface runs, and refusals are passed on as they come.

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Watch } from '../../src/admin/watch.ts';
import type { Refusal } from '../../src/login/refusal.ts';
import { WatchedTarget } from '../support/watched-target.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('each second is kept and told, until it is closed', () => {
  const target = new WatchedTarget();
  const watch = new Watch(target);
  const heard: string[] = [];
  watch.events.opened({ send: (text) => heard.push(JSON.parse(text).type) > 0, end: () => {} });
  vi.advanceTimersByTime(3000);
  expect(watch.history.report().times).toHaveLength(3);
  target.refusals.add({ status: '0203' } as Refusal);
  expect(heard).toEqual(['status', 'status', 'status', 'refusal']);
  watch.close();
  vi.advanceTimersByTime(3000);
  target.refusals.add({ status: '0203' } as Refusal);
  expect(heard).toHaveLength(4);
  expect(watch.history.report().times).toHaveLength(3);
});
