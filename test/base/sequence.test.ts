import { expect, test } from 'vitest';
import { Sequence } from '../../src/base/sequence.ts';

test('what comes later begins when what came before has ended', async () => {
  const sequence = new Sequence();
  const events: string[] = [];
  let finish = () => {};
  const first = sequence.run(async () => {
    events.push('first begins');
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    events.push('first ends');
    return 1;
  });
  const second = sequence.run(async () => {
    events.push('second');
    return 2;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(events).toEqual(['first begins']);
  finish();
  expect(await Promise.all([first, second])).toEqual([1, 2]);
  expect(events).toEqual(['first begins', 'first ends', 'second']);
});

test('what fails keeps nothing from running', async () => {
  const sequence = new Sequence();
  const failed = sequence.run(async () => {
    throw new Error('no');
  });
  const next = sequence.run(async () => 'done');
  await expect(failed).rejects.toThrow('no');
  expect(await next).toBe('done');
});
