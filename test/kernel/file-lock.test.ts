import { closeSync, openSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { tryLock } from '../../src/kernel/file-lock.ts';
import { Scratch } from '../support/scratch.ts';

test('one writer or many readers hold a file, each for as long as it is open', () => {
  using scratch = new Scratch('lock');
  writeFileSync(scratch.file('a'), '');
  const [first, second, third] = [0, 1, 2].map(() => openSync(scratch.file('a'), 'r+')) as [number, number, number];
  expect(tryLock(first, true)).toBe(true);
  expect(tryLock(second, true)).toBe(false);
  expect(tryLock(second, false)).toBe(false);
  closeSync(first);
  expect(tryLock(second, false)).toBe(true);
  expect(tryLock(third, false)).toBe(true);
  expect(tryLock(third, true)).toBe(false);
  closeSync(second);
  closeSync(third);
});
