// Which congestion control a setting means, by what the kernel says of its own.

import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseCongestionControl } from '../../src/control/congestion.ts';
import { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('congestion');
});
afterEach(() => scratch[Symbol.dispose]());

/** Where a kernel says that its own is `own` and that these may be had. */
function kernel(own: string, allowed: string): string {
  const root = scratch.file(own);
  mkdirSync(`${root}/net/ipv4`, { recursive: true });
  writeFileSync(`${root}/net/ipv4/tcp_congestion_control`, `${own}\n`);
  writeFileSync(`${root}/net/ipv4/tcp_allowed_congestion_control`, `${allowed}\n`);
  return root;
}

test('auto takes cubic in place of bbr, whichever version', () => {
  for (const own of ['bbr', 'bbr3']) {
    expect(chooseCongestionControl('auto', kernel(own, `reno ${own} cubic`))).toEqual({
      name: 'cubic',
      required: false,
      reason: `cubic in place of the system's ${own}, which slows large READs down`,
    });
  }
});

test('auto leaves what is no bbr, what can’t be replaced, and what is not known', () => {
  const choices = [kernel('dctcp', 'reno cubic dctcp'), kernel('bbr', 'reno bbr'), scratch.file('nothing')].map(
    (root) => chooseCongestionControl('auto', root),
  );
  expect(choices.map(({ name, required }) => name ?? required)).toEqual([false, false, false]);
  expect(choices.map(({ reason }) => reason)).toEqual([
    "the system's, dctcp",
    "the system's, bbr: cubic is not among tcp_allowed_congestion_control",
    "the system's, which it does not tell",
  ]);
});

test('system and names are taken as they are', () => {
  const root = kernel('bbr', 'reno bbr cubic');
  expect(chooseCongestionControl('system', root).name).toBe(null);
  expect(chooseCongestionControl('bbr', root)).toMatchObject({ name: 'bbr', required: true });
});
