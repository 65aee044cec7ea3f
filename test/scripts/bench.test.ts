// `npm run bench -- micro`: says which micro-benchmarks there are when it is asked for another.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';

const SCRIPT = join(repositoryRoot(), 'scripts/bench.mjs');

test('a micro-benchmark that there is not is refused, with the names of those that there are', async () => {
  const { code, stderr } = await run(process.execPath, [SCRIPT, 'micro', 'framer', 'nosuch']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/nosuch.*framer/);
});

test('it says how it is used', async () => {
  const { code, stdout } = await run(process.execPath, [SCRIPT, 'micro', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('framer');
});
