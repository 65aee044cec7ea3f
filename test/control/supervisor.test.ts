// The workers' start where the machine does not have what it takes: said as an error, with nothing left behind. And their end, one after the other.

import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { AsyncMessage } from '../../src/pdu/async-message.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { lunField } from '../support/header-values.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

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
// libuv forgets the epoll descriptor of a loop that it could not make, and Node the modules that a thread was loading when it ended.
const isOurs = (fd) => {
  try {
    const file = readlinkSync('/proc/self/fd/' + fd);
    return file !== 'anon_inode:[eventpoll]' && !file.endsWith('.js');
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

/** It starts dozens of targets, and waits for the end of the threads of each. */
const LIMIT_SECONDS = 290;

test.each([
  ['uring', 'no disk'],
  ['posix', 'no disk'],
  ['uring', 'disks'],
])(
  'too few descriptors: an error says so, and nothing is left open or running (%s, %s of the program)',
  async (engine, units) => {
    const program = ['--input-type=module', '-e', PROGRAM, engine, units];
    const { stdout, stderr, code } = await run(process.execPath, program, { limitSeconds: LIMIT_SECONDS });
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
  (LIMIT_SECONDS + 10) * 1000,
);

// Root may have as many processes as it likes, and of other users than root nobody knows how many they have.
test.runIf(process.getuid?.() === 0)('too few threads: an error says what is allowed, and what to do', async () => {
  using scratch = new Scratch('supervisor');
  const file = scratch.file('lunaring.json');
  const targets = [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'null', size: '1MiB' }] }];
  const portals = [{ address: '127.0.0.1', port: 0 }];
  writeFileSync(file, JSON.stringify({ portals, admin: false, targets, tuning: { workers: 32, slabMiB: 16 } }));
  chmodSync(dirname(file), 0o755);
  const user = ['--reuid=64064', '--clear-groups', 'prlimit', '--nproc=24:24', process.execPath];
  const { code, stderr } = await run('setpriv', [...user, 'dist/src/cli/main.js', 'serve', '--config', file]);
  expect(code, stderr).toBe(1);
  expect(stderr).toContain('no thread can be made (EAGAIN): allowed are 24 for all processes of the user (ulimit -u)');
  expect(stderr).toContain('or set fewer tuning.workers');
});

const RESERVE_6 = Buffer.from([0x16, ...Array<number>(15).fill(0)]);

test.each(['uring', 'posix'] as const)(
  'nobody waits for a worker that has ended, while others go on until their sessions have ended (%s)',
  async (engine) => {
    const file = {
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'null' as const, size: '1MiB' }] }],
      tuning: { engine, workers: 2 },
    };
    const env = { NODE_OPTIONS: `--require ${join(repositoryRoot(), 'test/support/deaf-worker.cjs')}` };
    await using target = await TargetProcess.start(file, { env });
    using initiator = await RawInitiator.logIn(target.port);
    initiator.send(ScsiCommand, { flags: FINAL_BIT, lun: lunField(0), cdb: RESERVE_6 });
    // The other worker does not hear of it; with no session to wait for, it ends at once.
    target.drain();
    await initiator.expect(AsyncMessage);
    expect((await initiator.expect(ScsiResponse)).status).toBe(0);
  },
);
