import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSize, parseSize } from '../../src/config/size.ts';

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['64K', 65536],
    ['64KiB', 65536],
    ['1.5 GiB', 1610612736],
    [' 1TiB ', 2 ** 40],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'GiB', '1GB', '1kib', '-1', '1e3', '0.3B', '99999999TiB', '1 2'])('%s is none', (text) => {
    expect(parseSize(text)).toBeNull();
  });

  test('are read back as they are written', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes));
  });

  test('are written with the largest unit that divides them', () => {
    expect([0, 1000, 1024, 1536 * 2 ** 20, 2 ** 40].map(formatSize)).toEqual(['0', '1000', '1KiB', '1536MiB', '1TiB']);
  });
});
