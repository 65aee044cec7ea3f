// 0204: the target was served here once and has been deleted on purpose; a tombstone remembers it for a while.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TOMBSTONE_MS } from '../../../src/control/tombstones.ts';
import { AsyncMessage } from '../../../src/pdu/async-message.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { admitted, knock, loginStatus, namesAnd, takeSteps } from '../../support/login-attempt.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { fileOf, targetOf } from './serve.ts';

const prove = casesOf('0204');
const NEIGHBOUR = `${TARGET_NAME}-neighbour`;
let target: TargetInProcess;
beforeEach(async () => {
  const luns = [{ lun: 0, path: 'disk.img', size: '1MiB' }];
  target = await TargetInProcess.start(fileOf({}, { targets: [targetOf({ luns }), targetOf({ name: NEIGHBOUR })] }));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await target[Symbol.asyncDispose]();
});

prove('a target that was logged in to, and then deleted', async () => {
  expect(await loginStatus(target.port)).toBe('0000');
  expect(await target.administration.removeTarget(TARGET_NAME.toUpperCase())).toBe(true);
  expect(await loginStatus(target.port)).toBe('0204');
  expect(await loginStatus(target.port, { target: NEIGHBOUR })).toBe('0000');
  expect(await target.administration.removeTarget(TARGET_NAME)).toBe(false);
});

prove('after the time of the tombstone: 0203', async () => {
  await target.administration.removeTarget(TARGET_NAME);
  const now = performance.now.bind(performance);
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + TOMBSTONE_MS - 60_000);
  expect(await loginStatus(target.port)).toBe('0204');
  clock.mockImplementation(() => now() + TOMBSTONE_MS);
  expect(await loginStatus(target.port)).toBe('0203');
});

describe('beside them', () => {
  test('sessions of the target end, those of others go on', async () => {
    using own = await admitted(target.port);
    using other = await admitted(target.port, { target: NEIGHBOUR });
    const data = Buffer.alloc(512, 'kept');
    expect(await own.command(write16(0, 1), { write: data })).toMatchObject({ status: 0 });
    await target.administration.removeTarget(TARGET_NAME);
    await own.expect(AsyncMessage);
    await own.expectClose();
    await other.ping();
    expect(await other.command(read16(0, 1), { read: 512 })).toMatchObject({ response: 0 });
    expect(target.administration.sessions().map(({ targetName }) => targetName)).toEqual([NEIGHBOUR]);
  });

  test('a login that was under way is told as well', async () => {
    using initiator = await knock(target.port);
    expect(await takeSteps(initiator, [{ stage: 0, next: 1, pairs: namesAnd() }])).toBe('0000');
    await target.administration.removeTarget(TARGET_NAME);
    expect(await takeSteps(initiator, [{ stage: 1, next: 3 }])).toBe('0204');
  });
});
