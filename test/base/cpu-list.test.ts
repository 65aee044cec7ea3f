import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatCpuList, parseCpuList } from '../../src/base/cpu-list.ts';

describe('a CPU list', () => {
  test.each([
    ['0-3,8', [0, 1, 2, 3, 8]],
    ['5', [5]],
    ['8,0-1, 1-2', [8, 0, 1, 2]],
    ['', []],
    [' \n', []],
  ])('%j is %j', (text, cpus) => {
    expect(parseCpuList(text)).toEqual(cpus);
  });

  test.each(['a', '3-1', '1,,2', '-1', '1-', '1.5', '999999'])('%j is none', (text) => {
    expect(parseCpuList(text)).toBeNull();
  });

  test('is written as short as can be', () => {
    expect(formatCpuList([8, 1, 0, 2, 2, 3])).toBe('0-3,8');
    expect(formatCpuList([])).toBe('');
  });

  test('reads back as what was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(1023)), (cpus) => {
        expect(parseCpuList(formatCpuList(cpus))).toEqual(cpus.sort((a, b) => a - b));
      }),
    );
  });
});
