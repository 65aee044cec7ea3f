import { chmodSync, existsSync, linkSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  probeCongestionControl,
  probeDescriptors,
  probeIdleCpus,
  probeLockedMemory,
  probeNames,
  probeStateDirectory,
  probeStorage,
  probeToken,
  probeUring,
} from '../../src/cli/probes.ts';
import { loadSettings } from '../../src/config/load.ts';
import { probeEngine } from '../../src/engine/choose.ts';
import { Resource, resourceLimit } from '../../src/kernel/libc.ts';
import { run } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';
import type { ConfigurationFile } from '../support/target-process.ts';

function settingsOf(file: ConfigurationFile, scratch: Scratch) {
  const path = scratch.file('lunaring.json');
  writeFileSync(path, JSON.stringify(file));
  const { settings, findings } = loadSettings({ file: path, environment: {}, workingDirectory: scratch.path });
  if (settings === null) throw new Error(JSON.stringify(findings));
  return settings;
}

type Luns = NonNullable<ConfigurationFile['targets']>[number]['luns'];
const withLuns = (luns: Luns, scratch: Scratch) =>
  settingsOf({ targets: [{ name: 'iqn.2026-11.a:b', luns }] }, scratch);

describe('the state directory', () => {
  test('is asked for where there is to be one', () => {
    using scratch = new Scratch('probes');
    expect(probeStateDirectory({})).toBeNull();
    const [there, missing] = [scratch.path, scratch.file('missing')].map((stateDirectory) => {
      return probeStateDirectory({ stateDirectory });
    });
    expect(there).toEqual({ question: 'state directory', state: 'fine', detail: scratch.path, remedy: '' });
    expect(missing).toMatchObject({ state: 'failed', detail: `${scratch.file('missing')}: ENOENT` });
    expect(missing!.remedy).toContain(`mkdir -p ${scratch.file('missing')}`);
  });
});

describe('storage', () => {
  test('that is there, or can be made, is fine', () => {
    using scratch = new Scratch('probes');
    writeFileSync(scratch.file('there.img'), '');
    truncateSync(scratch.file('there.img'), 65536);
    const answers = probeStorage(
      withLuns(
        [
          { lun: 0, path: 'there.img' },
          { lun: 1, path: 'new.img', size: '1MiB' },
          { lun: 2, backend: 'memory', size: '1MiB' },
        ],
        scratch,
      ),
    );
    expect(answers.map(({ state }) => state)).toEqual(['fine', 'fine']);
  });

  test('is refused with what to do: missing, empty, no whole number of blocks', () => {
    using scratch = new Scratch('probes');
    writeFileSync(scratch.file('empty.img'), '');
    writeFileSync(scratch.file('odd.img'), 'x'.repeat(100_000));
    const answers = probeStorage(
      withLuns(
        [
          { lun: 0, path: 'missing.img' },
          { lun: 1, path: 'empty.img' },
          { lun: 2, path: 'odd.img', blockSize: 4096 },
          { lun: 3, path: 'nowhere/new.img', size: '1MiB' },
        ],
        scratch,
      ),
    );
    expect(answers.map(({ state, detail }) => [state, detail.replace(`${scratch.path}/`, '')])).toEqual([
      ['failed', 'missing.img: ENOENT'],
      ['failed', 'empty.img: empty'],
      ['failed', 'odd.img: 100000 bytes'],
      ['failed', 'nowhere/new.img: ENOENT'],
    ]);
    expect(answers.map(({ remedy }) => /size: 1GiB|truncate|mkdir -p/.exec(remedy)?.[0])).toEqual([
      'size: 1GiB',
      'truncate',
      'truncate',
      'mkdir -p',
    ]);
  });

  test('that is mapped twice is refused under any of its names, unless both only read', () => {
    using scratch = new Scratch('probes');
    writeFileSync(scratch.file('a.img'), '');
    truncateSync(scratch.file('a.img'), 65536);
    linkSync(scratch.file('a.img'), scratch.file('b.img'));
    const luns = (readOnly: boolean) => [
      { lun: 0, path: 'a.img', readOnly },
      { lun: 1, path: 'b.img', readOnly },
    ];
    const [first, second] = probeStorage(withLuns(luns(false), scratch));
    expect(first!.state).toBe('fine');
    expect(second).toMatchObject({ state: 'failed', detail: expect.stringContaining('iqn.2026-11.a:b LUN 0') });
    expect(probeStorage(withLuns(luns(true), scratch)).map(({ state }) => state)).toEqual(['fine', 'fine']);
  });
});

describe('world-wide names', () => {
  const size = '1MiB';

  test('are warned of where no machine’s id is in them, with the units that have none of their own', () => {
    using scratch = new Scratch('probes');
    const settings = withLuns([{ lun: 0, backend: 'memory', size }], scratch);
    expect(probeNames(settings, '0'.repeat(32)).state).toBe('fine');
    expect(probeNames(settings, '')).toMatchObject({ state: 'warning', detail: expect.stringContaining('b LUN 0') });
  });

  test('are fine where each unit is given one, and a serial number, which initiators may go by instead', () => {
    using scratch = new Scratch('probes');
    const naa = '3123456789abcdef';
    const serial = 'DISK-7';
    const stateWith = (names: object) =>
      probeNames(withLuns([{ lun: 0, backend: 'memory', size, ...names }], scratch), '').state;
    expect(stateWith({ naa, serial })).toBe('fine');
    expect(stateWith({ naa })).toBe('warning');
    expect(stateWith({ serial })).toBe('warning');
  });

  test.each([{ naa: '3123456789abcdef' }, { serial: 'DISK-7' }])(
    '%o of two units is refused, as it is when they are to be served',
    (name) => {
      using scratch = new Scratch('probes');
      const luns = [0, 1].map((lun) => ({ lun, backend: 'memory' as const, size, ...name }));
      const [key, value] = Object.entries(name)[0]!;
      expect(probeNames(withLuns(luns, scratch), '0'.repeat(32))).toEqual({
        question: 'world-wide names',
        state: 'failed',
        detail: `${key} ${value} of iqn.2026-11.a:b LUN 1 is also that of iqn.2026-11.a:b LUN 0`,
        remedy: 'change one of each two, or leave serial and naa out',
      });
    },
  );
});

describe('io_uring', () => {
  const { engine, remedy } = probeEngine('auto');

  test.each(['auto', 'uring', 'posix'] as const)('LUNARING_ENGINE=%s is judged by what this machine has', (wish) => {
    using scratch = new Scratch('probes');
    const answer = probeUring(settingsOf({ tuning: { engine: wish } }, scratch));
    if (engine === 'uring') {
      expect(answer).toMatchObject({ state: 'fine', detail: expect.stringMatching(/^works, Linux \d/), remedy: '' });
      expect(answer.detail.includes('unused')).toBe(wish === 'posix');
      return;
    }
    expect(answer.state).toBe({ auto: 'warning', uring: 'failed', posix: 'fine' }[wish]);
    expect(answer.remedy).toContain(wish === 'posix' ? '' : remedy);
  });
});

describe('limits of the process', () => {
  test('descriptors are held against what connections and units may take', () => {
    using scratch = new Scratch('probes');
    const { soft } = resourceLimit(Resource.openFiles);
    const few = probeDescriptors(withLuns([], scratch));
    expect(few).toMatchObject({ state: 'fine', detail: `96 needed, ${soft} allowed` });
    const targets = Array.from({ length: Math.ceil(soft / 8192) + 1 }, (_, index) => ({
      name: `iqn.2026-11.a:${index}`,
      connectionLimit: 4096,
      luns: [],
    }));
    const many = probeDescriptors(settingsOf({ targets }, scratch));
    const needed = 64 + targets.length * 8192;
    expect(many).toMatchObject({ state: 'warning', detail: expect.stringContaining(`${needed} needed`) });
    expect(many.remedy).toContain(`ulimit -n ${needed}`);
  });

  test('locked memory is of no interest to the posix engine', () => {
    using scratch = new Scratch('probes');
    const answer = probeLockedMemory(settingsOf({ tuning: { engine: 'posix' } }, scratch));
    expect(answer).toMatchObject({ state: 'fine', detail: expect.stringContaining('not needed') });
  });

  test('locked memory is held against the slabs of all workers', async () => {
    using scratch = new Scratch('probes');
    const file = scratch.file('lunaring.json');
    writeFileSync(
      file,
      JSON.stringify({
        portals: [{ address: '127.0.0.1', port: 0 }],
        admin: false,
        targets: [],
        tuning: { workers: 2, slabMiB: 64 },
      }),
    );
    // Without the right to lock anything, which root has; 8 MiB is what most distributions allow.
    const unprivileged = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-ipc_lock', '--'] : [];
    const program = [process.execPath, 'dist/src/cli/main.js', 'check', '--config', file, '--json'];
    const [first, ...rest] = ['prlimit', '--memlock=8388608:8388608', ...unprivileged, ...program];
    const { stdout, stderr } = await run(first!, rest);
    expect(stderr).toBe('');
    const { answers } = JSON.parse(stdout) as { answers: { question: string; state: string; remedy: string }[] };
    expect(answers.find(({ question }) => question === 'locked memory')).toEqual({
      question: 'locked memory',
      state: 'warning',
      detail: '128MiB needed, 8MiB allowed: I/O memory stays unregistered, slower',
      remedy: 'ulimit -l 131072, LimitMEMLOCK= in a unit file, or a smaller LUNARING_SLAB_MIB',
    });
  });
});

describe('where the C library can’t be called', () => {
  /** Runs the program on a machine for which koffi has no binary. */
  function runWithout(command: string, disk: string, scratch: Scratch) {
    const missing = scratch.file('missing.cjs');
    writeFileSync(
      missing,
      `const Module = require('node:module');
      const load = Module._load;
      Module._load = (name, ...rest) => {
        if (name === 'koffi') throw new Error('no binary for this machine');
        return load(name, ...rest);
      };`,
    );
    const file = scratch.file('lunaring.json');
    const luns = [{ lun: 0, path: disk, size: '1MiB', direct: false }];
    const portals = [{ address: '127.0.0.1', port: 0 }];
    writeFileSync(file, JSON.stringify({ portals, admin: false, targets: [{ name: 'iqn.2026-11.a:b', luns }] }));
    const words = ['--require', missing, 'dist/src/cli/main.js', command, '--config', file];
    return run(process.execPath, words);
  }

  test.each(['check', 'serve'])('%s says so and what to do, and makes nothing', async (command) => {
    using scratch = new Scratch('library');
    const disk = scratch.file('disk.img');
    const { code, stdout, stderr } = await runWithout(command, disk, scratch);
    const said = "koffi, which calls the C library, can't be loaded: Error: no binary for this machine";
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(`${said}; install the dependencies on this machine (npm ci)`);
    expect(stdout + stderr).not.toContain('Node.js v');
    expect(existsSync(disk)).toBe(false);
  });
});

describe('idle CPUs', () => {
  const GOVERNOR = 'devices/system/cpu/cpuidle/current_governor_ro';
  const HALT_POLL = 'module/haltpoll/parameters/guest_halt_poll_ns';

  /** Answers where sysfs has these files. */
  function probe(files: Record<string, string>) {
    using scratch = new Scratch('sysfs');
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(scratch.file(name)), { recursive: true });
      writeFileSync(scratch.file(name), text);
    }
    const { state, detail, remedy } = probeIdleCpus(scratch.path);
    return [state, detail, remedy.replace(scratch.path, '/sys')];
  }

  test('are left to their governor', () => {
    expect(probe({ [GOVERNOR]: 'menu\n' })).toEqual(['fine', 'governor menu', '']);
    expect(probe({})).toEqual(['fine', 'no governor', '']);
  });

  test('of a virtual machine should look for work before they halt', () => {
    const [state, , remedy] = probe({ [GOVERNOR]: 'haltpoll\n', [HALT_POLL]: '0\n' });
    expect([state, remedy]).toEqual(['warning', `echo 200000 > /sys/${HALT_POLL} (docs/deployment.md)`]);
    const polling = probe({ [GOVERNOR]: 'haltpoll\n', [HALT_POLL]: '200000\n' });
    expect(polling).toEqual(['fine', 'look for work for 200 µs before they halt', '']);
  });
});

test('congestion control that was named has to be one that the kernel allows', () => {
  using scratch = new Scratch('sysctl');
  mkdirSync(scratch.file('net/ipv4'), { recursive: true });
  writeFileSync(scratch.file('net/ipv4/tcp_congestion_control'), 'bbr\n');
  writeFileSync(scratch.file('net/ipv4/tcp_allowed_congestion_control'), 'reno bbr\n');
  const probe = (congestionControl: string) =>
    probeCongestionControl(settingsOf({ tuning: { congestionControl } }, scratch), scratch.path);
  expect(['auto', 'system', 'reno'].map((name) => probe(name).state)).toEqual(['fine', 'fine', 'fine']);
  expect(probe('cubic')).toEqual({
    question: 'congestion control',
    state: 'failed',
    detail: 'cubic is not among those that the kernel allows: reno bbr',
    remedy:
      'name one of those, or add it: modprobe tcp_cubic; sysctl -w net.ipv4.tcp_allowed_congestion_control="reno bbr cubic"',
  });
});

describe('the admin token', () => {
  const probe = (scratch: Scratch, tokenFile?: string) =>
    probeToken(settingsOf({ admin: tokenFile === undefined ? {} : { tokenFile } }, scratch));

  test('is of no interest where there is no admin interface', () => {
    using scratch = new Scratch('probes');
    expect(probeToken(settingsOf({ admin: false }, scratch))).toBeNull();
  });

  test('is missed where there is none', () => {
    using scratch = new Scratch('probes');
    expect(probe(scratch)).toMatchObject({ state: 'warning', remedy: expect.stringContaining('admin.tokenFile') });
    expect(probe(scratch, 'admin.token')).toMatchObject({
      state: 'failed',
      detail: `${scratch.file('admin.token')}: ENOENT`,
      remedy: expect.stringContaining('umask 077'),
    });
  });

  test('has to be something, and a secret', () => {
    using scratch = new Scratch('probes');
    const path = scratch.file('admin.token');
    writeFileSync(path, ' \n', { mode: 0o600 });
    expect(probe(scratch, path)).toMatchObject({ state: 'failed', detail: `${path}: empty` });
    writeFileSync(path, 'two words\n');
    expect(probe(scratch, path)).toMatchObject({
      state: 'failed',
      detail: `${path}: no token: one line without spaces, of ASCII alone`,
      remedy: expect.stringContaining('head -c 24'),
    });
    writeFileSync(path, 'something\n');
    expect(probe(scratch, path)).toMatchObject({ state: 'fine', detail: path });
    chmodSync(path, 0o644);
    expect(probe(scratch, path)).toMatchObject({ state: 'warning', remedy: `chmod 600 ${path}` });
  });
});
