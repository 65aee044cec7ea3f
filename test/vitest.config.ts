// How the tests run: from the repository's top, in processes of their own, so that a test may block a worker or lose a descriptor.
// scripts/test.mjs builds and sets up the client tools first; this is what it runs.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  cacheDir: 'node_modules/.cache/vite',
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Most of the time of many tests is spent waiting for processes and clocks; more than two at a time would be in each other's way.
    maxWorkers: 2,
    // Many times what a test takes on a machine of its own: only one that hangs is to be ended.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
