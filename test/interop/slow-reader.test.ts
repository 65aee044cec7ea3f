// Watchers that do not read what they are told, at a running target: it lets go of them, has bounded memory in them until then, and tells
// the others all the while. What it makes of a thousand of them is watching.test.ts's.

import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { LISTED_MAX } from '../../src/metrics/sampler.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { Listener } from '../support/listener.ts';
import { admitted, loginStatus } from '../support/login-attempt.ts';
import { hasNativeServer } from '../support/node-version.ts';
import type { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { type ConfigurationFile, TargetProcess } from '../support/target-process.ts';

/** The kernel takes some 4 MiB for a socket that nobody reads, before the target has anything of it. */
const LIMIT_MS = 230_000;
const DEAF = 10;
/** What each of them may have lie, twice over, and what the process may need by itself meanwhile. */
const GROWTH_MAX = 2 * DEAF * 256 * 1024 + 64 * MIB;
/** A young generation that stays small: by itself it grows by up to 48 MiB, when it likes. */
const STEADY = '--max-semi-space-size=2';
const NODE_OPTIONS = `${STEADY} --require=${join(repositoryRoot(), 'test/support/without-native.cjs')}`;

/** So that there is much to tell each second: as many units and sessions as are told of, with the longest names. */
const nameOf = (what: string): string => `iqn.2026-11.io.lunaring:${what}.`.padEnd(223, 'x');
const FILE: ConfigurationFile = {
  admin: { address: '127.0.0.1', port: 0 },
  targets: [
    {
      name: nameOf('target'),
      sessionLimit: 2 * LISTED_MAX,
      connectionLimit: 2 * LISTED_MAX,
      luns: Array.from({ length: LISTED_MAX }, (_, lun) => ({ lun, backend: 'null' as const, size: MIB })),
    },
  ],
  // Nobody answers for the initiators.
  tuning: { workers: 1, nopIntervalMs: 0 },
};

async function guests(target: TargetProcess): Promise<RawInitiator[]> {
  const all: RawInitiator[] = [];
  while (all.length < LISTED_MAX) {
    const initiatorName = nameOf(`initiator-${all.length}`);
    const keys = { InitiatorAlias: 'a'.repeat(200) };
    all.push(await admitted(target.port, { initiatorName, target: nameOf('target'), keys, keepAttentions: true }));
  }
  return all;
}

const JAVASCRIPT = ['JavaScript', 'false', { NODE_OPTIONS }] as const;
const SERVERS = hasNativeServer ? [['native', 'true', { NODE_OPTIONS: STEADY }] as const, JAVASCRIPT] : [JAVASCRIPT];

describe.concurrent('who does not read', () => {
  test.each(SERVERS)('is let go by the %s server', { timeout: LIMIT_MS }, async (_, native, env) => {
    await using target = await TargetProcess.start(FILE, { env });
    await target.logged(new RegExp(`"native":${native}`));
    const initiators = await guests(target);
    using listener = await Listener.open(target.ready.admin!);
    // A descriptor that the target has for a moment, to read a file of /proc for example, is none of those that count.
    const descriptors = await target.settledDescriptors();
    const { rssBytes } = target.readings();
    let rssMax = rssBytes;
    const deaf = await Promise.all(
      Array.from({ length: DEAF }, () => Listener.open(target.ready.admin!, { reads: false })),
    );
    expect(target.readings().descriptors).toBeGreaterThanOrEqual(descriptors + DEAF);
    const heard = listener.messages;
    // Refusals are told as they come: messages for those who read, and more that the others let lie.
    const refused = () => loginStatus(target.port, { target: nameOf('nobody') });
    do {
      expect([await refused(), await refused()]).toEqual(['0203', '0203']);
      // Not the peak that the kernel knows: that is of the start as well.
      rssMax = Math.max(rssMax, target.readings().rssBytes);
    } while (target.readings().descriptors > descriptors);
    expect(rssMax - rssBytes).toBeLessThan(GROWTH_MAX);
    // All others are there: initiators, and the one that reads, which has been told all the time.
    const { value: status } = await callAdmin(target.ready.admin!, 'GET', 'status');
    expect(status.sessions).toBe(LISTED_MAX);
    const later = listener.messages;
    expect(later - heard).toBeGreaterThan(30);
    // Not `expect.poll`: it looks for the test that is under way, of which there are two.
    await vi.waitFor(() => expect(listener.messages).toBeGreaterThan(later), { timeout: 20_000 });
    expect(await loginStatus(target.port, { target: nameOf('target') })).toBe('0000');
    for (const each of [...initiators, ...deaf]) each[Symbol.dispose]();
  });
});
