// Programs whose reader goes away before they have said everything.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
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

test('a target serves on', async () => {
  using scratch = new Scratch('unread');
  const { child, ended, complained } = unread([PROGRAM, 'serve'], {
    LUNARING_DISKS: `${scratch.file('disk.img')}:1MiB`,
    LUNARING_PORTALS: '127.0.0.1:0',
    LUNARING_ADMIN: 'off',
    LUNARING_WORKERS: '1',
    LUNARING_LOG_FORMAT: 'json',
  });
  try {
    await expect.poll(complained, { timeout: 60_000 }).toMatch(/"worker: /);
  } finally {
    // The banner, which nobody reads, is printed even so, before it stops.
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
  expect(complained()).toMatch(/"stopped"/);
});
