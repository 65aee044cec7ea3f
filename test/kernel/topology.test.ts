import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { readTopology } from '../../src/kernel/topology.ts';
import { Scratch } from '../support/scratch.ts';

function machine(scratch: Scratch, files: Record<string, string>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(scratch.file(path)), { recursive: true });
    writeFileSync(scratch.file(path), text);
  }
  return scratch.path;
}

test('this machine has the CPUs that Node counts', () => {
  const topology = readTopology();
  expect(topology?.online.length).toBeGreaterThanOrEqual(availableParallelism());
  expect(topology?.allowed.length).toBe(availableParallelism());
  expect([...(topology?.nodes.values() ?? [])].flat().sort()).toEqual([...(topology?.online ?? [])].sort());
  expect(topology?.cores.flat()).toHaveLength(topology?.online.length ?? 0);
});

test('two nodes, two threads a core, and what is left of them', () => {
  using scratch = new Scratch('topology');
  const root = machine(scratch, {
    'sys/devices/system/cpu/online': '0-3\n',
    'sys/devices/system/cpu/cpu0/topology/thread_siblings_list': '0,2\n',
    'sys/devices/system/cpu/cpu1/topology/thread_siblings_list': '1,3\n',
    'sys/devices/system/cpu/cpu2/topology/thread_siblings_list': '0,2\n',
    'sys/devices/system/cpu/cpu3/topology/thread_siblings_list': '1,3\n',
    'sys/devices/system/node/node10/cpulist': '\n',
    'sys/devices/system/node/node1/cpulist': '1,3\n',
    'sys/devices/system/node/node0/cpulist': '0,2\n',
    'sys/devices/system/node/possible': '0-10\n',
    'proc/self/status': 'Name:\tnode\nCpus_allowed:\t7\nCpus_allowed_list:\t0-2\n',
  });
  expect(readTopology(root)).toEqual({
    online: [0, 1, 2, 3],
    allowed: [0, 1, 2],
    nodes: new Map([
      [0, [0, 2]],
      [1, [1, 3]],
    ]),
    cores: [
      [0, 2],
      [1, 3],
    ],
  });
});

test('a kernel that says little has one node, a core a CPU, and allows everything', () => {
  using scratch = new Scratch('topology');
  expect(readTopology(scratch.path)).toBeNull();
  const root = machine(scratch, { 'sys/devices/system/cpu/online': '0,4' });
  expect(readTopology(root)).toEqual({
    online: [0, 4],
    allowed: [0, 4],
    nodes: new Map([[0, [0, 4]]]),
    cores: [[0], [4]],
  });
});
