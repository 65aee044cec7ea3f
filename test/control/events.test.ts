import { expect, test, vi } from 'vitest';
import { TargetEvents } from '../../src/control/events.ts';
import type { RefusalReport } from '../../src/control/refusals.ts';
import { readableLog } from '../library/program.ts';

/** As much of a refusal as is looked at here. */
const refusal = { status: '0203' } as RefusalReport;

/** What was told has been heard, and what came of it logged. */
const heard = () => new Promise(setImmediate);

test('what happens is heard in order, after what was going on, by those who listen then', async () => {
  const events = new TargetEvents(readableLog().log);
  const told: string[] = [];
  events.on('refusal', ({ status }) => told.push(status));
  events.once('unitFailure', ({ message }) => told.push(message));
  const failure = { targetName: 'a', lun: 0, path: '', errno: 'EIO', message: 'it failed' };
  events.tell('refusal', () => [refusal]);
  events.tell('unitFailure', () => [failure]);
  events.tell('unitFailure', () => [failure]);
  expect(told).toEqual([]);
  await heard();
  expect(told).toEqual(['0203', 'it failed']);
});

test('nothing is put together that nobody listens to', () => {
  const events = new TargetEvents(readableLog().log);
  const listener = vi.fn();
  events.on('refusal', listener).off('refusal', listener);
  const describe = vi.fn();
  events.tell('refusal', describe);
  expect(describe).not.toHaveBeenCalled();
});

test.each<[what: string, listener: () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('a mistake');
    },
  ],
  ['rejects', () => Promise.reject(new Error('a mistake'))],
])('a listener that %s is logged, and harms no other', async (_, listener) => {
  const { log, lines } = readableLog();
  const events = new TargetEvents(log);
  const next = vi.fn();
  events.on('refusal', listener).on('refusal', next);
  events.tell('refusal', () => [refusal]);
  await heard();
  expect(next).toHaveBeenCalledExactlyOnceWith(refusal);
  const line = JSON.parse(lines.join(''));
  expect(line).toMatchObject({
    event: 'refusal',
    err: { message: 'a mistake' },
    msg: 'a listener of the program threw',
  });
});
