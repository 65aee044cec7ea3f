// A short run of the fuzzer against both engines; `npm run fuzz` is the long one.
// A failure names its seed: `npm run fuzz -- --seed S --pdus N` says the same again.

import { describe, expect, it } from 'vitest';
import { commitSeed } from '../support/commit-seed.ts';
import { startFuzzedTarget } from './fuzzed-target.ts';
import { fuzz } from './fuzzer.ts';

const PDUS = 8000;
/** One that is always the same, and one that each commit has to itself. */
const SEEDS = [1, commitSeed()];

describe.each(['uring', 'posix'] as const)('mutated PDUs, engine %s', (engine) => {
  it.each(SEEDS)(
    `${PDUS} of seed %i end nothing, hang nothing, and reach nobody else`,
    async (seed) => {
      await using target = await startFuzzedTarget(engine);
      const { finding, pdus, replies, bystanderRounds } = await fuzz(target, { pdus: PDUS, seed, lanes: 8 });
      expect(finding).toBe('');
      expect(pdus).toBeGreaterThanOrEqual(PDUS);
      expect(replies).toBeGreaterThan(PDUS / 4);
      expect(bystanderRounds).toBeGreaterThan(0);
    },
    240_000,
  );
});
