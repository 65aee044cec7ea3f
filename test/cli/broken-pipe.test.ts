// Programs whose reader goes away before they have said everything.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { whenUnread } from '../../src/cli/broken-pipe.ts';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';

const PROGRAM = join(repositoryRoot(), 'dist/src/cli/main.js');
const BENCH = join(repositoryRoot(), 'dist/bench/main.js');

test('whoever writes hears of it; other errors stay errors', () => {
  const stream = new PassThrough();
  let heard = 0;
  whenUnread(stream, () => heard++);
  stream.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
  expect(heard).toBe(1);
  expect(() => stream.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }))).toThrow('no space');
  expect(heard).toBe(1);
});

test('whoever says what else goes wrong is for hears of that', () => {
  const stream = new PassThrough();
  const faults: string[] = [];
  whenUnread(
    stream,
    () => faults.push('unread'),
    (fault) => faults.push(fault.message),
  );
  stream.emit('error', Object.assign(new Error('no space'), { code: 'ENOSPC' }));
  expect(faults).toEqual(['no space']);
});

/** Starts a program whose standard output nobody reads. */
function unread(command: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  // Not the test run's own variables, LUNARING_SIM_SECONDS for one: the program says that it knows none of that name.
  const { PATH } = process.env;
  const env = { PATH, ...environment };
  const child = spawn(process.execPath, command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  const ended = once(child, 'close');
  let complained = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  return { child, ended, complained: () => complained };
}

test.each([[[PROGRAM, 'explain', '--all']], [[PROGRAM, '--help']], [[PROGRAM, 'env', '--json']], [[BENCH, '--help']]])(
  '%j ends without a word',
  async (command) => {
    const { ended, complained } = unread(command);
    expect([...(await ended), complained()]).toEqual([0, null, '']);
  },
);

/** A file that is open for writing until its scope ends. */
class Descriptor implements Disposable {
  readonly number: number;

  constructor(path: string) {
    this.number = openSync(path, 'w');
  }

  [Symbol.dispose](): void {
    closeSync(this.number);
  }
}

/** A small target that logs JSON. */
const serving = (disk: string) => ({
  LUNARING_DISKS: `${disk}:1MiB`,
  LUNARING_PORTALS: '127.0.0.1:0',
  LUNARING_ADMIN: 'off',
  LUNARING_WORKERS: '1',
  LUNARING_LOG_FORMAT: 'json',
});

test.each([[['env', '--json']], [['explain', '--all']], [['--help']]])(
  '%j says that there is no space for it, and ends with 1',
  async (words) => {
    using full = new Descriptor('/dev/full');
    const { PATH } = process.env;
    const child = spawn(process.execPath, [PROGRAM, ...words], {
      env: { PATH },
      stdio: ['ignore', full.number, 'pipe'],
    });
    const ended = once(child, 'close');
    let complained = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      complained += text;
    });
    expect([...(await ended), complained]).toEqual([1, null, expect.stringMatching(/^standard output: ENOSPC.*\n$/)]);
  },
);

test('a target serves on', async () => {
  using scratch = new Scratch('unread');
  const { child, ended, complained } = unread([PROGRAM, 'serve'], serving(scratch.file('disk.img')));
  try {
    await expect.poll(complained, { timeout: 60_000 }).toMatch(/"worker: /);
  } finally {
    // The banner, which nobody reads, is printed even so, before it stops.
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(complained()).toMatch(/"stopped"/);
});

test('a target whose output finds no space serves on, and logs', async () => {
  using scratch = new Scratch('unwritable');
  const env = { PATH: process.env['PATH'], ...serving(scratch.file('disk.img')) };
  using full = new Descriptor('/dev/full');
  const child = spawn(process.execPath, [PROGRAM, 'serve'], { env, stdio: ['ignore', full.number, 'pipe'] });
  const ended = once(child, 'close');
  let complained = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  try {
    await expect.poll(() => complained, { timeout: 60_000 }).toMatch(/"worker: /);
  } finally {
    // The banner, for which there is no space, is printed even so, before it stops.
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(complained).toMatch(/"stopped"/);
});

test.each(['json', 'pretty'])('a target whose %s log finds no space serves on, and stops in order', async (format) => {
  using scratch = new Scratch('unwritable');
  const settings = serving(scratch.file('disk.img'));
  const env = { PATH: process.env['PATH'], ...settings, LUNARING_LOG_FORMAT: format };
  using full = new Descriptor('/dev/full');
  const child = spawn(process.execPath, [PROGRAM, 'serve'], { env, stdio: ['ignore', 'pipe', full.number] });
  const ended = once(child, 'close');
  let printed = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  try {
    await expect.poll(() => printed + (child.exitCode ?? ''), { timeout: 60_000 }).toMatch(/ready|^\d/);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
});
