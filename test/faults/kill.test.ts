// One round of SIGKILL against both engines; `npm run faults` has a hundred.

import { describe, expect, it } from 'vitest';
import { killRounds } from './kill-rounds.ts';

const ROUNDS = 1;

describe.each(['uring', 'posix'] as const)('SIGKILL while initiators write, engine %s', (engine) => {
  it('loses nothing that was acknowledged and synced', async () => {
    const seed = Date.now() % 2 ** 31;
    const result = await killRounds({ engine, rounds: ROUNDS, seed });
    expect(result, `seed ${seed}`).toMatchObject({ rounds: ROUNDS, lost: 0, damaged: 0 });
    expect(result.syncedWrites).toBeGreaterThan(0);
  }, 120_000);
});
