// What signals do to a running target with a session on it: the first drains, the second does not wait.

import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AsyncEvent, AsyncMessage } from '../../src/pdu/async-message.ts';
import { read10, write10 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const BLOCK = 512;
const LUNS = [{ lun: 0, path: 'disk.img', size: '1MiB', direct: false }];
/** What follows a signal sooner than this is the same wish (src/cli/serve.ts). */
const SAME_SIGNAL_MS = 500;

const start = () =>
  TargetProcess.start({ targets: [{ name: TARGET_NAME, luns: LUNS }], tuning: { workers: 1, slabMiB: 16 } });

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

test('the second signal: it ends at once, whoever is still there', async () => {
  const target = await start();
  try {
    using initiator = await RawInitiator.logIn(target.port);
    target.drain();
    await initiator.expect(AsyncMessage);
    await sleep(SAME_SIGNAL_MS + 100);
    expect(target.running).toBe(true);
    target.drain();
    await expect.poll(() => target.running, { timeout: 4000 }).toBe(false);
    expect(target.log).toContain('second signal: ending at once');
  } finally {
    await target.kill();
  }
});
