// The clients of the benchmark: each runs on the CPUs that the report names.

import { expect, test } from 'vitest';
import { cell } from '../../bench/cells.ts';
import { INSTRUMENT } from '../../bench/instruments.ts';
import { readOptions } from '../../bench/options.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

/** There is none with that number. */
const NO_CPU = '8191';
const READS = cell('randread', 4096, 2, 1, 'raw');

/** A disk of 1 MiB, less than the raw client would read of others. */
function start(): Promise<TargetProcess> {
  const luns = [{ lun: 0, backend: 'null' as const, size: '1MiB' }];
  return TargetProcess.start({ targets: [{ name: TARGET_NAME, luns }], tuning: { workers: 1, slabMiB: 16 } });
}

const options = (cpus: string) => readOptions(['--size', '1', '--client-cpus', cpus])!;

test('the raw client reads what there is, and no more', async () => {
  await using target = await start();
  const seen = await INSTRUMENT['raw-data-digest'](target.url(), READS, 1, options('none'));
  expect(seen.ios).toBeGreaterThan(0);
  expect(seen.clientCpu).toBeGreaterThan(0);
});

test('the raw client is pinned as the others are', async () => {
  await using target = await start();
  await expect(INSTRUMENT.raw(target.url(), READS, 1, options(NO_CPU))).rejects.toThrow('taskset');
});
