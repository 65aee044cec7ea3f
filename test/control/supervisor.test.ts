// The workers' start where the machine does not have what it takes: said as an error, with nothing left behind.

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';

/** Starts a target again and again, each time with one descriptor more that it may open, until it starts. Prints what came of it. */
const PROGRAM = `
import { readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTarget, LunaringError } from '${join(repositoryRoot(), 'dist/src/library/index.js')}';

const koffi = createRequire('${join(repositoryRoot(), 'package.json')}')('koffi');
const setrlimit = koffi.load(null).func('setrlimit', 'int', ['int', 'void *']);
const RLIMIT_NOFILE = 7;
const limit = (descriptors) => setrlimit(RLIMIT_NOFILE, new BigUint64Array([BigInt(descriptors), 4096n]));
const open = () => readdirSync('/proc/self/fd');
// libuv forgets the epoll descriptor of a loop that it could not make.
const isOurs = (fd) => {
  try {
    return readlinkSync('/proc/self/fd/' + fd) !== 'anon_inode:[eventpoll]';
  } catch {
    return false;
  }
};
const held = () => [open().filter(isOurs).length, readdirSync('/proc/self/task').length];
// Each way of a worker to a program's disk takes one more.
const disks = [0, 1, 2, 3].map((lun) => ({ lun, backend: 'custom', size: '1MiB', disk: { read() {} } }));
const luns = process.argv[2] === 'disks' ? disks : [{ lun: 0, backend: 'null', size: '1MiB' }];
const options = {
  portals: [{ address: '127.0.0.1', port: 0 }],
  targets: [{ name: 'iqn.2026-11.io.lunaring:disk0', luns }],
  tuning: { engine: process.argv[1], workers: 3, slabMiB: 16 },
};
const attempt = async () => {
  try {
    await (await createTarget(options)).close();
    return 'started';
  } catch (error) {
    return error instanceof LunaringError ? error.code : String(error);
  }
};

// What Node and koffi open once is open then.
await attempt();
const before = held();
// Threads take a while to end. While they have descriptors the next attempt would have more than it should.
const settled = async () => {
  for (let tries = 0; String(held()) !== String(before) && tries < 100; tries++) await sleep(100);
};
const outcomes = [];
while (outcomes.at(-1) !== 'started' && outcomes.length < 100) {
  await settled();
  limit(open().length + outcomes.length);
  const outcome = await attempt();
  limit(4096);
  outcomes.push(outcome);
}
await settled();
console.log(JSON.stringify({ outcomes, before, after: held() }));
`;

test.each([
  ['uring', 'no disk'],
  ['posix', 'no disk'],
  ['uring', 'disks'],
])(
  'too few descriptors: an error says so, and nothing is left open or running (%s, %s of the program)',
  async (engine, units) => {
    const { stdout, stderr, code } = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, engine, units]);
    expect(code, stderr).toBe(0);
    const { outcomes, before, after } = JSON.parse(stdout) as {
      readonly outcomes: readonly string[];
      readonly before: readonly number[];
      readonly after: readonly number[];
    };
    expect(outcomes).toContain('LUNARING_WORKER');
    for (const outcome of outcomes.slice(0, -1)) expect(outcome).toMatch(/^LUNARING_/);
    expect(outcomes.at(-1)).toBe('started');
    expect(after).toEqual(before);
  },
);
