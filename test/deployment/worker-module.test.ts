// How the worker is built: as one module, which V8 makes shorter code of (docs/performance.md).
// What the worker does is tested with the files it is made of, and wherever a target runs.

import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';

test('a worker imports what others made, and nothing of ours', () => {
  const text = readFileSync(join(repositoryRoot(), 'dist/workers/io-worker.js'), 'utf8');
  const imported = [...text.matchAll(/^(?:import|export)\b[^;]*\bfrom "([^"]+)";$/gm)].map(([, name]) => name!);
  expect(imported).toContain('node:worker_threads');
  expect(imported.filter((name) => !isBuiltin(name))).toEqual(['@node-rs/crc32']);
  expect(text).not.toMatch(/\bimport\(/);
});
