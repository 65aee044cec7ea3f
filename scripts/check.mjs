// `npm run check`: types, format and lint, dead code. Runs them all, and fails when one of them does.
// Each is the tool's own command line, so what is printed here can be repeated by hand.

import { installIfStale, run } from './build.mjs';

const CHECKS = [
  ['tsc', '-p', 'tsconfig.json', '--noEmit', '--incremental', 'false'],
  ['tsc', '-p', 'test/tsconfig.json'],
  ['biome', 'ci', '--error-on-warnings', '--colors=off'],
  ['knip', '--no-progress'],
];

installIfStale();
const failed = CHECKS.filter(([tool, ...parameters]) => run(`node_modules/.bin/${tool}`, ...parameters) !== 0);
for (const check of failed) process.stdout.write(`failed: npx ${check.join(' ')}\n`);
process.stdout.write(`${CHECKS.length - failed.length} of ${CHECKS.length} checks passed\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
