// Where fresh seeds begin: every commit has its own, so that a change is judged the same way twice, and each by seeds that nobody has seen.
// What is made from them is for the simulator and the fuzzer.

import { spawnSync } from 'node:child_process';
import { repositoryRoot } from './repository.ts';

/** From the commit that is checked out. Without a repository, that of the moment. */
export function commitSeed(): number {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: repositoryRoot(), encoding: 'utf8' });
  const start = /^[0-9a-f]{7}/.exec(stdout ?? '')?.[0];
  return start === undefined ? Date.now() % 2 ** 31 : Number.parseInt(start, 16);
}
