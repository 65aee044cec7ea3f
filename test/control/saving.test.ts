import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Loaded, loadSettings } from '../../src/config/load.ts';
import { Saving } from '../../src/control/saving.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { Scratch } from '../support/scratch.ts';
import { TargetProcess } from '../support/target-process.ts';

type Usable = Extract<Loaded, { originOf: unknown }>;

const NAME = 'iqn.2026-11.com.example:a';
const FILE = `targets: [{ name: "${NAME}", luns: [] }]\n`;

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('saving');
  writeFileSync(scratch.file('lunaring.yaml'), FILE);
  // Whatever mask the run has.
  chmodSync(scratch.file('lunaring.yaml'), 0o640);
});
afterEach(() => scratch[Symbol.dispose]());

function savingOf(environment: Record<string, string> = {}, file: string | undefined = 'lunaring.yaml') {
  const load = (text?: string) => loadSettings({ file, text, environment, workingDirectory: scratch.path });
  const { settings } = load();
  const [target] = settings!.targets;
  const { tuning, log } = settings!;
  const wanted = { targets: [{ ...target!, alias: 'the first' }], tuning, logLevel: log.level };
  return { saving: new Saving(load, pino({ level: 'silent' })), wanted };
}

describe('the configuration file', () => {
  test('is replaced, with the permissions that it had', () => {
    const { saving, wanted } = savingOf();
    expect(saving.save(wanted)).toBe(scratch.file('lunaring.yaml'));
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toContain('alias: the first');
    expect(statSync(scratch.file('lunaring.yaml')).mode & 0o777).toBe(0o640);
  });

  test('that is a link leads to the file', () => {
    symlinkSync('lunaring.yaml', scratch.file('link.yaml'));
    const { saving, wanted } = savingOf({}, 'link.yaml');
    expect(saving.save(wanted)).toBe(scratch.file('lunaring.yaml'));
  });

  test('is needed', () => {
    const load = () => loadSettings({ environment: {}, workingDirectory: scratch.path });
    const { wanted } = savingOf();
    expect(() => new Saving(load, pino({ level: 'silent' })).check(wanted)).toThrow(/--config FILE/);
  });

  test('is tried, and stays as it is', () => {
    const { saving, wanted } = savingOf();
    saving.check(wanted);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
    expect(readdirSync(scratch.path)).toEqual(['lunaring.yaml']);
  });

  test('is found out beforehand not to be replaceable', () => {
    const { wanted } = savingOf();
    // Nobody makes a file in /proc.
    const load = (text = FILE) => ({
      ...(loadSettings({ file: 'lunaring.yaml', text, environment: {}, workingDirectory: scratch.path }) as Usable),
      location: '/proc/self/oom_score',
    });
    expect(() => new Saving(load, pino({ level: 'silent' })).check(wanted)).toThrow(
      /oom_score: .*check its permissions/,
    );
  });

  test('is not written where the environment says what is served', () => {
    const { saving, wanted } = savingOf({ LUNARING_DISKS: 'null:1GiB' });
    expect(() => saving.save(wanted)).toThrow(/LUNARING_DISKS says what is served/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('is not written when it would not say what is served', () => {
    const { saving, wanted } = savingOf({ LUNARING_DIRECT: 'false' });
    const lun = { lun: 0, backend: 'file', path: '/srv/a.img', size: 2 ** 20, direct: true, blockSize: 512 } as const;
    const unit = { ...lun, readOnly: false, removable: false };
    const targets = [{ ...wanted.targets[0]!, luns: [unit] }];
    expect(() => saving.save({ ...wanted, targets })).toThrow(/by hand/);
    expect(() => saving.check({ ...wanted, targets })).toThrow(/LUNARING_DIRECT says otherwise/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('is not written when the environment says other tuning', () => {
    const { saving, wanted } = savingOf({ LUNARING_QUEUE_DEPTH: '16' });
    expect(() => saving.save({ ...wanted, tuning: { queueDepth: 32 } })).toThrow(/by hand/);
    expect(() => saving.check({ ...wanted, tuning: { queueDepth: 32 } })).toThrow(
      /LUNARING_QUEUE_DEPTH says otherwise/,
    );
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('is not written when the environment says another level of the log', () => {
    const { saving, wanted } = savingOf({ LUNARING_LOG_LEVEL: 'info' });
    expect(() => saving.save({ ...wanted, logLevel: 'debug' })).toThrow(/LUNARING_LOG_LEVEL says otherwise/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
    saving.save(wanted);
  });

  test('says the level of the log where nothing else does', () => {
    const { saving, wanted } = savingOf();
    saving.save({ ...wanted, logLevel: 'debug' });
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toContain('level: debug');
  });

  test('that has become unreadable stays as it is', () => {
    const { saving, wanted } = savingOf();
    writeFileSync(scratch.file('lunaring.yaml'), 'targets: [');
    expect(() => saving.save(wanted)).toThrow(/lunaring\.yaml/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe('targets: [');
  });
});

describe('a change that is to be saved', () => {
  const NEW = `${NAME}-new`;

  /** A target of that name, one in its place, and what a change of it comes to. */
  async function start(env: Record<string, string> = {}) {
    const targets = [{ name: NAME, luns: [] }];
    const target = await TargetProcess.start({ admin: { port: 0 }, targets }, { env, obeysModes: true });
    const call = async (method: string, path: string, body?: unknown) => {
      const { status, value } = await callAdmin(target.ready.admin!, method, path, body);
      return { status, code: value.error?.code, message: value.error?.message, value };
    };
    return { target, call, [Symbol.asyncDispose]: () => target.stop() };
  }

  test('is not made where the directory can’t be written', async () => {
    await using running = await start();
    const { target, call } = running;
    chmodSync(dirname(target.file('lunaring.yaml')), 0o555);
    const removal = await call('DELETE', `targets/${NAME}?save=true`);
    expect(removal).toMatchObject({ status: 409, code: 'not-saved', message: expect.stringContaining('EACCES') });
    expect((await call('GET', `targets/${NAME}`)).status).toBe(200);
    chmodSync(dirname(target.file('lunaring.yaml')), 0o755);
    expect((await call('DELETE', `targets/${NAME}?save=true`)).status).toBe(204);
  });

  test('is not made where the environment says otherwise', async () => {
    await using running = await start({ LUNARING_QUEUE_DEPTH: '64', LUNARING_DIRECT: 'false' });
    const { target, call } = running;
    const file = readFileSync(target.file('lunaring.yaml'), 'utf8');
    const unit = { lun: 0, path: 'a.img', size: '1MiB', direct: true };
    const refused = [
      await call('PUT', 'settings?save=true', { queueDepth: 32 }),
      await call('POST', `targets/${NAME}/luns?save=true`, unit),
      await call('POST', 'targets?save=true', { name: NEW, luns: [unit] }),
    ];
    expect(refused.map(({ status, code }) => `${status} ${code}`)).toEqual(Array(3).fill('409 not-saved'));
    expect(refused[0]!.message).toContain('LUNARING_QUEUE_DEPTH');
    expect(refused[1]!.message).toContain('LUNARING_DIRECT');
    expect((await call('GET', 'settings')).value).toMatchObject({ queueDepth: 64 });
    expect((await call('GET', 'targets')).value).toMatchObject([{ name: NAME, units: [] }]);
    expect(readFileSync(target.file('lunaring.yaml'), 'utf8')).toBe(file);
    expect(existsSync(target.file('a.img'))).toBe(false);
  });

  test('is made with what the environment says of all units, and what can’t be said is repaired by a removal', async () => {
    await using running = await start({ LUNARING_DIRECT: 'false' });
    const { target, call } = running;
    const unit = { path: 'a.img', size: '1MiB' };
    expect((await call('POST', `targets/${NAME}/luns?save=true`, { lun: 0, ...unit })).status).toBe(201);
    const luns = [{ lun: 0, ...unit, path: 'b.img' }];
    expect((await call('POST', 'targets?save=true', { name: NEW, luns })).status).toBe(201);
    expect(readFileSync(target.file('lunaring.yaml'), 'utf8').match(/"direct": false/g)).toHaveLength(2);
    const contrary = { lun: 1, ...unit, path: 'c.img', direct: true };
    expect((await call('POST', `targets/${NAME}/luns`, contrary)).status).toBe(201);
    expect((await call('PUT', `targets/${NAME}/state?save=true`, { state: 'offline' })).status).toBe(409);
    expect((await call('GET', `targets/${NAME}`)).value).toMatchObject({ state: 'online' });
    expect((await call('DELETE', `targets/${NAME}/luns/1?save=true`)).status).toBe(204);
    expect((await call('DELETE', `targets/${NEW}?save=true`)).status).toBe(204);
  });
});
