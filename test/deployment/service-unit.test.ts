// The unit file for systemd: it is one, it confines the service, and it lets through what the program asks of the kernel.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callAdmin } from '../support/admin-caller.ts';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const UNIT = readFileSync(join(repositoryRoot(), 'docs/deployment/lunaring.service'), 'utf8');

function analyze(...parameters: string[]) {
  return spawnSync('systemd-analyze', parameters, { encoding: 'utf8' });
}

const systemd = analyze('--version').status === 0;

/** Of 100: what `systemd-analyze security` calls OK ends at 50. */
const EXPOSURE_MAX = 20;

/** What both engines and V8 can't do without, as strace(1) saw it beside what every program needs. */
const NEEDED = [
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'eventfd2',
  'epoll_wait',
  'futex',
  'clone3',
  'fallocate',
  'fdatasync',
  'pwrite64',
  'flock',
  'madvise',
  'mprotect',
  'accept4',
  'sendto',
  'sched_setaffinity',
  'prlimit64',
  'capget',
  'prctl',
  'fchmod',
];

/** What the unit has the service manager run. */
const commandOf = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)![1]!;

/** System calls of a group, those of the groups in it included. */
function callsOf(group: string): string[] {
  const lines = analyze('syscall-filter', group).stdout.split('\n').slice(1);
  const names = lines.map((line) => line.trim()).filter((name) => name !== '' && !name.startsWith('#'));
  return names.flatMap((name) => (name.startsWith('@') ? callsOf(name) : name));
}

describe.skipIf(!systemd)('the unit file', () => {
  test('is one that systemd finds nothing to say about', () => {
    using scratch = new Scratch('unit');
    const path = scratch.file('lunaring.service');
    const program = `${process.execPath} ${join(repositoryRoot(), 'dist/src/cli/main.js')}`;
    writeFileSync(path, UNIT.replaceAll('/usr/local/bin/lunaring', program));
    const { status, stdout, stderr } = analyze('verify', '--man=no', path);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('leaves the service little beyond what it needs', () => {
    using scratch = new Scratch('unit');
    const path = scratch.file('lunaring.service');
    writeFileSync(path, UNIT);
    const { status, stdout } = analyze('security', '--offline=true', `--threshold=${EXPOSURE_MAX}`, '--no-pager', path);
    expect(status, stdout).toBe(0);
  });

  test('lets through the system calls of both engines', () => {
    const filters = [...UNIT.matchAll(/^SystemCallFilter=(.*)$/gm)].map((match) => match[1]!);
    const allowed = new Set<string>();
    for (const filter of filters) {
      const calls = filter.replace('~', '').split(' ').flatMap(callsOf);
      for (const call of calls)
        if (filter.startsWith('~')) allowed.delete(call);
        else allowed.add(call);
    }
    for (const call of callsOf('@default')) allowed.add(call);
    expect(allowed.size).toBeGreaterThan(200);
    expect(NEEDED.filter((call) => !allowed.has(call))).toEqual([]);
    expect(allowed.has('mount')).toBe(false);
  });
});

test('what the unit reloads with ends when the file is served, and fails when it is refused', async () => {
  const serving = (name: string) => ({
    portals: [{ address: '127.0.0.1', port: 0 }],
    admin: { address: '127.0.0.1', port: 0 },
    targets: [{ name, luns: [] }],
  });
  await using target = await TargetProcess.start(serving(TARGET_NAME));
  const [program, ...parameters] = commandOf('ExecReload').split(' ');
  expect(program).toBe(commandOf('ExecStart').split(' ')[0]);
  const reload = (name: string) => {
    writeFileSync(target.file('lunaring.yaml'), JSON.stringify(serving(name)));
    const command = [join(repositoryRoot(), 'dist/src/cli/main.js'), ...parameters];
    const env = { ...process.env, LUNARING_ADMIN: target.ready.admin! };
    return spawnSync(process.execPath, command, { encoding: 'utf8', env });
  };
  const other = 'iqn.2026-11.io.lunaring:other';
  expect(reload(other)).toMatchObject({ status: 0, stderr: '' });
  expect((await callAdmin(target.ready.admin!, 'GET', 'targets')).value).toMatchObject([{ name: other }]);
  const refused = reload('no name');
  expect(refused.status).toBe(2);
  expect(refused.stderr).toMatch(/targets\[0\]\.name/);
});
