// Which CPUs a list names, and which are chosen where none is given.

import { expect, test } from 'vitest';
import { apart, cpusOf } from '../../bench/cpus.ts';
import type { Topology } from '../../src/kernel/topology.ts';

test.each([
  ['3', [3]],
  ['0,2-4', [0, 2, 3, 4]],
  ['0-10:2', [0, 2, 4, 6, 8, 10]],
  ['1-3,2', [1, 2, 3]],
])('%s names %j', (list, cpus) => {
  expect([...cpusOf(list)!]).toEqual(cpus);
});

test.each(['', 'a', '3-1', '0-4:0', '1:2', '0,', '-1'])('"%s" is no list', (list) => {
  expect(cpusOf(list)).toBeNull();
});

const topology = (allowed: number[], cores: number[][]): Topology => ({
  online: cores.flat(),
  allowed,
  nodes: new Map(),
  cores,
});

test('target and client get cores of their own, of those that they may use', () => {
  const threads = [
    [0, 1],
    [2, 3],
  ];
  expect(apart(topology([0, 1, 2, 3], threads))).toEqual({ target: 0, client: 2 });
  expect(apart(topology([1, 3], threads))).toEqual({ target: 1, client: 3 });
  expect(apart(topology([2, 3], threads))).toEqual({ target: 2, client: 3 });
  expect(apart(topology([0, 1], [[0], [1]]))).toEqual({ target: 0, client: 1 });
});

test('nobody is pinned where there is but one CPU, or nobody knows', () => {
  expect(apart(topology([2], [[0], [1], [2]]))).toBeNull();
  expect(apart(null)).toBeNull();
});
