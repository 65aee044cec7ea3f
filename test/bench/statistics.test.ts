// Medians, spreads and paired ratios: the arithmetic that every figure of the benchmark goes through.

import { describe, expect, test } from 'vitest';
import type { Measurement } from '../../bench/measurement.ts';
import { median, medians, pairedRatio, ratios, spread, spreads } from '../../bench/statistics.ts';

const round = (iops: number, p99Us: number | null): Measurement => ({
  iops,
  bytesPerSecond: iops * 4096,
  p50Us: 1,
  p99Us,
  p999Us: 1,
  meanUs: 1,
  cpuUsPerIo: 3,
  userUsPerIo: 1,
  systemUsPerIo: 2,
  voluntaryPerIo: 0,
  involuntaryPerIo: 0,
  rssBytes: 1,
  clientCpu: 0.5,
});

describe('median', () => {
  test('is the middle one, whatever the order, and leaves its argument alone', () => {
    const values = [30, 4, 200];
    expect(median(values)).toBe(30);
    expect(values).toEqual([30, 4, 200]);
  });

  test('is the mean of the middle two, and nothing of nothing', () => {
    expect(median([1, 10, 4, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });
});

describe('spread', () => {
  test('is the range as a share of the median', () => {
    expect(spread([90, 100, 120])).toBeCloseTo(0.3);
  });

  test('is none of a single value, and 0 of values that are all 0', () => {
    expect(spread([5])).toBeNaN();
    expect(spread([])).toBeNaN();
    expect(spread([0, 0])).toBe(0);
  });
});

describe('paired ratio', () => {
  test('is made round by round: a machine that slows down for both changes nothing', () => {
    expect(pairedRatio([100, 10, 50], [50, 5, 25])).toBe(2);
  });

  test('counts neither rounds that only one has nor those that divide by nothing', () => {
    expect(pairedRatio([4, 9, 100], [2, 3])).toBe(2.5);
    expect(pairedRatio([4, 9], [0, 3])).toBe(3);
    expect(pairedRatio([4], [])).toBeNaN();
  });
});

describe('of whole measurements', () => {
  test('every figure is summed up by itself', () => {
    const rounds = [round(100, 9), round(300, 5), round(200, 7)];
    expect(medians(rounds)).toMatchObject({ iops: 200, p99Us: 7, bytesPerSecond: 200 * 4096 });
    expect(spreads(rounds)).toMatchObject({ iops: 1, cpuUsPerIo: 0 });
    expect(ratios(rounds, [round(50, 9), round(100, 5), round(100, 7)])).toMatchObject({ iops: 2, p99Us: 1 });
  });

  test('a figure that the instrument can not tell is no number', () => {
    expect(medians([round(1, null)]).p99Us).toBeNaN();
    expect(ratios([round(1, null)], [round(1, 3)]).p99Us).toBeNaN();
  });
});
