// Sessions that are idle: they are there for as long as something is measured, or it is said that they were not.

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withIdleSessions } from '../../bench/raw-load.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const SESSIONS = 2;
/** Longer than an initiator which means to answer is ever kept from it. */
const NOP_INTERVAL_MS = 2000;
const GIVEN_UP = /does not answer a NOP-In/;

function start(): Promise<TargetProcess> {
  const luns = [{ lun: 0, backend: 'null' as const, size: '1MiB' }];
  return TargetProcess.start({
    targets: [{ name: TARGET_NAME, luns }],
    tuning: { workers: 1, slabMiB: 16, nopIntervalMs: NOP_INTERVAL_MS },
  });
}

test('idle sessions answer the pings of the target', async () => {
  await using target = await start();
  await withIdleSessions(target.url(), SESSIONS, async () => {
    // Whoever does not is given up, and began after the others.
    using silent = await RawInitiator.logIn(target.port);
    while ((await silent.receive()) !== null);
  });
  await target.logged(GIVEN_UP);
  expect(target.log.split(GIVEN_UP)).toHaveLength(2);
});

test('nothing counts as measured among idle sessions when some of them have ended', async () => {
  const target = await start();
  const among = withIdleSessions(target.url(), SESSIONS, async () => {
    using last = await RawInitiator.logIn(target.port);
    await target.kill();
    await last.expectClose();
    await setImmediate();
  });
  await expect(among).rejects.toThrow('2 of 2 idle sessions have ended');
});
