// The target that the tests of the login status codes log in to: one unit of memory, one worker, and what a test says otherwise.
// What it is asked is each test's business.

import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

export type TargetFile = NonNullable<ConfigurationFile['targets']>[number];

/** The only target of a configuration. */
export function targetOf(target: Partial<TargetFile> = {}): TargetFile {
  return { name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }], ...target };
}

/** A configuration with that target. */
export function fileOf(target: Partial<TargetFile> = {}, rest: ConfigurationFile = {}): ConfigurationFile {
  const { tuning, ...others } = rest;
  return { targets: [targetOf(target)], tuning: { workers: 1, ...tuning }, ...others };
}

/** Starts it as a process of its own. */
export function serve(target: Partial<TargetFile> = {}, rest: ConfigurationFile = {}): Promise<TargetProcess> {
  return TargetProcess.start(fileOf(target, rest));
}

export const ALICE = { name: 'alice', secret: 'a secret of alice' };
export const BOB = { name: 'bob', secret: 'a secret of bob, too' };
export const MUTUAL = { name: 'target', secret: 'a secret of the target' };

/** CHAP for alice. */
export const CHAP = { method: 'chap' as const, users: [ALICE] };
