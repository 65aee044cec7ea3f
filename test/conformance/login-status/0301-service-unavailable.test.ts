// 0301: the target is known, and not serving just now. Never said of an unknown name: initiators would retry for ever.

import { describe, expect, test } from 'vitest';
import { AsyncMessage } from '../../../src/pdu/async-message.ts';
import { read16 } from '../../support/cdbs.ts';
import { admitted, knock, loginStatus, namesAnd, takeSteps } from '../../support/login-attempt.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { fileOf, serve, targetOf } from './serve.ts';

const prove = casesOf('0301');
const OFFLINE = `${TARGET_NAME}-offline`;
const ASYNC_LOGOUT_REQUEST = 1;

prove('a target that is offline', async () => {
  await using target = await serve({}, { targets: [targetOf(), targetOf({ name: OFFLINE, state: 'offline' })] });
  expect(await loginStatus(target.port, { target: OFFLINE })).toBe('0301');
  expect(await loginStatus(target.port)).toBe('0000');
  expect(await loginStatus(target.port, { target: `${OFFLINE}x` })).toBe('0203');
});

prove('a login while the target drains', async () => {
  await using target = await serve();
  const session = await admitted(target.port);
  using halfway = await knock(target.port);
  expect(await takeSteps(halfway, [{ stage: 0, next: 1, pairs: namesAnd() }])).toBe('0000');
  target.drain();
  // The session hears of it by an Asynchronous Message, and may go on until it has left.
  expect(await session.expect(AsyncMessage)).toMatchObject({ asyncEvent: ASYNC_LOGOUT_REQUEST });
  expect(await loginStatus(target.port)).toBe('0301');
  expect(await loginStatus(target.port, { target: `${TARGET_NAME}x` })).toBe('0301');
  expect(await loginStatus(target.port, { sessionType: 'Discovery' })).toBe('0301');
  expect(await takeSteps(halfway, [{ stage: 1, next: 3 }])).toBe('0301');
  expect(await session.command(read16(0, 1), { read: 512 })).toMatchObject({ status: 0 });
  await session.logOut();
});

describe('beside them', () => {
  test('a target that is taken offline keeps its sessions, and serves again when it is back', async () => {
    await using target = await TargetInProcess.start(fileOf());
    const session = await admitted(target.port);
    expect(target.administration.setState(TARGET_NAME, 'offline')).toBe(true);
    expect(await loginStatus(target.port)).toBe('0301');
    await session.ping();
    expect(target.administration.setState(TARGET_NAME, 'online')).toBe(true);
    expect(await loginStatus(target.port)).toBe('0000');
    expect(target.administration.setState(`${TARGET_NAME}x`, 'offline')).toBe(false);
    await session.logOut();
  });
});
