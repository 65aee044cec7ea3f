// Capabilities are given up for good, so it is another process that does.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { KEPT_CAPABILITIES } from '../../src/kernel/capabilities.ts';
import { repositoryRoot } from '../support/repository.ts';
import { succeed } from '../support/run.ts';

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
