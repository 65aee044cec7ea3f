import { describe, expect, test } from 'vitest';
import { banner, readyLine } from '../../src/cli/banner.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { RunningPortal } from '../../src/control/portals.ts';
import { FakeTarget } from './fake-world.ts';

function settingsOf(environment: Record<string, string> = {}) {
  const { settings } = loadSettings({ environment, workingDirectory: '/srv' });
  if (settings === null) throw new Error('refused');
  return settings;
}

const at = (...portals: RunningPortal[]) => Object.assign(new FakeTarget(), { portals });

describe('the banner', () => {
  const text = banner(settingsOf(), new FakeTarget(), 'http://127.0.0.1:9260');

  test('says what is served, and how', () => {
    expect(text).toContain('127.0.0.1:3260,1');
    expect(text).toContain('admin    http://127.0.0.1:9260\n');
    expect(text).toContain('uring: io_uring works');
    expect(text).toContain('iqn.2026-11.io.lunaring:disk0');
    expect(text).toContain('LUN 0  /srv/disk0.img, direct, 1GiB, blocks of 512');
  });

  test('has commands that can be pasted', () => {
    expect(text).toContain('iscsi-ls -s iscsi://127.0.0.1:3260\n');
    expect(text).toContain('iscsiadm -m discovery -t sendtargets -p 127.0.0.1:3260\n');
    expect(text).toContain('iscsiadm -m node -T iqn.2026-11.io.lunaring:disk0 -p 127.0.0.1:3260 --login\n');
    // fio separates file names by colons.
    expect(text).toContain(String.raw`--filename='iscsi\://127.0.0.1\:3260/iqn.2026-11.io.lunaring\:disk0/0'`);
  });

  test('names an address to connect to where the portal listens on all', () => {
    const portals = (address: string) => banner(settingsOf(), at({ address, port: 3261, tag: 1 }), null);
    expect(portals('0.0.0.0')).toContain('iscsi://127.0.0.1:3261');
    expect(portals('::')).toContain('iscsi://[::1]:3261');
    expect(portals('fd00::7')).toContain('iscsi://[fd00::7]:3261');
  });

  test('takes a target that the portal serves, and does without one', () => {
    expect(banner(settingsOf(), at({ address: '127.0.0.1', port: 3260, tag: 9 }), null)).not.toContain('--login');
    expect(banner(settingsOf({ LUNARING_DISKS: 'null:1GiB' }), new FakeTarget(), null)).toContain('LUN 0  null, 1GiB');
  });
});

test('machines get the same facts as one line', () => {
  const line = readyLine(settingsOf(), new FakeTarget(), null);
  expect(JSON.parse(line)).toMatchObject({
    admin: null,
    event: 'ready',
    portals: [{ address: '127.0.0.1', port: 3260, tag: 1 }],
    targets: [{ name: 'iqn.2026-11.io.lunaring:disk0', state: 'online', luns: [0] }],
  });
});
