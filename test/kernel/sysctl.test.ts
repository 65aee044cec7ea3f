// The kernel's settings, held against what /proc has.

import { release } from 'node:os';
import { expect, it } from 'vitest';
import { sysctl } from '../../src/kernel/sysctl.ts';
import { Scratch } from '../support/scratch.ts';

it('are told by their name, without the end of their line', () => {
  expect(sysctl('kernel/osrelease')).toBe(release());
});

it('are empty where there are none', () => {
  using scratch = new Scratch('sysctl');
  expect([sysctl('kernel/no_such'), sysctl('kernel/osrelease', scratch.path)]).toEqual(['', '']);
});
