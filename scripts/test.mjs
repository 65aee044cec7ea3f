// `npm test`: installs and compiles when that is needed, brings the client tools, runs every test, and ends with the count.
// What follows `--` goes to vitest: `npm test -- test/pdu`.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { buildIfStale, run, TOP } from './build.mjs';

const REPORT = `${TOP}/node_modules/.cache/test-report.json`;

/** The counts of vitest's JSON report; a run that left none has failed as a whole. */
function readCounts() {
  try {
    const report = JSON.parse(readFileSync(REPORT, 'utf8'));
    const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped, numTodoTests: planned } = report;
    // A file that can't be loaded has no tests that could fail.
    const broken = report.testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    );
    return { passed, failed: failed + broken.length, skipped: skipped + planned };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

buildIfStale('0 passed, 1 failed\n');
const clients = run(process.execPath, 'scripts/setup-clients.mjs');
mkdirSync(`${TOP}/node_modules/.cache`, { recursive: true });
rmSync(REPORT, { force: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
const status = run(
  'node_modules/.bin/vitest',
  'run',
  '--config',
  'test/vitest.config.ts',
  ...reporters,
  ...process.argv.slice(2),
);

const counts = readCounts();
// Errors outside of any test make vitest fail while every test passes; missing clients do so before it runs.
const failed = counts.failed + (clients === 0 ? 0 : 1) + (status !== 0 && counts.failed === 0 ? 1 : 0);
const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`;
process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`);
process.exitCode = failed === 0 ? 0 : 1;
