// What signals do to a target: the first SIGTERM drains, the second does not wait, and a SIGHUP that comes too early is not lost.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { AsyncEvent, AsyncMessage } from '../../src/pdu/async-message.ts';
import { read10, write10 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { AS_FIRST, childOf, firstProcessObstacle, TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const BLOCK = 512;
const LUNS = [{ lun: 0, path: 'disk.img', size: '1MiB', direct: false }];
/** What follows a signal sooner than this is the same wish (src/cli/serve.ts). */
const SAME_SIGNAL_MS = 500;

const start = (options?: { readonly first: boolean }) =>
  TargetProcess.start({ targets: [{ name: TARGET_NAME, luns: LUNS }], tuning: { workers: 1, slabMiB: 16 } }, options);

test('the first signal: the initiator is asked to log out, commands go on, logins are refused, and it ends when the session does', async () => {
  await using target = await start();
  using initiator = await RawInitiator.logIn(target.port);
  target.drain();
  const message = await initiator.expect(AsyncMessage);
  expect(message.asyncEvent).toBe(AsyncEvent.LOGOUT_REQUEST);
  const data = noise(BLOCK);
  expect((await initiator.command(write10(5, 1), { write: data })).status).toBe(0);
  expect((await initiator.command(read10(5, 1), { read: BLOCK })).data.equals(data)).toBe(true);
  using late = await RawInitiator.connect(target.port);
  expect((await late.login()).status).toBe(0x0301);
  await initiator.logOut();
  await target.stop();
});

function needsFirst(context: TestContext): void {
  const obstacle = firstProcessObstacle();
  if (obstacle === null) return;
  process.stderr.write(`not tried: ${context.task.name}: ${obstacle}\n`);
  context.skip(obstacle);
}

/** Has a target drain for an initiator that stays, and sends the second signal. Answers how it ended. */
async function signalTwice(target: TargetProcess): Promise<string> {
  using initiator = await RawInitiator.logIn(target.port);
  target.drain();
  await initiator.expect(AsyncMessage);
  await sleep(SAME_SIGNAL_MS + 100);
  expect(target.running).toBe(true);
  target.drain();
  await expect.poll(() => target.running, { timeout: 20_000 }).toBe(false);
  await target.logged(/second signal: ending at once/);
  return target.ending;
}

test('the second signal: it ends at once, whoever is still there', async () => {
  const target = await start();
  try {
    // Without the second it would have drained, and ended with a status.
    expect(await signalTwice(target)).toBe('SIGTERM');
  } finally {
    await target.kill();
  }
});

test('the second signal: a container’s first process ends at once as well', async (context) => {
  needsFirst(context);
  const target = await start({ first: true });
  try {
    // No signal of its own reaches it: the status says which it would have been.
    expect(await signalTwice(target)).toBe('exit status 143');
  } finally {
    await target.kill();
  }
});

test.for(['SIGTERM', 'SIGINT'] as const)(
  '%s: a container’s first process ends that does not serve',
  async (signal, context) => {
    needsFirst(context);
    // Nobody answers what it asks.
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const program = join(repositoryRoot(), 'dist/src/cli/main.js');
    const [unshare, ...options] = AS_FIRST;
    const command = [process.execPath, program, 'status', '--admin', `127.0.0.1:${port}`];
    const child = spawn(unshare!, [...options, ...command], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const [socket] = (await once(server, 'connection')) as [Socket];
    process.kill(childOf(child.pid!), signal);
    expect(await ended).toEqual([128 + constants.signals[signal], null]);
    socket.destroy();
  },
);

/** Runs the program in the scratch directory; it ends with the test run. */
function serve(scratch: Scratch, args: readonly string[]) {
  const program = [process.execPath, join(repositoryRoot(), 'dist/src/cli/main.js'), ...args];
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...program], {
    cwd: scratch.path,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Resolves when the stream has said it. */
async function heard(stream: Readable, pattern: RegExp): Promise<void> {
  let log = '';
  while (!pattern.test(log)) log += String((await once(stream, 'data'))[0]);
}

test.each([
  [0, ['serve']],
  [0, []],
  [null, ['check']],
] as const)('SIGHUP before it has read its configuration: %s is the exit status of %j', async (status, command) => {
  using scratch = new Scratch('hangup');
  const pipe = scratch.file('lunaring.json');
  execFileSync('mkfifo', [pipe]);
  const child = serve(scratch, [...command, '--config', pipe]);
  const ended = once(child, 'exit');
  // Resolves when the other end is open: it reads from now on.
  const writer = await open(pipe, 'w');
  child.kill('SIGHUP');
  if (status === null) {
    expect(await ended).toEqual([null, 'SIGHUP']);
    await writer.close();
    return;
  }
  const portals = [{ address: '127.0.0.1', port: 0 }];
  const log = { format: 'json' };
  const text = JSON.stringify({ portals, admin: false, targets: [], tuning: { workers: 1, slabMiB: 16 }, log });
  const said = heard(child.stderr, /the configuration will be read again/);
  await writer.writeFile(text);
  await writer.close();
  // And once more, as it was told. Before it says so, it may still be reading what it has.
  await Promise.race([said, ended]);
  const again = await Promise.race([open(pipe, 'w'), ended]);
  if (Array.isArray(again)) throw new Error(`it ended: ${again.join(' ')}`);
  await again.writeFile(text);
  await again.close();
  child.kill('SIGTERM');
  expect(await ended).toEqual([status, null]);
});

test('SIGHUP while it starts: it starts, and then serves what the file says by then', async () => {
  using scratch = new Scratch('hangup');
  const file = scratch.file('lunaring.yaml');
  const say = (alias: string) => {
    const targets = [{ name: TARGET_NAME, alias, luns: LUNS }];
    const rest = { portals: [{ address: '127.0.0.1', port: 0 }], admin: false, tuning: { workers: 1, slabMiB: 16 } };
    writeFileSync(file, JSON.stringify({ targets, ...rest, log: { format: 'json' } }));
  };
  say('before');
  const child = serve(scratch, ['--config', file]);
  const ended = once(child, 'exit');
  let log = '';
  const said = async (pattern: RegExp) => {
    while (!pattern.test(log)) {
      const [chunk] = await Promise.race([once(child.stderr, 'data'), ended.then(() => [null])]);
      if (chunk === null) throw new Error(`it ended with ${child.signalCode ?? child.exitCode}\n${log}`);
      log += chunk;
    }
  };
  try {
    // The first thing that it says, before it has any thread.
    await said(/"engine: /);
    say('after');
    child.kill('SIGHUP');
    await said(/\.alias","action":"change".*the configuration is served as it is now/s);
  } finally {
    child.kill('SIGTERM');
  }
  expect(await ended).toEqual([0, null]);
});
