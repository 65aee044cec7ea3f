import { describe, expect, test } from 'vitest';
import { formatBytes, formatCount, formatMoment, formatSpan, secondsSince } from '../../src/cli/quantities.ts';

describe('quantities', () => {
  test.each([
    [0, '0 B'],
    [512, '512 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1536, '1.50 KiB'],
    [64 * 1024 * 1024, '64.0 MiB'],
    // Not 1024 KiB.
    [1024 * 1024 - 1, '1.00 MiB'],
    [20 * 1024 ** 3, '20.0 GiB'],
    [1024 ** 4, '1.00 TiB'],
    [4096 * 1024 ** 4, '4.00 PiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test.each([
    [0, '0'],
    [9999, '9999'],
    [10_000, '10.0 k'],
    [123_456, '123 k'],
    [999_999, '1.00 M'],
    [1_234_567, '1.23 M'],
    [2.5, '2.50'],
  ])('a count of %d is %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  test.each([
    [0.4, '0 s'],
    [45, '45 s'],
    [725, '12 min 5 s'],
    [3600, '1 h'],
    [12_000, '3 h 20 min'],
    [187_200, '2 d 4 h'],
    [-3, '0 s'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });

  test('moments are those of the log', () => {
    expect(formatMoment('2026-11-28T17:20:01.345Z')).toBe('2026-11-28 17:20:01Z');
    expect(secondsSince('2026-11-28T17:20:01.000Z', Date.parse('2026-11-28T17:21:01.500Z'))).toBe(60.5);
  });
});
