// promtool (Debian's package prometheus), which knows whether Prometheus would take what it is given.
// scripts/setup-clients.mjs installs it; what is checked is the tests' business.

import { execFileSync, spawnSync } from 'node:child_process';

/** Whether this machine lacks promtool. In CI that is an error. */
export function promtoolMissing(): boolean {
  const missing = spawnSync('promtool', ['--version']).error !== undefined;
  if (missing && process.env['CI'] === 'true') {
    throw new Error('missing: promtool; scripts/setup-clients.mjs installs it');
  }
  return missing;
}

/** `promtool check metrics` on an exposition in Prometheus' text format: throws with what it has to say, warnings included. */
export function checkMetrics(text: string): void {
  execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

/** `promtool check rules` on a file; what it found. Throws when the file is not as it should be. */
export function checkRules(path: string): string {
  return execFileSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });
}

/** `promtool test rules` on a file. Throws with what failed. */
export function testRules(path: string): string {
  return execFileSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
}
