// `npm run faults` and `npm run soak`: neither ends well without having done anything.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';

test.each([
  ['main', ['--rounds', '0', '--failures', '0']],
  ['soak', ['--minutes', '0']],
  ['soak', ['--hours', '0']],
])('%s %j is refused', async (program, args) => {
  const { code, stderr } = await run(process.execPath, [
    join(repositoryRoot(), `dist/test/faults/${program}.js`),
    ...args,
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('nothing would be tested');
});
