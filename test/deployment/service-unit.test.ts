// The unit file for systemd: it is one, it confines the service, and it lets through what the program asks of the kernel.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';

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
];

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
    writeFileSync(path, UNIT.replace('/usr/local/bin/lunaring', program));
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
