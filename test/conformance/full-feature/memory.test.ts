// What sessions that stay cost the target in memory and descriptors.
// What hostile peers cost is hostile.test.ts; speed is the benchmarks' business.

import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const KIB = 1024;

const SESSIONS = 500;
/** Sessions that have come and gone before anything is counted: code is compiled, and each thread has what it opens only once. */
const SESSIONS_BEFORE = 50;
/** Sessions that are there before memory is measured: heaps grow in leaps, which are no session's. */
const SESSIONS_THERE = 300;
const SESSION_BYTES_MAX = 64 * KIB;
/** Logins at a time: below the number of pending ones that a target takes. */
const LOGINS_AT_ONCE = 10;
const COLLECT_GARBAGE = fileURLToPath(new URL('../../support/collect-garbage.cjs', import.meta.url));
const COLLECTIONS = 5;

describe.each(['uring', 'posix'] as const)('memory, engine %s', (engine) => {
  let target: TargetProcess;

  beforeEach(async () => {
    target = await TargetProcess.start(
      {
        // The sessions are idle for as long as this test takes: nobody asks them for a sign of life.
        tuning: { workers: 2, engine, nopIntervalMs: 0 },
        targets: [
          {
            name: TARGET_NAME,
            sessionLimit: 2 * SESSIONS,
            connectionLimit: 2 * SESSIONS,
            luns: [
              { lun: 0, backend: 'memory', size: '1MiB' },
              { lun: 1, backend: 'file', path: 'disk', size: '1MiB' },
            ],
          },
        ],
      },
      { descriptors: 4096, env: { NODE_OPTIONS: `--require ${COLLECT_GARBAGE}` } },
    );
    expect(target.ready.engine).toBe(engine);
  });
  afterEach(() => target.stop());

  async function logInMany(count: number): Promise<RawInitiator[]> {
    const initiators: RawInitiator[] = [];
    while (initiators.length < count) {
      const logins = Array.from({ length: LOGINS_AT_ONCE }, () => RawInitiator.logIn(target.port));
      initiators.push(...(await Promise.all(logins)));
    }
    return initiators;
  }

  /** The resident set without main's garbage, at its lowest: the kernel gets memory back when V8 finds the time. */
  async function settledRss(): Promise<number> {
    const reports = () => [...target.log.matchAll(/^\{"collected":.*\}$/gm)];
    const readings: number[] = [];
    while (readings.length < COLLECTIONS) {
      const before = reports().length;
      process.kill(target.pid, 'SIGUSR2');
      while (reports().length === before) await sleep(100);
      readings.push(JSON.parse(reports().at(-1)![0]).collected.rss);
    }
    return Math.min(...readings);
  }

  it(`keeps ${SESSIONS} idle sessions for less than 64 KiB each, and gives their descriptors back`, async () => {
    // One that stays: the count it is in is the same before and after.
    using witness = await RawInitiator.logIn(target.port);
    for (const initiator of await logInMany(SESSIONS_BEFORE)) await initiator.logOut();
    const descriptors = await target.settledDescriptors();
    const initiators = await logInMany(SESSIONS_THERE);
    const rssBytes = await settledRss();
    initiators.push(...(await logInMany(SESSIONS)));
    expect(target.readings().descriptors).toBeGreaterThan(SESSIONS_THERE + SESSIONS);
    expect(((await settledRss()) - rssBytes) / SESSIONS).toBeLessThan(SESSION_BYTES_MAX);
    for (const initiator of initiators) await initiator.ping();
    // Half of them say goodbye and half just go.
    for (const [index, initiator] of initiators.entries()) {
      if (index % 2 === 0) await initiator.logOut();
      else initiator.wire.close();
    }
    // Fewer than before, if one that was about to be closed was counted then.
    await expect.poll(() => target.readings().descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(descriptors);
    await witness.ping();
  });
});
