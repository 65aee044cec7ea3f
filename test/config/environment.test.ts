import { describe, expect, test } from 'vitest';
import { findAdmin } from '../../src/cli/admin-address.ts';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import { loadSettings } from '../../src/config/load.ts';
import { describeVariable } from '../../src/config/reference.ts';
import { FakeWorld } from '../cli/fake-world.ts';

function load(environment: Record<string, string>) {
  return loadSettings({ environment, workingDirectory: '/srv' });
}

function settingsOf(environment: Record<string, string>) {
  const { settings, findings } = load(environment);
  if (settings === null) throw new Error(JSON.stringify(findings));
  return settings;
}

describe('the table of variables', () => {
  test('has every variable of the tuning surface', () => {
    expect(ENVIRONMENT).toHaveLength(26);
    expect(new Set(ENVIRONMENT.map(({ name }) => name)).size).toBe(ENVIRONMENT.length);
  });

  test.each(ENVIRONMENT.map((variable) => [variable.name, variable] as const))('%s is explained', (_, variable) => {
    const { allowed, effect } = describeVariable(variable);
    expect(allowed).not.toBe('');
    expect(effect).toMatch(/\.$/);
  });

  const withDefault = ENVIRONMENT.filter(
    (variable) => variable.name !== 'LUNARING_CONFIG' && describeVariable(variable).fallback !== '',
  );

  test.each(withDefault.map((variable) => [variable.name, variable] as const))(
    '%s set to its default changes nothing',
    (name, variable) => {
      expect(settingsOf({ [name]: describeVariable(variable).fallback })).toEqual(settingsOf({}));
    },
  );

  test.each(withDefault.map((variable) => [variable.name, variable] as const))(
    '%s shows a value that sets it again',
    (name, variable) => {
      const settings = settingsOf({});
      expect(settingsOf({ [name]: variable.show(settings) })).toEqual(settings);
    },
  );

  test.each(ENVIRONMENT.map(({ name }) => name))('%s that is empty counts as unset', (name) => {
    expect(settingsOf({ [name]: ' ' })).toEqual(settingsOf({}));
  });
});

describe('variables', () => {
  test('LUNARING_PORTALS takes addresses of both kinds, with and without a port', () => {
    const { portals } = settingsOf({ LUNARING_PORTALS: '0.0.0.0:3261, [::1]:3262,[::2],10.0.0.1,::3' });
    expect(portals.map(({ address, port }) => [address, port])).toEqual([
      ['0.0.0.0', 3261],
      ['::1', 3262],
      ['::2', 3260],
      ['10.0.0.1', 3260],
      ['::3', 3260],
    ]);
  });

  test.each(['::1:3260x', 'http://10.0.0.1:3260'])('%s is quoted whole: it is no address and no port', (text) => {
    const { findings } = load({ LUNARING_PORTALS: text });
    expect(findings).toMatchObject([{ path: 'portals[0].address', received: JSON.stringify(text) }]);
  });

  test.each(['127.0.0.1:x', '127.0.0.1:70000', 'localhost:3260', ':3260', '127.0.0.1:3260,', '::1:3260x', '[::1'])(
    'LUNARING_PORTALS refuses %s',
    (text) => {
      const { settings, findings } = load({ LUNARING_PORTALS: text });
      expect(settings).toBeNull();
      expect(findings[0]).toMatchObject({ origin: 'LUNARING_PORTALS' });
    },
  );

  test('LUNARING_DISKS makes a target of each disk', () => {
    const { targets } = settingsOf({
      LUNARING_DISKS: '/dev/sdb,a.img:2GiB,memory:64MiB,null:1TiB,/dev/disk/by-path/pci-0:0:1f.2-x',
    });
    expect(targets.map(({ name }) => name.split(':')[1])).toEqual(['disk0', 'disk1', 'disk2', 'disk3', 'disk4']);
    expect(targets.map(({ luns }) => luns[0])).toMatchObject([
      { lun: 0, backend: 'file', path: '/dev/sdb' },
      { lun: 0, backend: 'file', path: '/srv/a.img', size: 2 ** 31 },
      { lun: 0, backend: 'memory', size: 2 ** 26 },
      { lun: 0, backend: 'null', size: 2 ** 40 },
      { lun: 0, backend: 'file', path: '/dev/disk/by-path/pci-0:0:1f.2-x' },
    ]);
    expect(targets[0]!.luns[0]!.size).toBeUndefined();
  });

  test.each([
    ['/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0', '/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0', undefined],
    // A LUN of flat space addressing (SAM-5 §4.7.5.6), as Linux numbers it.
    [
      '/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:16385',
      '/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:16385',
      undefined,
    ],
    [
      '/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0:1GiB',
      '/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:0:0',
      2 ** 30,
    ],
    ['a.img:65536', '/srv/a.img', 65536],
    ['a.img:65535', '/srv/a.img:65535', undefined],
    ['a.img:131072B', '/srv/a.img', 131072],
  ])('LUNARING_DISKS=%s: %s of %s bytes', (text, path, size) => {
    const [lun] = settingsOf({ LUNARING_DISKS: text }).targets[0]!.luns;
    expect([lun, lun!.size]).toEqual([expect.objectContaining({ backend: 'file', path }), size]);
  });

  test.each(['memory:0', 'null:1', 'memory:lots', 'a.img:1KiB', 'a.img:1GB', 'a.img:20g', 'a.img:1gib'])(
    'LUNARING_DISKS=%s has a wrong size',
    (text) => {
      const { settings, findings } = load({ LUNARING_DISKS: text });
      expect([settings, findings.map(({ path }) => path)]).toEqual([null, ['targets[0].luns[0].size']]);
    },
  );

  test('LUNARING_ADVERTISE says of every portal where it is found', () => {
    const portals = (environment: Record<string, string>) =>
      settingsOf({ LUNARING_ADVERTISE: 'san1.example.com', ...environment }).portals.map(({ address, advertise }) => [
        address,
        advertise,
      ]);
    expect(portals({})).toEqual([['127.0.0.1', 'san1.example.com']]);
    expect(portals({ LUNARING_PORTALS: '0.0.0.0,[::]' })).toEqual([
      ['0.0.0.0', 'san1.example.com'],
      ['::', 'san1.example.com'],
    ]);
  });

  test.each(['san1.example.com:0', 'san1.example.com,1', 'two words', '2001:db8::1'])(
    'LUNARING_ADVERTISE does not take %s',
    (text) => {
      const { settings, findings } = load({ LUNARING_ADVERTISE: text });
      expect(settings).toBeNull();
      expect(findings).toMatchObject([
        { received: expect.stringContaining(text), allowed: 'host or host:port; an IPv6 address in brackets' },
      ]);
    },
  );

  test('LUNARING_DIRECT reaches every file, and nothing else', () => {
    const { targets } = settingsOf({ LUNARING_DISKS: 'a:1GiB,memory:1MiB,b:1GiB', LUNARING_DIRECT: 'off' });
    expect(targets.map(({ luns }) => luns[0]).map((lun) => (lun?.backend === 'file' ? lun.direct : null))).toEqual([
      false,
      null,
      false,
    ]);
  });

  test('LUNARING_ADMIN moves the admin interface or switches it off', () => {
    expect(settingsOf({ LUNARING_ADMIN: '127.0.0.1:9999' }).admin).toEqual({ address: '127.0.0.1', port: 9999 });
    expect(settingsOf({ LUNARING_ADMIN: 'off' }).admin).toBe(false);
  });

  test.each(['9555', 'abc'])('LUNARING_ADMIN without a port means 9260, not the file’s %s', (port) => {
    const text = `admin: {port: ${port}, tokenFile: a.token}`;
    const environment = { LUNARING_ADMIN: '127.0.0.2' };
    const { settings } = loadSettings({ file: 'lunaring.yaml', text, environment, workingDirectory: '/srv' });
    expect(settings!.admin).toEqual({ address: '127.0.0.2', port: 9260, tokenFile: '/srv/a.token' });
    // As the commands have it, which read no file.
    expect(findAdmin({}, new FakeWorld(environment)).url).toBe('http://127.0.0.2:9260');
  });

  test('LUNARING_ADMIN_TOKEN_FILE guards the admin interface, and switches none on', () => {
    const environment = { LUNARING_ADMIN: '192.0.2.7:9260', LUNARING_ADMIN_TOKEN_FILE: 'admin.token' };
    expect(settingsOf(environment).admin).toEqual({ address: '192.0.2.7', port: 9260, tokenFile: '/srv/admin.token' });
    expect(settingsOf({ ...environment, LUNARING_ADMIN: 'off' }).admin).toBe(false);
    expect(load({ LUNARING_ADMIN: '192.0.2.7:9260' }).settings).toBeNull();
  });

  test('LUNARING_STATE_DIRECTORY is a path like others', () => {
    expect(settingsOf({}).stateDirectory).toBeUndefined();
    expect(settingsOf({ LUNARING_STATE_DIRECTORY: 'state' }).stateDirectory).toBe('/srv/state');
  });

  test('LUNARING_CPUS takes the kernel’s lists', () => {
    expect(settingsOf({ LUNARING_CPUS: '0-3,8' }).tuning.cpus).toEqual([0, 1, 2, 3, 8]);
    expect(settingsOf({ LUNARING_CPUS: 'any' }).tuning.cpus).toEqual([]);
    expect(load({ LUNARING_CPUS: '3-1' }).settings).toBeNull();
    expect(load({ LUNARING_CPUS: '0,,1' }).settings).toBeNull();
    expect(load({ LUNARING_CPUS: '1024' }).settings).toBeNull();
  });

  test.each([
    ['1', true],
    ['yes', true],
    ['ON', true],
    ['0', false],
    ['False', false],
  ])('a flag may be %s', (text, value) => {
    expect(settingsOf({ LUNARING_INITIAL_R2T: text }).tuning.initialR2T).toBe(value);
  });

  test('sizes may have units', () => {
    expect(settingsOf({ LUNARING_MAX_BURST: '4MiB' }).tuning.maxBurstLength).toBe(4 * 2 ** 20);
  });
});
