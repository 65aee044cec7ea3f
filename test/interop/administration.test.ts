// Every command that speaks with a running target, against one that is under load by fio: each does what it says, and no I/O fails.
// How they look without a target is test/cli's; what the HTTP interface owes is test/admin's.

import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/command-line.ts';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { KIB, MIB } from '../../src/config/limits.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { FakeWorld } from '../cli/fake-world.ts';
import * as cdbs from '../support/cdbs.ts';
import { missingClients } from '../support/clients.ts';
import { type FioResult, fio } from '../support/fio.ts';
import type { CommandOptions } from '../support/initiator-command.ts';
import { admitted, loginStatus } from '../support/login-attempt.ts';
import type { RawInitiator } from '../support/raw-initiator.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const OTHER = 'iqn.2026-11.io.lunaring:other';
const SECRET = 'a secret of alice';
const BLOCK = 512;
const USED_BLOCKS = 16;

describe.skipIf(missingClients().length > 0)('the commands, under load', () => {
  let target: TargetProcess;
  let admin: string;
  let load: Promise<FioResult>;
  let host: DiskUser;
  const enough = new AbortController();

  beforeAll(async () => {
    target = await TargetProcess.start({
      admin: { address: '127.0.0.1', port: 0 },
      targets: [
        { name: TARGET_NAME, luns: [{ lun: 0, path: 'load.img', size: 32 * MIB }] },
        { name: OTHER, luns: [{ lun: 0, path: 'other.img', size: 32 * MIB }] },
      ],
      tuning: { workers: 2 },
    });
    admin = new URL(target.ready.admin!).host;
    const job = {
      url: target.url(),
      rw: 'randrw',
      blockSize: 4 * KIB,
      depth: 16,
      options: { size: 32 * MIB, time_based: 1, runtime: 240 },
    } as const;
    load = fio(job, { limitSeconds: 300, stop: enough.signal });
    host = new DiskUser(await admitted(target.port, { target: OTHER }));
    await until(async () => (await told('session', 'list', TARGET_NAME)).length > 0);
  });
  afterAll(() => target.stop());

  async function lunaring(...words: string[]) {
    const world = new FakeWorld({ LUNARING_ADMIN: admin }, target.file(''));
    const code = await run(words, world);
    return { code, printed: world.printed, complained: world.complained };
  }

  /** What a command prints when all is well. */
  async function said(...words: string[]): Promise<string> {
    const { code, printed, complained } = await lunaring(...words);
    expect([complained, code]).toEqual(['', 0]);
    for (const line of printed.split('\n')) expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
    return printed;
  }

  /** The same on one line, as sentences are. */
  async function sentence(...words: string[]): Promise<string> {
    return (await said(...words)).trimEnd().replaceAll('\n', ' ');
  }

  /** The same as data. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the tests say.
  async function told(...words: string[]): Promise<any> {
    const { code, printed, complained } = await lunaring(...words, '--json');
    expect([complained, code]).toEqual(['', 0]);
    return JSON.parse(printed);
  }

  async function refused(...words: string[]): Promise<string> {
    const { code, printed, complained } = await lunaring(...words);
    expect(printed).toBe('');
    expect(code).not.toBe(0);
    return `${code} ${complained}`;
  }

  const login = (name: string) => loginStatus(target.port, { target: name });

  describe('status', () => {
    test('tells the process, its engine and what it serves', async () => {
      const text = await said('status');
      expect(text).toMatch(new RegExp(`^lunaring \\S+ at http://${admin}, process ${target.pid}, up for \\d+`));
      expect(text).toMatch(/^ {2}logins +taken$/m);
      const data = await told('status');
      expect(data).toMatchObject({ pid: target.pid, workers: 2, draining: '', targets: 2, sessions: 2 });
      expect(data.portals).toEqual([{ address: '127.0.0.1', port: target.port, tag: 1 }]);
    });
  });

  describe('target', () => {
    test('list and show tell what is served', async () => {
      expect(await said('target', 'list')).toMatch(
        /^target .*\niqn\S+disk0 +online +1\/64 +1\/16 +1 +32\.0 MiB +none\n/,
      );
      expect((await told('target', 'list')).map(({ name }: { name: string }) => name)).toEqual([TARGET_NAME, OTHER]);
      expect(await said('target', 'show', TARGET_NAME.toUpperCase())).toMatch(/^iqn\S+disk0\n[\s\S]*load\.img/);
      expect(await refused('target', 'show', 'iqn.2026-11.a:b')).toMatch(/^1 error: .*iqn\.2026-11\.a:b/);
    });

    test('add, set and remove change what is served', async () => {
      const name = 'iqn.2026-11.io.lunaring:added';
      expect(await login(name)).toBe('0203');
      writeFileSync(target.file('part.yaml'), 'sessionLimit: 3\nluns: [{ lun: 5, path: added.img, size: 8MiB }]\n');
      const added = await said('target', 'add', name, '--from', 'part.yaml', '--alias', 'new');
      expect(added).toMatch(/added\.img[\s\S]*\nadded\nnot saved: lunaring save writes it to the configuration file/);
      expect(await login(name)).toBe('0000');
      expect(await refused('target', 'add', name)).toMatch(/^[12] error: /);

      const networks = ['--networks', '192.0.2.0/24,198.51.100.0/24'];
      expect(await said('target', 'set', name, '--connection-limit', '9', ...networks)).toContain('at most 9');
      expect(await told('target', 'show', name)).toMatchObject({
        alias: 'new',
        sessionLimit: 3,
        connectionLimit: 9,
        acl: { initiators: ['*'], networks: ['192.0.2.0/24', '198.51.100.0/24'] },
      });
      expect(await login(name)).toBe('0202');
      // The networks stay.
      await said('target', 'set', name, '--denial', 'hide');
      expect(await login(name)).toBe('0203');
      expect(await refused('target', 'set', name, '--networks', 'everywhere')).toMatch(
        /^2 error: [\s\S]*networks[\s\S]*do /,
      );

      await said('target', 'set', name, '--networks', '127.0.0.0/8', '--denial', 'reveal');
      // One digest leaves the other as it is.
      await said('target', 'set', name, '--data-digest', 'off');
      await said('target', 'set', name, '--header-digest', 'require');
      expect(await told('target', 'show', name)).toMatchObject({ digests: { header: 'require', data: 'off' } });
      expect(await said('target', 'set', name, '--header-digest', 'offer')).toContain(
        '\nchanged, for logins to come\n',
      );
      writeFileSync(target.file('limits.yaml'), 'initiatorLimits: [{ initiators: ["*"], iops: 5000 }]');
      expect(await said('target', 'set', name, '--from', 'limits.yaml')).toContain('\nchanged: limits at once, ');
      expect(await sentence('target', 'remove', name)).toMatch(/^removed iqn\S+added: /);
      expect(await login(name)).toBe('0204');
      expect(readFileSync(target.file('added.img'))).toHaveLength(8 * MIB);
    });

    test('offline and online refuse and take logins', async () => {
      expect(await sentence('target', 'offline', TARGET_NAME)).toMatch(
        /is offline: logins get 0301; 1 session goes on/,
      );
      expect(await login(TARGET_NAME)).toBe('0301');
      expect(await sentence('target', 'online', TARGET_NAME)).toMatch(/is online: logins are taken/);
      expect(await login(TARGET_NAME)).toBe('0000');
    });

    test('redirect sends logins elsewhere, and takes them again', async () => {
      const address = '192.0.2.7:3260,1';
      expect(await sentence('target', 'redirect', TARGET_NAME, address)).toContain(
        `sends logins to ${address}; 1 session goes on`,
      );
      expect(await login(TARGET_NAME)).toBe('0101');
      await sentence('target', 'redirect', TARGET_NAME, address, '--permanent');
      expect(await login(TARGET_NAME)).toBe('0102');
      expect(await refused('target', 'redirect', TARGET_NAME, '192.0.2.7:port')).toMatch(/^2 error: /);
      expect(await sentence('target', 'redirect', TARGET_NAME, '--off')).toContain('takes logins here');
      expect(await login(TARGET_NAME)).toBe('0000');
    });

    test('user set and remove change who knows a secret; no secret is told', async () => {
      writeFileSync(target.file('alice.secret'), `${SECRET}\n`);
      const bySecret = (secret: string, user = 'alice') =>
        loginStatus(target.port, { target: OTHER, chap: { name: user, secret } });
      expect(await refused('target', 'user', 'set', OTHER, 'alice', '--secret-file', 'alice.secret')).toMatch(
        /^1 error: /,
      );
      const chap = ['--auth', 'chap', '--user', 'alice', '--secret-file', 'alice.secret'];
      expect(await said('target', 'set', OTHER, ...chap)).toContain('chap, users alice');
      expect(await login(OTHER)).toBe('0201');
      expect(await bySecret(SECRET)).toBe('0000');

      writeFileSync(target.file('alice.secret'), 'another secret of hers');
      await said('target', 'user', 'set', OTHER, 'alice', '--secret-file', 'alice.secret');
      expect(await bySecret(SECRET)).toBe('0201');
      expect(await bySecret('another secret of hers')).toBe('0000');
      writeFileSync(target.file('bob.secret'), 'short');
      expect(await refused('target', 'user', 'set', OTHER, 'bob', '--secret-file', 'bob.secret')).toMatch(/^2 error: /);
      writeFileSync(target.file('bob.secret'), 'the secret of bob');
      await said('target', 'user', 'set', OTHER, 'bob', '--secret-file', 'bob.secret');
      expect(await sentence('target', 'user', 'remove', OTHER, 'alice')).toContain('alice may no longer log in');
      expect(await bySecret('another secret of hers')).toBe('0201');
      expect(await bySecret('the secret of bob', 'bob')).toBe('0000');
      expect(JSON.stringify(await told('target', 'show', OTHER))).not.toContain('secret of');
      await said('target', 'set', OTHER, '--auth', 'none');
      expect(await login(OTHER)).toBe('0000');
    });
  });

  describe('lun', () => {
    test('list and show tell what is stored where', async () => {
      expect(await said('lun', 'list')).toMatch(/^iqn\S+disk0\n {2}LUN +size.*\n +0 +32\.0 MiB +512 .*\niqn\S+other\n/);
      const listed = await told('lun', 'list', OTHER);
      expect(listed).toMatchObject([{ target: OTHER, lun: 0, backend: 'file', bytes: 32 * MIB }]);
      // The same records, whether one target is asked about or all of them.
      expect(await told('lun', 'list')).toEqual(expect.arrayContaining(listed));
      expect(await said('lun', 'show', OTHER, '0')).toMatch(
        /^LUN 0 of iqn\S+other\n {2}stored in +\S+other\.img\n[\s\S]*naa/,
      );
      expect(await refused('lun', 'show', OTHER, '9')).toMatch(/^1 error: /);
    });

    test('add, limit and remove, while the units beside them are used', async () => {
      const added = await sentence('lun', 'add', OTHER, '7', 'seven.img', '--size', '16MiB', '--iops', '1000');
      expect(added).toMatch(/^added LUN 7, 16\.0 MiB not saved/);
      using initiator = await admitted(target.port, { target: OTHER });
      expect((await initiator.command(cdbs.testUnitReady(), { lun: 7 })).status).toBe(0);
      expect(await told('lun', 'show', OTHER, '7')).toMatchObject({ limits: { iops: 1000, burstMs: 100 } });
      expect(await sentence('lun', 'limit', OTHER, '7', '--bandwidth', '8MiB')).toContain('8.00 MiB/s, burst 100 ms');
      expect(await sentence('lun', 'limit', OTHER, '7', '--off')).toContain('LUN 7 is not limited');
      expect(await refused('lun', 'limit', OTHER, '7', '--iops', '1')).toMatch(/^2 error: [\s\S]*iops/);
      expect(await refused('lun', 'add', OTHER, '7', '--backend', 'memory', '--size', '1MiB')).toMatch(/^[12] error: /);
      expect(await sentence('lun', 'remove', OTHER, '7')).toContain('removed LUN 7; its data are kept');
      expect((await told('lun', 'list', OTHER)).length).toBe(1);
      expect(readFileSync(target.file('seven.img'))).toHaveLength(16 * MIB);
    });

    test('grow makes the unit larger that is under load: to a size, or to what its file has become', async () => {
      using initiator = await admitted(target.port, { target: OTHER });
      const capacity = async () => {
        // The first one hears that it has changed.
        await initiator.command(cdbs.testUnitReady());
        const { data } = await initiator.command(cdbs.readCapacity16(), { read: 32 });
        return (Number(data.readBigUInt64BE(0)) + 1) * BLOCK;
      };
      expect(await capacity()).toBe(32 * MIB);
      expect(await sentence('lun', 'grow', OTHER, '0', '48MiB')).toContain('LUN 0 has 48.0 MiB now; rescan');
      expect(await capacity()).toBe(48 * MIB);
      truncateSync(target.file('other.img'), 64 * MIB);
      expect(await sentence('lun', 'grow', OTHER, '0', 'device')).toContain('64.0 MiB');
      expect(await capacity()).toBe(64 * MIB);
      expect(await refused('lun', 'grow', OTHER, '0', '1MiB')).toMatch(/^2 error: [\s\S]*64MiB/);
    });
  });

  describe('session', () => {
    test('list and show tell who is logged in, what was negotiated and what passes', async () => {
      const text = await said('session', 'list');
      expect(text).toMatch(/^iqn\S+disk0\n {2}TSIH +initiator.*\n +\d+ +iqn\S* +127\.0\.0\.1 +[01] +\d+ .*\n/m);
      const [busy] = await told('session', 'list', TARGET_NAME);
      // In half a second of a busy machine nothing may pass.
      const passed = async (rate: string) =>
        (await told('session', 'list', TARGET_NAME, '--rates', '0.5'))[0].rates[rate];
      for (const rate of ['readsPerSecond', 'bytesWrittenPerSecond']) {
        await expect.poll(() => passed(rate), { timeout: 20_000 }).toBeGreaterThan(0);
      }
      expect(await said('session', 'list', '--rates', '0.5')).toMatch(/ reads\/s +writes\/s +read\/s +written\/s\n/);
      const shown = await said('session', 'show', String(busy.tsih));
      expect(shown).toMatch(
        /^TSIH \d+: session with iqn\S+disk0, portal group 1\n[\s\S]*MaxBurstLength=\d+[\s\S]*connection \d/,
      );
      expect(await refused('session', 'show', '65535')).toMatch(/^1 error: /);
    });

    test('end ends one, and no other', async () => {
      using initiator = await admitted(target.port, { target: OTHER });
      const { tsih } = initiator.session;
      expect(await said('session', 'list', OTHER)).toContain(` ${tsih}  iqn`);
      expect(await sentence('session', 'end', String(tsih))).toContain(
        `ended session ${tsih}; its initiator may log in`,
      );
      expect(await said('session', 'list', OTHER)).not.toContain(` ${tsih}  iqn`);
      expect(await refused('session', 'end', String(tsih))).toMatch(/^1 error: /);
      expect((await told('session', 'list')).length).toBe(2);
    });
  });

  describe('refusals', () => {
    test('tell why logins were refused, and what to do', async () => {
      expect(await login('iqn.2026-11.io.lunaring:missing')).toBe('0203');
      const text = await said('refusals', '--count', '1');
      expect(text).toMatch(/^logins {2}status\n +\d+ {2}0000 /);
      expect(text).toMatch(/Z {2}0203 TargetNotFound\n[\s\S]* {2}target +iqn\S+missing\n[\s\S]* {2}do +\S/);
      const { counts, latest } = await told('refusals', '--count', '2');
      expect(counts['0203']).toBeGreaterThan(0);
      expect(latest).toHaveLength(2);
    });

    test('are followed as they come', async () => {
      const world = new FakeWorld({ LUNARING_ADMIN: admin });
      void run(['refusals', '--follow', '--count', '0', '--json'], world);
      const name = 'iqn.2026-11.io.lunaring:followed';
      // Until it listens, they are history.
      await until(async () => {
        await login(name);
        return world.printed.includes(name);
      });
      expect(JSON.parse(world.printed.split('\n')[0]!)).toMatchObject({ status: '0203', targetName: name });
    });
  });

  describe('the whole', () => {
    test('worker list tells what each has done', async () => {
      expect(await said('worker', 'list')).toMatch(/^worker +state .*\n +0 +running .*\n +1 +running .*\n$/);
      const workers = await told('worker', 'list');
      expect(workers).toMatchObject([
        { index: 0, running: true },
        { index: 1, running: true },
      ]);
    });

    test('drain refuses all logins, and takes them again', async () => {
      expect(await sentence('drain', '--reason', 'new disks')).toContain(
        'refused with 0301: new disks; sessions go on',
      );
      expect(await login(TARGET_NAME)).toBe('0301');
      expect(await said('status')).toMatch(/^ {2}logins +refused with 0301: new disks /m);
      expect(await sentence('drain', '--off')).toBe('logins are taken again');
      expect(await login(TARGET_NAME)).toBe('0000');
    });

    test('settings are told, and changed', async () => {
      const { logLevel } = await told('settings');
      expect(await said('settings', '--log-level', 'debug')).toMatch(/^logLevel +debug$/m);
      expect(await refused('settings', '--log-level', 'loud')).toMatch(/^2 error: /);
      await said('settings', '--log-level', logLevel);
      const others = ['--queue-depth', '33', '--max-burst', '64KiB', '--first-burst', '4KiB', '--immediate-data', 'no'];
      expect(await said('settings', ...others)).toMatch(/^queueDepth +33$[\s\S]*^changed$/m);
      expect(await told('settings')).toMatchObject({
        queueDepth: 33,
        maxBurstLength: 64 * KIB,
        firstBurstLength: 4 * KIB,
        immediateData: false,
        initialR2T: false,
      });
      expect(await refused('settings', '--first-burst', '128KiB')).toMatch(/^2 error: firstBurstLength/);
      await said(
        'settings',
        '--queue-depth',
        '128',
        '--max-burst',
        '1MiB',
        '--first-burst',
        '256KiB',
        '--immediate-data',
        'yes',
      );
    });

    test('portal groups and the error recovery level of a target are set', async () => {
      const levels = ['--portal-groups', '1', '--error-recovery-level', '1'];
      expect(await said('target', 'set', OTHER, ...levels)).toMatch(/^ {2}recovery +ErrorRecoveryLevel up to 1$/m);
      expect(await told('target', 'show', OTHER)).toMatchObject({ portalGroups: [1], errorRecoveryLevel: 1 });
      expect(await refused('target', 'set', OTHER, '--portal-groups', '1,2')).toMatch(/^2 error: portalGroups/);
      await said('target', 'set', OTHER, '--error-recovery-level', '0');
    });

    test('save and --save write the file, and reload reads it', async () => {
      expect(await said('target', 'set', OTHER, '--alias', 'saved', '--save')).toMatch(/changed.*\nsaved\n$/);
      expect(readFileSync(target.file('lunaring.yaml'), 'utf8')).toMatch(/saved/);
      expect(await sentence('save')).toMatch(/^saved to \S+lunaring\.yaml$/);
      expect(await said('reload', '--plan')).toBe('the configuration says nothing else than what is served\n');

      const file = target.file('lunaring.yaml');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace('saved', 'edited'));
      expect(await said('reload', '--plan')).toMatch(
        /^what +how +sessions\n[\s\S]*nothing was changed: this is the plan/,
      );
      expect(await told('target', 'show', OTHER)).toMatchObject({ alias: 'saved' });
      expect(await said('reload')).toMatch(/\napplied\n$/);
      expect(await told('target', 'show', OTHER)).toMatchObject({ alias: 'edited' });

      writeFileSync(file, `${text}\nwrokers: 1\n`);
      expect(await refused('reload')).toMatch(/^2 error: /);
      writeFileSync(file, text);
    });
  });

  test('no I/O has failed meanwhile, and no data are others than were written', async () => {
    enough.abort();
    const { read, write, errors } = await load;
    expect(errors).toBe(0);
    expect(read.ios).toBeGreaterThan(0);
    expect(write.ios).toBeGreaterThan(0);
    const { rounds, attentions } = await host.stop();
    expect(rounds).toBeGreaterThan(0);
    // Of units that came, went and grew.
    expect(attentions).toBeGreaterThan(0);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

/** Writes, reads and compares all the time, and as hosts do takes a UNIT ATTENTION for news: fio takes it for an error. */
class DiskUser {
  readonly #initiator: RawInitiator;
  readonly #work: Promise<void>;
  #stopped = false;
  #rounds = 0;
  #attentions = 0;

  constructor(initiator: RawInitiator) {
    this.#initiator = initiator;
    this.#work = this.#run();
    // Looked at in stop.
    this.#work.catch(() => undefined);
  }

  async stop(): Promise<{ readonly rounds: number; readonly attentions: number }> {
    this.#stopped = true;
    await this.#work;
    await this.#initiator.logOut();
    return { rounds: this.#rounds, attentions: this.#attentions };
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const data = noise(USED_BLOCKS * BLOCK, ++this.#rounds);
      const lba = (this.#rounds % 100) * USED_BLOCKS;
      await this.#command(cdbs.write16(lba, USED_BLOCKS), { write: data });
      const read = await this.#command(cdbs.read16(lba, USED_BLOCKS), { read: data.length });
      if (!read.equals(data)) throw new Error(`LBA ${lba} holds other data than were written`);
    }
  }

  async #command(cdb: Uint8Array, options: CommandOptions): Promise<Buffer> {
    for (;;) {
      const { status, sense, data } = await this.#initiator.command(cdb, options);
      if (status === Status.GOOD) return data;
      if (sense?.key !== SenseKey.UNIT_ATTENTION) throw new Error(`a command ended with ${status}, ${sense?.key}`);
      this.#attentions++;
    }
  }
}

test('a token is asked for, and taken from its file', async () => {
  using scratch = new Scratch('administration');
  const tokenFile = scratch.file('admin.token');
  writeFileSync(tokenFile, 'a-token-of-some-length\n', { mode: 0o600 });
  await using target = await TargetProcess.start(
    { admin: { address: '127.0.0.1', port: 0 }, targets: [], tuning: { workers: 1 } },
    { env: { LUNARING_ADMIN_TOKEN_FILE: tokenFile } },
  );
  const admin = new URL(target.ready.admin!).host;
  const status = async (environment: Record<string, string>, ...words: string[]) => {
    const world = new FakeWorld({ LUNARING_ADMIN: admin, ...environment }, scratch.path);
    return { code: await run(['status', ...words], world), ...world };
  };
  expect(await status({})).toMatchObject({ code: 1, complained: expect.stringContaining('wants a token') });
  expect(await status({ LUNARING_ADMIN_TOKEN_FILE: tokenFile })).toMatchObject({ code: 0, complained: '' });
  expect(await status({}, '--token-file', 'admin.token')).toMatchObject({ code: 0, complained: '' });
  writeFileSync(scratch.file('wrong.token'), 'another-token');
  expect(await status({}, '--token-file', 'wrong.token')).toMatchObject({
    code: 1,
    complained: expect.stringContaining(`does not take the token in ${scratch.file('wrong.token')}`),
  });
  expect(target.log).not.toContain('a-token-of-some-length');
});
