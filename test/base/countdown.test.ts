import { expect, test } from 'vitest';
import { Countdown } from '../../src/base/countdown.ts';

function counting(): { countdown: Countdown; runs: () => number } {
  let count = 0;
  const countdown = new Countdown(() => {
    count++;
  });
  return { countdown, runs: () => count };
}

test('it is over, once, when it is sealed and all that was added is done', () => {
  const { countdown, runs } = counting();
  countdown.add();
  countdown.done();
  countdown.add();
  countdown.add();
  expect(runs()).toBe(0);
  countdown.seal();
  countdown.done();
  expect(runs()).toBe(0);
  countdown.done();
  expect(runs()).toBe(1);
});

test('with nothing left it is over as it is sealed', () => {
  const { countdown, runs } = counting();
  countdown.add();
  countdown.done();
  expect(runs()).toBe(0);
  countdown.seal();
  expect(runs()).toBe(1);
});
