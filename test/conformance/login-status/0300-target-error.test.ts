// 0300: the target's own fault, never the initiator's. It may try again, and whoever looks after the target finds the cause in the log.

import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { Session as Inspector } from 'node:inspector/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { admitted, loginStatus } from '../../support/login-attempt.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { fileOf, serve, targetOf } from './serve.ts';

const prove = casesOf('0300');
const OTHER = `${TARGET_NAME}-other`;
/** The worker that is to take over a connection with this CID dies (support/fail-worker.cjs). */
const FATAL_CID = 6666;
const FILE_LUN = { lun: 0, path: 'disk.img', size: '1MiB' };

prove('the backing file is gone', async () => {
  await using target = await serve({}, { targets: [targetOf({ luns: [FILE_LUN] }), targetOf({ name: OTHER })] });
  const file = target.file('disk.img');
  expect(await loginStatus(target.port)).toBe('0000');
  renameSync(file, `${file}.away`);
  expect(await loginStatus(target.port)).toBe('0300');
  await target.logged(/"received":"LUN 0: \S+disk\.img: ENOENT"/);
  // Another file of the same name is not the disk that was served.
  writeFileSync(file, Buffer.alloc(1024 * 1024));
  expect(await loginStatus(target.port)).toBe('0300');
  expect(await loginStatus(target.port, { target: OTHER })).toBe('0000');
  rmSync(file);
  renameSync(`${file}.away`, file);
  expect(await loginStatus(target.port)).toBe('0000');
});

/** A target whose access list can't be read: the policy throws when somebody logs in. */
const startBroken = () =>
  TargetInProcess.start(fileOf({}, { targets: [targetOf(), targetOf({ name: OTHER })] }), {
    alter(settings) {
      const [first, ...others] = settings.targets;
      const broken = Object.defineProperty({ ...first! }, 'acl', {
        enumerable: true,
        get() {
          throw new Error('the access list is not there');
        },
      });
      return { ...settings, targets: [broken, ...others] };
    },
  });

prove('an exception in the policy', async () => {
  await using target = await startBroken();
  expect(await loginStatus(target.port)).toBe('0300');
  expect(await loginStatus(target.port, { target: OTHER })).toBe('0000');
});

prove('with a correlation id that finds the cause in the log', async () => {
  await using target = await startBroken();
  expect(await loginStatus(target.port)).toBe('0300');
  const refusal = await target.logLine(({ status }) => status === '0300');
  expect(refusal).toMatchObject({
    name: 'TargetError',
    received: 'the access list is not there',
    err: { message: 'the access list is not there', stack: expect.stringContaining('policy') },
  });
  expect(refusal['correlationId']).toMatch(/^[0-9a-f]{12}$/);
  const accepted = await target.logLine(
    ({ correlationId, msg }) => msg === 'accepted' && correlationId === refusal['correlationId'],
  );
  expect(accepted['peer']).toMatch(/^127\.0\.0\.1:\d+$/);
});

prove('the worker is killed at the hand-off', async () => {
  // The hand-off itself is what it dies of, so that it neither answers nor is gone before.
  const env = { NODE_OPTIONS: `--require ${join(repositoryRoot(), 'test/support/fail-worker.cjs')}` };
  await using target = await TargetProcess.start(fileOf(), { env });
  expect(await loginStatus(target.port)).toBe('0000');
  expect(await loginStatus(target.port, { cid: FATAL_CID })).toBe('0300');
  await target.logged(/"status":"0300".*"received":"the worker failed at the hand-off"/);
  await expect.poll(() => loginStatus(target.port), { timeout: 20_000 }).toBe('0000');
});

prove('the worker is silent at the hand-off', async () => {
  await using target = await TargetInProcess.start(fileOf());
  expect(await loginStatus(target.port)).toBe('0000');
  const resume = await pauseWorkers();
  expect(await loginStatus(target.port)).toBe('0300');
  await target.logLine(({ received }) => String(received).startsWith('no answer of worker 0 within'));
  // It owes an answer: nobody else has to wait for it.
  expect(await loginStatus(target.port)).toBe('0300');
  await target.logLine(({ received }) => received === 'no worker answers');
  await resume();
  await expect.poll(() => loginStatus(target.port), { timeout: 20_000 }).toBe('0000');
  expect(target.administration.sessions()).toEqual([]);
});

/** Stops every worker of this process in its tracks, as a debugger does. Returns what lets them go on. */
async function pauseWorkers(): Promise<() => Promise<void>> {
  const inspector = new Inspector();
  inspector.connect();
  const sessions: string[] = [];
  inspector.on('NodeWorker.attachedToWorker', ({ params }) => sessions.push(params.sessionId));
  const tell = async (method: string): Promise<void> => {
    for (const sessionId of sessions) {
      const message = JSON.stringify({ id: 1, method });
      await inspector.post('NodeWorker.sendMessageToWorker', { sessionId, message });
    }
  };
  await inspector.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  await tell('Debugger.enable');
  await tell('Debugger.pause');
  return async () => {
    await tell('Debugger.resume');
    await tell('Debugger.disable');
    await inspector.post('NodeWorker.disable');
    inspector.disconnect();
  };
}

describe('beside them', () => {
  test('a session that is there does not notice that its file lost its name', async () => {
    await using target = await serve({ luns: [FILE_LUN] });
    const session = await admitted(target.port);
    rmSync(target.file('disk.img'));
    expect(await loginStatus(target.port)).toBe('0300');
    await session.ping();
    await session.logOut();
  });
});
