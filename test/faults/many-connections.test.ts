// Ten thousand connections at a time, and thousands of sessions: those that say nothing are held to what there is room for, those that log in are served or told why
// not, and others do not notice. Idle sessions and what each costs are conformance/full-feature/memory.test.ts.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { PENDING_LOGINS_MAX } from '../../src/control/admittance.ts';
import { Bystander } from '../support/bystander.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const CONNECTIONS = 10_000;
/** More than a worker takes. */
const LOGINS = 2300;
const TARGETS = 2;
const SESSIONS_PER_TARGET = LOGINS / TARGETS;
const AT_ONCE = 50;
/** Of ours and of the target, for everything that is no connection. */
const OTHER_DESCRIPTORS = 1000;
const SESSION_BYTES_MAX = 64 * KIB;
/** A worker promises 32,768 commands, and 16 of them to each session to begin with. */
const SESSIONS_MAX = 2048;
const BYSTANDER_SHARE = 16;
const OUT_OF_RESOURCES = 0x0302;
/** What hosts are told, and come again, when a worker takes seconds to answer, as it may on a machine that is busy otherwise. */
const WORKER_TOO_SLOW = 0x0300;
const nameOf = (index: number): string => `${TARGET_NAME}-${index % TARGETS}`;

/** How many connections the descriptors of this process allow; it has raised its limit as far as it may. */
function affordable(): number {
  const [, soft = '0'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.min(CONNECTIONS, Number(soft) - OTHER_DESCRIPTORS);
}

async function many<Item>(count: number, make: (index: number) => Promise<Item>): Promise<Item[]> {
  const made: Item[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, index) => make(first + index));
    made.push(...(await Promise.all(batch)));
  }
  return made;
}

describe.each(['uring', 'posix'] as const)('ten thousand connections, engine %s', { timeout: 240_000 }, (engine) => {
  const count = affordable();
  const start = () =>
    TargetProcess.start(
      {
        tuning: { engine, workers: 1, nopIntervalMs: 0, loginTimeoutMs: 120_000 },
        log: { level: 'error' },
        targets: Array.from({ length: TARGETS }, (_, index) => ({
          name: nameOf(index),
          sessionLimit: SESSIONS_PER_TARGET,
          connectionLimit: SESSIONS_PER_TARGET,
          luns: [{ lun: 0, backend: 'memory' as const, size: MIB }],
        })),
      },
      { descriptors: CONNECTIONS + OTHER_DESCRIPTORS },
    );
  const bystand = async (target: TargetProcess) =>
    new Bystander(await RawInitiator.logIn(target.port, { target: nameOf(0) }));
  const tell = (what: string) => process.stderr.write(`${engine}: ${what}\n`);

  it('that say nothing keep nobody out', async () => {
    await using target = await start();
    const bystander = await bystand(target);
    const { descriptors, rssBytes } = target.readings();
    const silent = await many(count, () => RawInitiator.connect(target.port));
    await bystander.advances();
    await (await RawInitiator.logIn(target.port, { target: nameOf(1) })).logOut();
    const during = target.readings();
    tell(
      `${count} silent connections; the target holds ${during.descriptors - descriptors}, and ${((during.rssBytes - rssBytes) / MIB).toFixed(0)} MiB more than before`,
    );
    expect(during.descriptors - descriptors).toBeLessThanOrEqual(PENDING_LOGINS_MAX + AT_ONCE);
    expect(during.rssBytes - rssBytes).toBeLessThan(128 * MIB);
    for (const { wire } of silent) wire.close();
    await bystander.stop();
  });

  // Main and what a worker promises are the same for both engines, and this takes its time.
  const once = engine === 'uring' || process.env['LUNARING_SUITE'] === 'whole';
  it.runIf(once)(
    'that log in are served as far as commands can be promised to them, and refused with 0302 beyond',
    async () => {
      await using target = await start();
      const bystander = await bystand(target);
      const before = target.readings();
      const tried = await many(LOGINS, async (index) => {
        const options = { target: nameOf(index), skipSecurity: true, keepAttentions: true };
        for (;;) {
          const initiator = await RawInitiator.connect(target.port);
          const { status } = await initiator.login(options);
          if (status !== WORKER_TOO_SLOW) return { initiator, status };
          initiator.wire.close();
        }
      });
      const served = tried.filter(({ status }) => status === 0).map(({ initiator }) => initiator);
      const during = target.readings();
      const each = (during.rssBytes - before.rssBytes) / served.length;
      tell(`${served.length} of ${LOGINS} logins served, ${(each / KIB).toFixed(1)} KiB each`);
      expect(new Set(tried.map(({ status }) => status))).toEqual(new Set([0, OUT_OF_RESOURCES]));
      // The bystander has been promised as many as several others.
      expect(served.length).toBeGreaterThan(SESSIONS_MAX - BYSTANDER_SHARE);
      expect(each).toBeLessThan(SESSION_BYTES_MAX);
      await bystander.advances();
      for (const initiator of served) await initiator.ping();
      for (const { initiator } of tried) initiator.wire.close();
      await bystander.advances();
      const left = () => target.readings().descriptors;
      await expect.poll(left, { timeout: 60_000 }).toBeLessThan(before.descriptors + AT_ONCE);
      await bystander.stop();
    },
  );
});
