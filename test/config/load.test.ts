import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import type { Finding } from '../../src/config/finding.ts';
import { FIRST_BURST_BYTES_MAX } from '../../src/config/limits.ts';
import { type Loaded, loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { Scratch } from '../support/scratch.ts';

type Environment = Record<string, string>;

function load(text: string | null, environment: Environment = {}): Loaded {
  if (text === null) return loadSettings({ environment, workingDirectory: '/srv' });
  using scratch = new Scratch('load');
  writeFileSync(scratch.file('lunaring.yaml'), text);
  return loadSettings({ file: 'lunaring.yaml', environment, workingDirectory: scratch.path });
}

function settingsOf(text: string | null, environment: Environment = {}): Settings {
  const { settings, findings } = load(text, environment);
  if (settings === null) throw new Error(JSON.stringify(findings));
  return settings;
}

/** The findings, each as `path: received`. */
function complaints(text: string | null, environment: Environment = {}): string[] {
  return load(text, environment).findings.map(({ path, received }) => `${path}: ${received}`);
}

function onlyFinding(text: string | null, environment: Environment = {}): Finding {
  const { findings } = load(text, environment);
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

/** A file with one target, around some YAML of its own. */
const withTarget = (rest: string) => `targets:\n  - name: iqn.2026-11.com.example:a\n${rest.replace(/^/gm, '    ')}\n`;

describe('without any configuration', () => {
  test('one sparse disk is served on the loopback', () => {
    const { portals, admin, targets, discovery } = settingsOf(null);
    expect(portals).toEqual([{ address: '127.0.0.1', port: 3260, tag: 1, discovery: true }]);
    expect(admin).toEqual({ address: '127.0.0.1', port: 9260 });
    expect(discovery).toEqual({ auth: { method: 'none' } });
    expect(targets).toHaveLength(1);
    expect(targets[0]).toMatchObject({ name: 'iqn.2026-11.io.lunaring:disk0', state: 'online', portalGroups: [1] });
    expect(targets[0]!.luns).toEqual([
      {
        lun: 0,
        backend: 'file',
        path: '/srv/disk0.img',
        size: 2 ** 30,
        direct: true,
        blockSize: 512,
        readOnly: false,
        removable: false,
      },
    ]);
  });

  test('there is one worker for each core', () => {
    expect(settingsOf(null).tuning.workers).toBe(availableParallelism());
  });

  test('nothing is made or changed', () => {
    using scratch = new Scratch('load');
    loadSettings({ environment: {}, workingDirectory: scratch.path });
    expect(existsSync(scratch.file('disk0.img'))).toBe(false);
  });

  test('settings are frozen through and through', () => {
    const settings = settingsOf(null);
    expect(Object.isFrozen(settings)).toBe(true);
    expect(Object.isFrozen(settings.targets[0]!.luns[0])).toBe(true);
    expect(Object.isFrozen(settings.tuning.cpus)).toBe(true);
  });
});

describe('sources', () => {
  const text = 'tuning: { workers: 3, queueDepth: 7 }\nlog: { level: warn }\n';

  test('the file wins over defaults, the environment over the file', () => {
    const { tuning, log } = settingsOf(text, { LUNARING_WORKERS: '5' });
    expect([tuning.workers, tuning.queueDepth, tuning.slabMiB, log.level]).toEqual([5, 7, 64, 'warn']);
  });

  test('what the file says in vain is told of', () => {
    const { findings } = load(text, { LUNARING_WORKERS: '5', LUNARING_SLAB_MIB: '128' });
    expect(findings).toEqual([
      {
        severity: 'warning',
        path: 'tuning.workers',
        origin: 'lunaring.yaml:1',
        received: '3, and LUNARING_WORKERS, which goes before it',
        allowed: 'one of the two',
        remedy: 'unset LUNARING_WORKERS, or take this out of the file',
      },
    ]);
    const disks = load('targets: [{ name: iqn.2026-11.io.lunaring:a }]', { LUNARING_DISKS: '/dev/null' }).findings;
    expect(disks.map(({ path, received }) => `${path}: ${received}`)).toContain(
      'targets: a list of 1, and LUNARING_DISKS, which goes before it',
    );
  });

  test('each value knows where it came from', () => {
    const loaded = load(text, { LUNARING_WORKERS: '5', LUNARING_DIRECT: 'no' });
    if (loaded.settings === null) throw new Error('refused');
    expect(loaded.originOf(['tuning', 'workers'])).toBe('LUNARING_WORKERS');
    expect(loaded.originOf(['tuning', 'queueDepth'])).toBe('lunaring.yaml:1');
    expect(loaded.originOf(['tuning', 'slabMiB'])).toBe('default');
    expect(loaded.originOf(['log', 'level'])).toBe('lunaring.yaml:2');
    expect(loaded.originOf(['targets', 0, 'luns', 0, 'direct'])).toBe('LUNARING_DIRECT');
    expect(loaded.originOf(['targets', 0, 'luns', 0, 'path'])).toBe('default');
  });

  test('LUNARING_CONFIG names the file, the command line overrules it', () => {
    using scratch = new Scratch('load');
    writeFileSync(scratch.file('a.yaml'), 'log: { level: warn }');
    writeFileSync(scratch.file('b.yaml'), 'log: { level: error }');
    const environment = { LUNARING_CONFIG: 'a.yaml' };
    const levelWith = (file?: string) => {
      const { settings } = loadSettings({ file, environment, workingDirectory: scratch.path });
      return settings?.log.level;
    };
    expect(levelWith()).toBe('warn');
    expect(levelWith('b.yaml')).toBe('error');
  });

  test('paths in the file are relative to it, others to the working directory', () => {
    using scratch = new Scratch('load');
    const file = scratch.file('lunaring.yaml');
    writeFileSync(file, withTarget('luns: [{ lun: 0, path: ./disk.img }]'));
    const pathWith = (environment: Environment) => {
      const { settings } = loadSettings({ file, environment, workingDirectory: '/srv' });
      const lun = settings?.targets[0]?.luns[0];
      return lun?.backend === 'file' ? lun.path : undefined;
    };
    expect(pathWith({})).toBe(scratch.file('disk.img'));
    expect(pathWith({ LUNARING_DISKS: 'disk.img' })).toBe('/srv/disk.img');
  });

  test('the state directory of the file is relative to it, a variable’s to the working directory', () => {
    using scratch = new Scratch('load');
    const file = scratch.file('lunaring.yaml');
    writeFileSync(file, 'stateDirectory: state');
    const directoryWith = (environment: Environment) =>
      loadSettings({ file, environment, workingDirectory: '/srv' }).settings?.stateDirectory;
    expect(directoryWith({})).toBe(scratch.file('state'));
    expect(directoryWith({ LUNARING_STATE_DIRECTORY: 'state' })).toBe('/srv/state');
  });

  test('a path that a variable puts into a section of the file is relative to the working directory', () => {
    using scratch = new Scratch('load');
    const file = scratch.file('lunaring.yaml');
    writeFileSync(file, 'admin: { port: 9261, tokenFile: a.token }');
    const adminWith = (environment: Environment) =>
      loadSettings({ file, environment, workingDirectory: '/srv' }).settings?.admin;
    expect(adminWith({})).toMatchObject({ tokenFile: scratch.file('a.token') });
    expect(adminWith({ LUNARING_ADMIN: '127.0.0.1:9262' })).toMatchObject({ tokenFile: scratch.file('a.token') });
    expect(adminWith({ LUNARING_ADMIN_TOKEN_FILE: 'b.token' })).toMatchObject({
      port: 9261,
      tokenFile: '/srv/b.token',
    });
  });
});

describe('findings', () => {
  test('name place, value, what is allowed and what to do', () => {
    expect(onlyFinding('\ntuning:\n  workers: 0\n')).toEqual({
      severity: 'error',
      path: 'tuning.workers',
      origin: 'lunaring.yaml:3',
      received: '0',
      allowed: 'auto, or a whole number from 1 to 128',
      remedy: 'change it, or leave it out where there is a default',
    });
  });

  test('come all at once', () => {
    const text = `portals: [{ address: nowhere }]\nlog: { level: loud }\n${withTarget('luns: [{ lun: 0 }, { lun: -1, path: x }]')}`;
    expect(complaints(text)).toEqual([
      'portals[0].address: "nowhere"',
      'targets[0].luns[0].path: nothing',
      'targets[0].luns[1].lun: -1',
      'log.level: "loud"',
    ]);
  });

  test.each([
    ['protals: []', 'protals', 'did you mean portals?'],
    ['portals: [{ address: 127.0.0.1, prot: 1 }]', 'portals[0].prot', 'did you mean port?'],
    [withTarget('luns: [{ lun: 0, path: x, sise: 1GiB }]'), 'targets[0].luns[0].sise', 'did you mean size?'],
    ['tuning: { maxburstlength: 1 }', 'tuning.maxburstlength', 'did you mean maxBurstLength?'],
    ['colour: red', 'colour', 'remove it'],
  ])('an unknown key is an error: %s', (text, path, remedy) => {
    expect(onlyFinding(text)).toMatchObject({ severity: 'error', path, remedy });
  });

  test('but a schema may be named, which is the editor’s', () => {
    expect(settingsOf('{ "$schema": "./lunaring.schema.json", "log": { "level": "warn" } }').log.level).toBe('warn');
    expect(complaints('{ "$schema": 7 }')).toEqual(['$schema: 7']);
  });

  test('a mistyped word gets a suggestion', () => {
    expect(onlyFinding('tuning: { engine: urign }').remedy).toBe('did you mean uring?');
  });

  test.each(['naa: 3000000100000001', 'naa: 5000000000000e10', 'serial: 4711', 'path: 7'])(
    'what YAML takes for a number is told about quotes: %s',
    (text) => {
      const path = text.startsWith('path') ? '' : 'path: x, ';
      expect(onlyFinding(withTarget(`luns: [{ lun: 0, ${path}${text} }]`)).remedy).toBe('put it in quotes');
    },
  );

  test('numbers that JSON does not have are quoted as they are', () => {
    const complaint = ['targets[0].luns[0].size: Infinity', 'targets[0].luns[0].blockSize: NaN'];
    const lun = '{ lun: 0, backend: memory, size: .inf, blockSize: .nan }';
    expect(complaints(withTarget(`luns: [${lun}]`))).toEqual(complaint);
  });

  test('a null backend is told about quotes', () => {
    expect(onlyFinding(withTarget('luns: [{ lun: 0, backend: null, size: 1GiB }]')).remedy).toContain('"null"');
  });

  test('an unknown variable is a warning: others may set some of our prefix', () => {
    const { settings, findings } = load(null, {
      LUNARING_WORKER: '3',
      LUNARING_PORT_3260_TCP: 'tcp://10.0.0.1:3260',
      PATH: '/bin',
    });
    expect(settings).not.toBeNull();
    expect(findings.map(({ severity, path }) => [severity, path])).toEqual([
      ['warning', 'LUNARING_WORKER'],
      ['warning', 'LUNARING_PORT_3260_TCP'],
    ]);
    expect(findings[0]!.remedy).toBe('did you mean LUNARING_WORKERS?');
  });

  test('a variable out of bounds is named', () => {
    expect(onlyFinding(null, { LUNARING_WORKERS: '1000' })).toMatchObject({
      origin: 'LUNARING_WORKERS',
      received: '1000',
    });
  });

  test.each(['true', '1', '"text"', '[1]', 'null'])(
    'a file of sections that are %s is refused, not a crash',
    (value) => {
      const keys = ['portals', 'admin', 'discovery', 'targets', 'tuning', 'log'];
      const everything = Object.fromEntries(ENVIRONMENT.map(({ name }) => [name, '1']).slice(1));
      for (const key of keys) {
        expect(load(`${key}: ${value}`).findings.map(({ path }) => path.split('[')[0])).toContain(key);
        expect(load(`${key}: ${value}`, everything).settings).toBeNull();
      }
    },
  );
});

describe('secrets', () => {
  const chap = (users: string, rest = '') => withTarget(`luns: []\nauth: { method: chap, users: ${users}${rest} }`);

  test('are kept and not printed', () => {
    const settings = settingsOf(chap('[{ name: alice, secret: sixteen-or-more-letters }]'));
    const { auth } = settings.targets[0]!;
    expect(auth.method === 'chap' && auth.users[0]?.secret.reveal()).toBe('sixteen-or-more-letters');
    expect(JSON.stringify(settings)).not.toContain('sixteen');
  });

  test('are read from files', () => {
    using scratch = new Scratch('load');
    writeFileSync(scratch.file('secret'), '  sixteen-or-more-letters\n');
    writeFileSync(scratch.file('empty'), '\n');
    const fromFile = (name: string) => {
      writeFileSync(scratch.file('c.yaml'), chap(`[{ name: alice, secretFile: ${name} }]`));
      return loadSettings({ file: scratch.file('c.yaml'), environment: {}, workingDirectory: '/' });
    };
    const auth = fromFile('secret').settings?.targets[0]?.auth;
    expect(auth?.method === 'chap' && auth.users[0]?.secret.reveal()).toBe('sixteen-or-more-letters');
    expect(fromFile('empty').findings).toMatchObject([
      { path: 'targets[0].auth.users[0].secretFile', received: '0 characters' },
    ]);
    expect(fromFile('missing').findings).toMatchObject([{ received: expect.stringContaining('ENOENT') }]);
  });

  test('have 12 characters and more; fewer than 16 get a warning', () => {
    const severity = (secret: string) =>
      load(chap(`[{ name: alice, secret: ${secret} }]`)).findings.map((finding) => finding.severity);
    expect(severity('eleven-char')).toEqual(['error']);
    expect(severity('twelve-chars')).toEqual(['warning']);
    expect(severity('fifteen-letters')).toEqual(['warning']);
    expect(severity('sixteen-letters!')).toEqual([]);
  });

  test('are given once, in one way', () => {
    expect(complaints(chap('[{ name: alice }]'))).toEqual(['targets[0].auth.users[0]: neither secret nor secretFile']);
    expect(load(chap('[{ name: alice }]')).findings).toMatchObject([{ remedy: 'add one of them' }]);
    const both = '[{ name: alice, secret: sixteen-or-more-letters, secretFile: x }]';
    expect(complaints(chap(both))).toEqual(['targets[0].auth.users[0]: secret and secretFile']);
  });

  test('RFC 7143 §9.2.1: are not the same in both directions', () => {
    const user = '[{ name: alice, secret: sixteen-or-more-letters }]';
    const mutual = ', mutual: { name: target, secret: sixteen-or-more-letters }';
    expect(complaints(chap(user, mutual))).toEqual(["targets[0].auth.mutual: a user's secret"]);
  });

  test('RFC 7143 §9.2.1: nor are they at different targets, or at one and for discovery', () => {
    const chapOf = (secret: string, own: string): string =>
      `{ method: chap, users: [{ name: a, secret: ${secret} }], mutual: { name: t, secret: ${own} } }`;
    const [alice, bob, targets, discoverys] = ['alice', 'bob', 'target', 'discovery'].map(
      (who) => `the-secret-of-${who}`,
    );
    const both = (first: string, second: string, discovery: string): string[] =>
      complaints(`
discovery: { auth: ${discovery} }
targets:
  - { name: 'iqn.2026-11.x:a', auth: ${first}, luns: [] }
  - { name: 'iqn.2026-11.x:b', auth: ${second}, luns: [] }
`);
    const [a, b] = [chapOf(alice!, targets!), chapOf(bob!, targets!)];
    expect(both(a, b, chapOf(alice!, discoverys!))).toEqual([]);
    expect(both(a, chapOf(bob!, alice!), '{ method: none }')).toEqual(["targets[1].auth.mutual: a user's secret"]);
    expect(both(a, b, chapOf(alice!, bob!))).toEqual(["discovery.auth.mutual: a user's secret"]);
    expect(both(a, b, chapOf(targets!, discoverys!))).toEqual([
      "targets[0].auth.mutual: a user's secret",
      "targets[1].auth.mutual: a user's secret",
    ]);
  });

  test.each([
    'auth: { method: chap, users: [{ name: a, secret: hunter2 }] }',
    'auth: { method: chap, users: [{ name: a, secret: 4815162342108 }] }',
    'auth: { method: chap, users: [{ name: a, secrt: hunter2-hunter2-hunter2 }] }',
    'auth: { method: chap, users: [hunter2-hunter2-hunter2] }',
    'auth: { method: chap, users: { hunter2-hunter2: hunter2 } }',
    'auth: { method: chap, users: hunter2-hunter2 }',
    'auth: hunter2-hunter2',
    'auth: { method: none, users: [{ name: a, secret: hunter2-hunter2 }] }',
    'auth: { method: chap, users: [{ name: a, secret: sixteen-or-more-letters }], mutual: hunter2-hunter2 }',
  ])('are never quoted by a finding: %s', (text) => {
    const { settings, findings } = load(withTarget(`luns: []\n${text}`));
    expect(settings).toBeNull();
    expect(JSON.stringify(findings.map(({ received, allowed, remedy }) => [received, allowed, remedy]))).not.toMatch(
      /hunter|48151/,
    );
  });

  test('users belong to method: chap', () => {
    const text = withTarget('luns: []\nauth: { users: [{ name: a, secret: sixteen-or-more-letters }] }');
    expect(onlyFinding(text)).toMatchObject({ path: 'targets[0].auth.users', remedy: 'write method: chap beside it' });
  });

  test('names of users are unique', () => {
    const users = '[{ name: a, secret: sixteen-or-more-letters }, { name: a, secret: sixteen-or-more-figures }]';
    expect(complaints(chap(users))).toEqual(['targets[0].auth.users[1].name: a']);
  });
});

describe('values that must fit together', () => {
  test('an admin interface beyond the loopback needs a token', () => {
    expect(complaints('admin: { address: 0.0.0.0 }')).toEqual(['admin.address: 0.0.0.0']);
    expect(complaints('admin: { address: "::" }')).toEqual(['admin.address: ::']);
    expect(complaints('admin: { address: "::1" }')).toEqual([]);
    expect(complaints('admin: { address: 127.1.2.3 }')).toEqual([]);
    expect(complaints('admin: { address: 0.0.0.0, tokenFile: t }')).toEqual([]);
    expect(complaints('admin: false')).toEqual([]);
  });

  test('RFC 7143 §13.14: FirstBurstLength is at most MaxBurstLength', () => {
    expect(complaints(null, { LUNARING_FIRST_BURST: '65536', LUNARING_MAX_BURST: '32768' })).toEqual([
      'tuning.firstBurstLength: 65536 bytes',
    ]);
    expect(settingsOf(null, { LUNARING_MAX_BURST: '32768' }).tuning.firstBurstLength).toBe(32768);
  });

  test('what is sent unasked fits one slot of I/O memory', () => {
    expect(FIRST_BURST_BYTES_MAX).toBe(SLOT_BYTES_MAX);
    expect(complaints(null, { LUNARING_FIRST_BURST: String(SLOT_BYTES_MAX) })).toEqual([]);
    expect(onlyFinding(null, { LUNARING_FIRST_BURST: String(SLOT_BYTES_MAX + 1) }).allowed).toContain('to 256KiB');
  });

  test('ErrorRecoveryLevel is 0 unless it is asked for', () => {
    const level = (value: string) => settingsOf(withTarget(`luns: []${value}`)).targets[0]!.errorRecoveryLevel;
    expect(level('')).toBe(0);
    expect(level('\nerrorRecoveryLevel: 2')).toBe(2);
    expect(onlyFinding(withTarget('luns: []\nerrorRecoveryLevel: 3'))).toMatchObject({
      path: 'targets[0].errorRecoveryLevel',
      allowed: 'a whole number from 0 to 2',
    });
  });

  test('a session has up to 8 connections', () => {
    const target = (connections: number) => withTarget(`luns: []\nmaxConnections: ${connections}`);
    expect(settingsOf(target(8)).targets[0]!.maxConnections).toBe(8);
    expect(complaints(target(9))).toEqual(['targets[0].maxConnections: 9']);
  });

  test('initiators are redirected by name, as names are compared', () => {
    const redirects = 'redirects: [{ initiators: ["IQN.1993-08.org.debian:*"], address: "[2001:db8::7]" }]';
    expect(settingsOf(withTarget(`luns: []\n${redirects}`)).targets[0]!.redirects).toEqual([
      { initiators: ['iqn.1993-08.org.debian:*'], address: '[2001:db8::7]', permanent: false },
    ]);
    expect(complaints(withTarget('luns: []\nredirects: [{ initiators: [], address: a }]'))).toHaveLength(1);
  });

  test('names of targets are unique, whatever their case', () => {
    const target = (name: string) => `  - { name: "${name}", luns: [] }\n`;
    const text = `targets:\n${target('iqn.2026-11.com.example:a')}${target('iqn.2026-11.com.EXAMPLE:A')}`;
    expect(complaints(text)).toEqual(['targets[1].name: iqn.2026-11.com.example:a']);
  });

  test('LUNs are unique in their target', () => {
    expect(complaints(withTarget('luns: [{ lun: 3, path: a }, { lun: 3, path: b }]'))).toEqual([
      'targets[0].luns[1].lun: 3',
    ]);
  });

  test('sizes are whole blocks', () => {
    const text = withTarget('luns: [{ lun: 0, backend: memory, size: 65600 }]');
    expect(complaints(text)).toEqual(['targets[0].luns[0].size: 65600 bytes']);
  });

  test('portals are unique, but for those on any port', () => {
    expect(complaints('portals: [{ address: 127.0.0.1 }, { address: 127.0.0.1 }]')).toHaveLength(1);
    expect(complaints('portals: [{ address: 127.0.0.1, port: 0 }, { address: 127.0.0.1, port: 0 }]')).toEqual([]);
  });

  test('targets are served by portal groups that exist', () => {
    const portals = 'portals: [{ address: 127.0.0.1, tag: 5 }, { address: "::1", tag: 6 }]\n';
    expect(settingsOf(`${portals}${withTarget('luns: []')}`).targets[0]!.portalGroups).toEqual([5, 6]);
    expect(complaints(`${portals}${withTarget('luns: []\nportalGroups: [6, 7]')}`)).toEqual([
      'targets[0].portalGroups: 7',
    ]);
  });

  test('no targets at all are worth a warning', () => {
    expect(load('targets: []')).toMatchObject({ findings: [{ severity: 'warning', path: 'targets' }] });
  });
});
