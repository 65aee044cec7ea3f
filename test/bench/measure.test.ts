// System calls are counted from the first on that the load causes.

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { cell } from '../../bench/cells.ts';
import type { Observation } from '../../bench/instruments.ts';
import { systemCallsPerIo } from '../../bench/measure.ts';
import { readOptions } from '../../bench/options.ts';
import type { Peer } from '../../bench/peers.ts';

const IOS = 5000;
const counts = spawnSync('perf', ['stat', '-e', 'raw_syscalls:sys_enter', '--', 'true']).status === 0;

/** This process, and a load that is over at once: a call for each I/O. */
function peer(pid: number): Peer {
  const instrument = async () => {
    for (let io = 0; io < IOS; io++) statSync('/');
    return { ios: IOS } as Observation;
  };
  const rest = { excludes: () => null, prepare: () => undefined, stop: async () => undefined };
  return { name: 'itself', group: 'null', subject: false, pid, url: '', instrument, ...rest };
}

test.skipIf(!counts)('none is missed while perf starts', async () => {
  const calls = await systemCallsPerIo(peer(process.pid), cell('randread', 4096, 1), readOptions([])!);
  expect(calls).toBeGreaterThanOrEqual(1);
});

test('there is no figure where perf can not count', async () => {
  // Nobody has that number.
  expect(await systemCallsPerIo(peer(2 ** 30), cell('randread', 4096, 1), readOptions([])!)).toBeNull();
});
