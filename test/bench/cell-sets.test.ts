// Which cells a command line asks for.

import { expect, test } from 'vitest';
import { cellSet } from '../../bench/cell-sets.ts';
import { readOptions } from '../../bench/options.ts';
import { inTurn } from '../../bench/schedule.ts';

const names = (...args: string[]) => {
  const { set, axes } = readOptions(args)!;
  return cellSet(set, axes).map(({ name }) => name);
};

test('no two cells of a set have one name', () => {
  for (const set of [[], ['--quick'], ['--full']]) {
    const found = names(...set);
    expect(found.length).toBeGreaterThan(2);
    expect(new Set(found).size).toBe(found.length);
  }
});

test('the whole matrix has every combination', () => {
  expect(names('--full').filter((name) => !name.includes('@'))).toHaveLength(6 * 4 * 4 * 3);
});

test('axes that are named are combined, the others stay where they usually are', () => {
  expect(names('--depth', '1,32', '--block', '16k')).toEqual(['randread-16k-qd1', 'randread-16k-qd32']);
  expect(names('--rw', 'randrw', '--sessions', '4')).toEqual(['randrw-4k-qd32-s4']);
});

test.each([
  [['--rw', 'sideways'], '--rw'],
  [['--block', '4'], '--block'],
  [['--depth', '0'], '--depth'],
])('%j is refused', (args, option) => {
  expect(() => readOptions(args)).toThrow(option);
});

test('the order of the peers is reversed every other round', () => {
  expect([0, 1, 2].map((round) => inTurn(['a', 'b'], round).join(''))).toEqual(['ab', 'ba', 'ab']);
});
