// What a disk's own module imports: the same errors as the whole library's, and hardly any of its code.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';

const BUILT = join(repositoryRoot(), 'dist/src');

/** The files of ours that one of them loads, itself among them. */
function loaded(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g)) {
    loaded(join(dirname(file), path!), known);
  }
  return known;
}

const namesOf = (file: string) => [...loaded(join(BUILT, file))].map((path) => relative(BUILT, path)).sort();

test('lunaring/disk loads nothing of the target', () => {
  const names = ['backend/disk.js', 'base/error.js', 'kernel/errno.js', 'library/disk.js'];
  expect(namesOf('library/disk.js')).toEqual(names);
  expect(namesOf('library/index.js')).toContain('control/target.js');
});

test('lunaring/disk has the errors that lunaring has', () => {
  const program = `
    const [whole, part] = await Promise.all([import('lunaring'), import('lunaring/disk')]);
    console.log(whole.DiskError === part.DiskError, new part.DiskError('space', 'full') instanceof whole.LunaringError);`;
  const options = { cwd: repositoryRoot(), encoding: 'utf8' } as const;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], options);
  expect([stdout.trim(), stderr]).toEqual(['true true', '']);
});
