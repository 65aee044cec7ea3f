import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError, LoadingError } from '../../src/config/finding.ts';
import { loadSettings } from '../../src/config/load.ts';
import { LoginSettings } from '../../src/control/login-settings.ts';
import { Reload } from '../../src/control/reload.ts';
import { StorageError } from '../../src/control/storage.ts';
import { Scratch } from '../support/scratch.ts';
import { FakeAdministration, FakePortals } from './fake-administration.ts';

const A = 'iqn.2026-11.com.example:a';
const B = 'iqn.2026-11.com.example:b';
const C = 'iqn.2026-11.com.example:c';
const MIB = 1024 * 1024;

type Target = Readonly<Record<string, unknown>>;
const disk = (lun: number, more: object = {}) => ({ lun, backend: 'null', size: '1MiB', ...more });
const BEFORE: readonly Target[] = [
  { name: A, luns: [disk(0), disk(1, { limits: { iops: 100 } })] },
  { name: B, luns: [{ lun: 0, path: '/srv/b.img', size: '1MiB' }] },
];

/** Loads `targets` and `more` as if they stood in a file. */
function load(targets: readonly Target[], more: object = {}) {
  const text = JSON.stringify({ targets, ...more });
  return loadSettings({ file: 'lunaring.yaml', text, environment: {}, workingDirectory: '/srv' });
}

let log: pino.Logger;
let administration: FakeAdministration;
let listeners: FakePortals;
let loginSettings: LoginSettings;
beforeEach(() => {
  log = pino({ level: 'info' }, { write: () => {} });
  const settings = load(BEFORE).settings!;
  administration = new FakeAdministration(settings);
  listeners = new FakePortals(settings.portals);
  loginSettings = new LoginSettings(settings);
});

function reloadOf(targets: readonly Target[], more: object = {}): Reload {
  const served = { administration: administration.asAdministration(), listeners: listeners.asPortals(), loginSettings };
  const options = { settings: load(BEFORE).settings!, running: () => served, log };
  return new Reload({ ...options, load: () => load(targets, more) });
}

/** What happens when the file says this. */
async function applied(targets: readonly Target[], more: object = {}) {
  const reload = reloadOf(targets, more);
  const planned = reload.plan();
  expect([planned.applied, administration.done]).toEqual([false, []]);
  const report = await reload.apply();
  expect(report).toEqual({ changes: planned.changes, applied: true, warnings: [] });
  return report.changes.map(({ path, action, sessions }) => `${action} ${path} ${sessions.join()}`.trim());
}

const [a, b] = BEFORE as [Target, Target];

describe('a reload', () => {
  test('of what is served does nothing', async () => {
    expect(await applied(BEFORE)).toEqual([]);
    expect(administration.done).toEqual([]);
  });

  test('adds and removes targets; what ends sessions comes last', async () => {
    expect(await applied([a, { name: C, luns: [] }])).toEqual([`add targets[${C}]`, `remove targets[${B}] 2`]);
    expect(administration.done).toEqual([`add ${C}`, `remove ${B}`]);
  });

  test('gives a target another name: the old one makes room first', async () => {
    await applied([a, { ...b, name: C }]);
    expect(administration.done).toEqual([`remove ${B}`, `add ${C}`]);
  });

  test('changes what logins meet, key by key', async () => {
    const changed = { ...a, alias: 'x', sessionLimit: 3, state: 'offline', redirect: { address: '192.0.2.7' } };
    const path = `change targets[${A}]`;
    expect(await applied([changed, b])).toEqual(
      ['alias', 'sessionLimit', 'state', 'redirect'].map((key) => `${path}.${key}`),
    );
    expect(administration.done).toEqual([
      `change ${A} {"alias":"x"}`,
      `change ${A} {"sessionLimit":3}`,
      `offline ${A}`,
      `redirect ${A} 192.0.2.7`,
    ]);
  });

  test('adds, removes, grows and limits units', async () => {
    const luns = [disk(0, { size: '2MiB', limits: { iops: 50 } }), disk(2)];
    expect(await applied([{ ...a, luns }, b])).toEqual([
      `grow targets[${A}].luns[0].size 1`,
      `limit targets[${A}].luns[0].limits 1`,
      `add targets[${A}].luns[2] 1`,
      `remove targets[${A}].luns[1] 1`,
    ]);
    expect(administration.done).toEqual([
      `add ${A} 2 of ${MIB}`,
      `grow ${A} 0 ${2 * MIB}`,
      `limit ${A} 0 50`,
      `remove ${A} 1`,
    ]);
  });

  test.each([
    ['smaller', { size: '64KiB' }],
    ['read-only', { readOnly: true }],
    ['of other blocks', { blockSize: 4096 }],
    ['of memory', { backend: 'memory' }],
  ])('puts another unit in the place of one that becomes %s', async (_, more) => {
    const luns = [disk(0, more), disk(1, { limits: { iops: 100 } })];
    expect(await applied([{ ...a, luns }, b])).toEqual([`replace targets[${A}].luns[0] 1`]);
    expect(administration.done[0]).toBe(`clear ${A} 0`);
    expect(administration.done[1]).toMatch(new RegExp(`^add ${A} 0 of `));
  });

  test('sets the level of the log, and says what waits for the next start', async () => {
    const more = { log: { level: 'debug', format: 'json' }, tuning: { workers: 7 }, admin: false };
    expect(await applied(BEFORE, more)).toEqual([
      'restart admin',
      'restart tuning.workers',
      'restart log.format',
      'change log.level',
    ]);
    expect(log.level).toBe('debug');
    const { changes } = reloadOf(BEFORE, more).plan();
    expect(changes.map(({ reason }) => reason)).toEqual([
      'the interface is opened once',
      'the threads are started once, and a session stays on its own',
      'the log is opened once',
    ]);
  });

  test('puts another state directory off until the next start, and says now what would be wrong with it', async () => {
    using scratch = new Scratch('reload');
    expect(await applied(BEFORE, { stateDirectory: scratch.path })).toEqual(['restart stateDirectory']);
    const missing = scratch.file('missing');
    await expect(reloadOf(BEFORE, { stateDirectory: missing }).apply()).rejects.toMatchObject({
      findings: [{ path: 'stateDirectory', received: `${missing}: ENOENT` }],
    });
  });

  test('sets what logins meet, of which sessions notice nothing', async () => {
    const auth = { method: 'chap', users: [{ name: 'alice', secret: 'sixteen letters!' }] };
    const tuning = { queueDepth: 16, firstBurstLength: 4096, loginTimeoutMs: 500, workers: 7, slabMiB: 8 };
    expect(await applied(BEFORE, { tuning, discovery: { auth } })).toEqual([
      'change discovery',
      'change tuning.queueDepth',
      'change tuning.firstBurstLength',
      'change tuning.loginTimeoutMs',
      'restart tuning.workers',
      'restart tuning.slabMiB',
    ]);
    expect(loginSettings.tuning).toMatchObject({ queueDepth: 16, firstBurstLength: 4096, loginTimeoutMs: 500 });
    expect(loginSettings.tuning).not.toHaveProperty('workers');
    expect(loginSettings.discovery.auth.method).toBe('chap');
    // The second time it has them.
    expect(
      reloadOf(BEFORE, { tuning: { queueDepth: 16 } })
        .plan()
        .changes.map(({ path }) => path),
    ).toEqual(['discovery', 'tuning.firstBurstLength', 'tuning.loginTimeoutMs']);
  });

  test('listens on other portals, and gives targets their groups, before it leaves old ones', async () => {
    const portals = [
      { address: '127.0.0.2', port: 3270, tag: 2 },
      { address: '::1', port: 3271, tag: 1 },
    ];
    const groups = [1, 2].join();
    expect(await applied(BEFORE, { portals })).toEqual([
      'add portals[127.0.0.2:3270]',
      'add portals[[::1]:3271]',
      'remove portals[127.0.0.1:3260]',
      `change targets[${A}].portalGroups`,
      `change targets[${B}].portalGroups`,
    ]);
    expect(listeners.done).toEqual(['listen 127.0.0.2 3270', 'listen ::1 3271', 'leave 127.0.0.1 3260']);
    const changed = [A, B].map((name) => `change ${name} {"portalGroups":[${groups.split(',').reverse()}]}`);
    expect(administration.done).toEqual(changed);
  });

  test('changes a portal where it is, and makes room for one on all addresses', async () => {
    const portal = { address: '127.0.0.1', port: 3260, discovery: false };
    expect(await applied(BEFORE, { portals: [portal] })).toEqual(['change portals[127.0.0.1:3260]']);
    expect(listeners.done).toEqual(['change 127.0.0.1 3260 discovery false']);
    listeners.done.length = 0;
    expect(await applied(BEFORE, { portals: [{ address: '0.0.0.0', port: 3260 }] })).toEqual([
      'add portals[0.0.0.0:3260]',
      'remove portals[127.0.0.1:3260]',
    ]);
    expect(listeners.done).toEqual(['leave 127.0.0.1 3260', 'listen 0.0.0.0 3260']);
  });

  test('has a portal on :: leave IPv4 to one that comes, and take it again when that goes', async () => {
    const dual = { address: '::', port: 3270 };
    const portals = [dual, { address: '0.0.0.0', port: 3270 }];
    await applied(BEFORE, { portals: [dual] });
    listeners.done.length = 0;
    expect(await applied(BEFORE, { portals })).toEqual(['change portals[[::]:3270]', 'add portals[0.0.0.0:3270]']);
    expect(listeners.done).toEqual(['leave :: 3270', 'listen 0.0.0.0 3270', 'listen :: 3270 IPv6 only']);
    expect(await applied(BEFORE, { portals })).toEqual([]);
    listeners.done.length = 0;
    expect(await applied(BEFORE, { portals: [dual] })).toEqual([
      'change portals[[::]:3270]',
      'remove portals[0.0.0.0:3270]',
    ]);
    expect(listeners.done).toEqual(['leave 0.0.0.0 3270', 'leave :: 3270', 'listen :: 3270']);
  });

  test('adds a portal on :: beside one of IPv4', async () => {
    const portals = [
      { address: '127.0.0.1', port: 3260 },
      { address: '::', port: 3260 },
    ];
    expect(await applied(BEFORE, { portals })).toEqual(['add portals[[::]:3260]']);
    expect(listeners.done).toEqual(['listen :: 3260 IPv6 only']);
  });

  test('of a file that can’t be loaded changes nothing', async () => {
    const reload = reloadOf([{ name: 'no name' }]);
    await expect(reload.apply()).rejects.toThrow(LoadingError);
    expect(() => reload.plan()).toThrow(/targets\[0\]\.name/);
    expect(administration.done).toEqual([]);
  });
});

describe('a reload that fails', () => {
  test('at a portal says which and why, and listens where it did', async () => {
    listeners.refuses = '0.0.0.0';
    const more = { portals: [{ address: '0.0.0.0', port: 3260 }], tuning: { queueDepth: 16 } };
    const failure = await reloadOf(BEFORE, more)
      .apply()
      .catch((error: ConfigurationError) => error);
    expect((failure as ConfigurationError).findings).toMatchObject([
      { path: 'portals[0.0.0.0:3260].address', received: 'portal 0.0.0.0: no' },
    ]);
    expect(listeners.done).toEqual(['leave 127.0.0.1 3260', 'listen 127.0.0.1 3260']);
    expect(loginSettings.tuning.queueDepth).toBe(128);
  });

  test('takes back what it did, and says where it failed', async () => {
    const size = new StorageError('size', '4MiB', 'at most 3MiB', 'make room');
    administration.refuses.set(`grow ${A} 0 ${4 * MIB}`, size);
    const targets = [
      { ...a, luns: [disk(0, { size: '4MiB' }), disk(1)] },
      { ...b, name: C },
    ];
    const failure = await reloadOf(targets)
      .apply()
      .catch((error: ConfigurationError) => error);
    expect((failure as ConfigurationError).findings).toMatchObject([
      { path: `targets[${A}].luns[0].size`, received: '4MiB' },
    ]);
    expect(administration.done).toEqual([`remove ${B}`, `add ${C}`, `remove ${C}`, `add ${B}`]);
  });

  test('puts back the unit that another could not replace', async () => {
    administration.refuses.set(`add ${A} 0 of ${64 * 1024}`, new StorageError('size', 'a', 'b', 'c'));
    const luns = [disk(0, { size: '64KiB' }), disk(1, { limits: { iops: 100 } })];
    await expect(reloadOf([{ ...a, luns }, b]).apply()).rejects.toThrow(ConfigurationError);
    expect(administration.done).toEqual([`clear ${A} 0`, `add ${A} 0 of ${MIB}`]);
  });

  test('puts back the unit that another had replaced', async () => {
    administration.refuses.set(`grow ${A} 1 ${4 * MIB}`, new StorageError('size', 'a', 'b', 'c'));
    const luns = [disk(0, { size: '64KiB' }), disk(1, { size: '4MiB' })];
    await expect(reloadOf([{ ...a, luns }, b]).apply()).rejects.toThrow(ConfigurationError);
    const [away, other] = [`clear ${A} 0`, `add ${A} 0 of ${64 * 1024}`];
    expect(administration.done).toEqual([away, other, away, `add ${A} 0 of ${MIB}`]);
  });
});
