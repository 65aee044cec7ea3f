// The simulator in the test run: seeds that failed once, fresh ones where that is asked for, and whether a seed plays the same way twice.
// LUNARING_SIM_SECONDS sets how long fresh seeds are played; `npm run sim` plays them without end.

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { BlockIo } from '../../src/backend/backend.ts';
import { FileBackend } from '../../src/backend/file.ts';
import { LogicalUnit } from '../../src/scsi/logical-unit.ts';
import { explore, shrink } from './explore.ts';
import { FAILED_SEEDS } from './failures.ts';
import { type Outcome, planOf, simulate } from './simulation.ts';

/** Fresh seeds are for looking for faults; a run that judges a change has to come out the same way twice. */
const SECONDS = Number(process.env['LUNARING_SIM_SECONDS'] ?? 0);
/** A seed takes a second or two, and what is done about one that fails, up to half a minute. */
const PATIENCE_MS = 120_000;
/** Real milliseconds for making a plan smaller. */
const SHRINK_MS = 4000;
const FIXED_SEEDS = [2];
/** A target that does something wrong all the time is found out by one of so many. */
const SEEDS_TO_NOTICE = 10;

describe('a seed', () => {
  test('plays the same way twice, and another differently', async () => {
    const first = await simulate(planOf(4));
    const again = await simulate(planOf(4));
    const other = await simulate(planOf(5));
    expect(again).toEqual(first);
    expect(first.steps).toBeGreaterThan(500);
    expect(other.hash).not.toBe(first.hash);
  }, 60_000);

  test.each([...FIXED_SEEDS, ...FAILED_SEEDS])(
    '%i finds nothing wrong',
    async (seed) => {
      const { failure } = await simulate(planOf(seed));
      expect(failure).toBeNull();
    },
    PATIENCE_MS,
  );
});

test.skipIf(SECONDS === 0)(
  `fresh seeds find nothing wrong in ${SECONDS} s`,
  async () => {
    const lines: string[] = [];
    const { played, failed } = await explore(Date.now() % 2 ** 31, SECONDS * 1000, (line) => lines.push(line));
    expect(lines).toEqual([]);
    expect(failed).toBe(0);
    expect(played).toBeGreaterThan(0);
  },
  SECONDS * 1000 + PATIENCE_MS,
);

describe('a target that', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Plays seeds until one fails. */
  async function firstFailure(): Promise<Outcome> {
    for (let seed = 1; seed <= SEEDS_TO_NOTICE; seed++) {
      const outcome = await simulate(planOf(seed));
      if (outcome.failure !== null) return outcome;
    }
    throw new Error('nobody noticed');
  }

  test(
    'forgets what it was to write is noticed, and the plan made smaller as long as it fails in the same way',
    async () => {
      vi.spyOn(FileBackend.prototype, 'write').mockImplementation(function (this: FileBackend<BlockIo>, io) {
        this.pause(io);
      });
      const outcome = await firstFailure();
      const least = await shrink(outcome, performance.now() + SHRINK_MS);
      expect(least.failure!.rule).toBe(outcome.failure!.rule);
      expect(least.plan.faults.length).toBeLessThan(outcome.plan.faults.length);
    },
    PATIENCE_MS,
  );

  test(
    'knows nothing of reservations is noticed',
    async () => {
      vi.spyOn(LogicalUnit.prototype, 'reserve').mockImplementation(() => {});
      expect((await firstFailure()).failure!.rule).toBe('reservations are obeyed');
    },
    PATIENCE_MS,
  );
});
