import { expect, it } from 'vitest';
import { Begin } from '../../src/ring/begin.ts';

it('A worker that has begun is not given up', () => {
  const begin = Begin.create();
  expect(new Begin(begin.memory).begin()).toBe(true);
  expect(begin.giveUp()).toBe(false);
});

it('A worker that was given up does not begin', () => {
  const begin = Begin.create();
  expect(begin.giveUp()).toBe(true);
  expect(new Begin(begin.memory).begin()).toBe(false);
});
