// The target that the tests of the full feature phase run against: one memory unit, two workers, either engine.
// What is asked of it is for the tests.

import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

/** Both must behave alike. */
export const ENGINES = ['uring', 'posix'] as const;

export const BLOCK = 512;

/** Starts a target on `engine`, with 1 MiB of zeroes as unit 0. */
export function serve(
  engine: (typeof ENGINES)[number],
  tuning: ConfigurationFile['tuning'] = {},
): Promise<TargetProcess> {
  return TargetProcess.start({
    tuning: { ...tuning, engine, workers: 2 },
    targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }] }],
  });
}
