// Capabilities are given up for good, so it is another process that does.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, vi } from 'vitest';
import { dropCapabilities, KEPT_CAPABILITIES } from '../../src/kernel/capabilities.ts';
import { repositoryRoot } from '../support/repository.ts';
import { succeed } from '../support/run.ts';

/** A process of this test's: what it has, and what the kernel does not let it do. */
const kernel = vi.hoisted(() => ({ permitted: 0, setsRefused: 0 }));
vi.mock('../../src/kernel/libc.ts', async (original) => ({
  ...(await original<typeof import('../../src/kernel/libc.ts')>()),
  libc: () => ({
    capget: (_header: DataView, sets: DataView) => {
      sets.setUint32(4, kernel.permitted, true);
      return 0;
    },
    capset: () => {
      kernel.setsRefused++;
      return -1;
    },
    prctl: () => 0,
  }),
}));

const MODULE = pathToFileURL(join(repositoryRoot(), 'dist/src/kernel/capabilities.js')).href;
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import { dropCapabilities } from '${MODULE}';
  const of = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)$', 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1];
  const sets = () => ['CapInh', 'CapPrm', 'CapEff', 'NoNewPrivs'].map(of);
  console.log(JSON.stringify({ before: sets(), dropped: [dropCapabilities(), dropCapabilities()], after: sets() }));
`;
const KEPT = Object.values(KEPT_CAPABILITIES).reduce((mask, number) => mask | (1n << BigInt(number)), 0n);

function ones(set: bigint): number {
  return set.toString(2).replaceAll('0', '').length;
}

it('all but those that serving needs are gone afterwards, and no program gives any back', async () => {
  const { stdout } = await succeed(process.execPath, ['--input-type=module', '--eval', PROGRAM]);
  const { before, dropped, after } = JSON.parse(stdout) as Record<'before' | 'after', string[]> & { dropped: number[] };
  const hex = (set: string | undefined): bigint => BigInt(`0x${set}`);
  expect(after.slice(0, 3).map(hex)).toEqual(before.slice(0, 3).map((set) => hex(set) & KEPT));
  expect(after[3]).toBe('1');
  expect(dropped).toEqual([ones(hex(before[1]) & ~KEPT), 0]);
});

it('who has none but those asks for no change, which a filter of system calls may forbid', () => {
  kernel.permitted = 1 << KEPT_CAPABILITIES.CAP_NET_BIND_SERVICE;
  expect(dropCapabilities()).toBe(0);
  expect(kernel.setsRefused).toBe(0);
  kernel.permitted = -1;
  expect(dropCapabilities).toThrow('capset');
});
