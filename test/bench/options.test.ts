// The command line of the benchmark: what can't be done is said before anything is measured.

import { expect, test } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.ts';

test('no more idle sessions are promised than the workers take', () => {
  expect(readOptions(['--idle', '2000'])!.idleSessions).toBe(2000);
  expect(readOptions(['--idle', '4000', '--workers', '2'])!.idleSessions).toBe(4000);
  expect(() => readOptions(['--idle', '4000'])).toThrow('2032 are the most');
  expect(() => readOptions(['--idle', '5000', '--workers', '8'])).toThrow(UsageError);
});

test('CPUs are a list as taskset takes it, or none', () => {
  expect(readOptions(['--client-cpus', '0-10:2'])!.clientCpus).toBe('0-10:2');
  expect(readOptions(['--client-cpus', 'none'])!.clientCpus).toBeUndefined();
  expect(() => readOptions(['--target-cpus', '1,'])).toThrow('--target-cpus takes CPUs');
});

test.each(['rw', 'block', 'depth', 'sessions', 'cells', 'peers'])(
  '--%s without a value is refused, not taken for all or nothing',
  (name) => {
    expect(() => readOptions([`--${name}`, ''])).toThrow(`--${name} takes`);
    expect(() => readOptions([`--${name}`, ','])).toThrow(`--${name} takes`);
  },
);
