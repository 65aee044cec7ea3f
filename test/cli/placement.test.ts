import { describe, expect, test } from 'vitest';
import { probePlacement } from '../../src/cli/placement.ts';
import { loadSettings } from '../../src/config/load.ts';
import { readTopology, type Topology } from '../../src/kernel/topology.ts';

/** Two nodes of two cores with two threads each: CPU n and n + 4 are one core, 0 1 4 5 one node. */
const MACHINE: Topology = {
  online: [0, 1, 2, 3, 4, 5, 6, 7],
  allowed: [0, 1, 2, 3, 4, 5, 6, 7],
  nodes: new Map([
    [0, [0, 1, 4, 5]],
    [1, [2, 3, 6, 7]],
  ]),
  cores: [
    [0, 4],
    [1, 5],
    [2, 6],
    [3, 7],
  ],
};

function answer(workers: number | 'auto', cpus: string, machine: Topology | null = MACHINE, forbidden: number[] = []) {
  const environment = { LUNARING_WORKERS: String(workers), LUNARING_CPUS: cpus };
  const { settings } = loadSettings({ environment, workingDirectory: '/srv' });
  return probePlacement(settings!, machine, (cpu) => !forbidden.includes(cpu));
}

describe('placement', () => {
  test.each([
    ['a worker a core of one node', 2, '0,1', 'fine', '2 workers pinned to CPU 0-1', /^$/],
    ['fewer workers than CPUs', 1, '2,3', 'fine', '1 worker pinned to CPU 2', /^$/],
    ['CPUs that are not there', 2, '0,64', 'failed', 'no CPU 64 on this machine: workers that are pinned', /0-7$/],
    ['CPUs that nobody would use', 1, '0,64', 'fine', '1 worker pinned to CPU 0', /^$/],
    ['more workers than pinned CPUs', 3, '0,1', 'warning', '3 workers on 2 pinned CPUs', /LUNARING_WORKERS=2/],
    ['CPUs of two nodes', 2, '1,2', 'warning', 'pinned across 2 NUMA nodes', /node 0 is LUNARING_CPUS=0-1,4-5$/],
    ['two threads of a core', 2, '1,5', 'warning', 'CPUs 1,5 are threads of one core', /LUNARING_CPUS=0-3,/],
    ['not pinned on two nodes', 4, 'any', 'warning', '4 workers, free to move across 2 NUMA nodes', /LUNARING_CPUS=/],
    ['more workers than CPUs', 9, 'any', 'warning', '9 workers on 8 CPUs: they take turns', /LUNARING_WORKERS=auto/],
  ] as const)('%s', (_, workers, cpus, state, detail, remedy) => {
    const found = answer(workers, cpus);
    expect(found).toMatchObject({ state, detail: expect.stringContaining(detail) });
    expect(found.remedy).toMatch(remedy);
  });

  test('one node is fine without pinning', () => {
    const machine = { ...MACHINE, nodes: new Map([[0, MACHINE.online]]) };
    expect(answer(8, 'any', machine)).toMatchObject({ state: 'fine', detail: '8 workers on 8 CPUs, not pinned' });
  });

  test('what the process is left with counts, not what the machine has', () => {
    const machine = { ...MACHINE, allowed: [0, 1] };
    expect(answer(2, 'any', machine)).toMatchObject({ state: 'fine', detail: '2 workers on 2 CPUs, not pinned' });
    expect(answer(3, 'any', machine)).toMatchObject({
      state: 'warning',
      detail: expect.stringContaining('3 workers on 2'),
    });
  });

  test('CPUs that a cpuset forbids keep workers from starting', () => {
    expect(answer(2, '0,1', MACHINE, [1])).toMatchObject({
      state: 'failed',
      detail: "CPU 1 is forbidden to this process: workers there can't start",
      remedy: expect.stringContaining('cpuset'),
    });
  });

  test('without sysfs nothing can be said', () => {
    expect(answer(2, 'any', null)).toMatchObject({ state: 'warning', remedy: expect.stringContaining('/sys') });
  });

  test('pinning is tried on this very machine, and undone', () => {
    const before = readTopology()!.allowed;
    const environment = { LUNARING_WORKERS: '1', LUNARING_CPUS: String(before[0]) };
    const { settings } = loadSettings({ environment, workingDirectory: '/srv' });
    expect(probePlacement(settings!)).toMatchObject({ state: 'fine', detail: `1 worker pinned to CPU ${before[0]}` });
    expect(readTopology()!.allowed).toEqual(before);
  });
});
