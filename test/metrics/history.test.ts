// Fifteen minutes are kept, in order, and no more.

import { expect, it } from 'vitest';
import { HISTORY_SECONDS, History } from '../../src/metrics/history.ts';
import { ratesBetween } from '../../src/metrics/rates.ts';
import { Figure, privateFigures } from '../../src/ring/figures.ts';

function second(reads: number) {
  const figures = privateFigures();
  figures[Figure.reads] = reads;
  return ratesBetween(privateFigures(), figures, 1);
}

it('the seconds come back oldest first, each series as long as the times', () => {
  const history = new History();
  expect(history.report().times).toEqual([]);
  for (let at = 1; at <= 3; at++) history.add(at * 1000, second(at * 10));
  const { times, series } = history.report();
  expect(times).toEqual([1000, 2000, 3000]);
  expect(series.readIops).toEqual([10, 20, 30]);
  expect(series.p99Micros).toEqual([null, null, null]);
});

it('what is older than fifteen minutes is forgotten', () => {
  const history = new History();
  const count = HISTORY_SECONDS + 250;
  for (let at = 1; at <= count; at++) history.add(at, second(at));
  const { times, series } = history.report();
  expect(times).toHaveLength(HISTORY_SECONDS);
  expect(times[0]).toBe(251);
  expect(times.at(-1)).toBe(count);
  expect(series.readIops).toEqual(times);
});
