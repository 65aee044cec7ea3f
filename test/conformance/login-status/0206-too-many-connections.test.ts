// 0206: one more connection would be more than the target or the session allows.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogoutReason } from '../../../src/pdu/logout.ts';
import { type Attempt, admitted, loginStatus } from '../../support/login-attempt.ts';
import type { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve, targetOf } from './serve.ts';

const prove = casesOf('0206');
const LIMIT = 3;
const BROAD = `${TARGET_NAME}-broad`;
let target: TargetProcess;
beforeEach(async () => {
  const targets = [targetOf({ connectionLimit: LIMIT }), targetOf({ name: BROAD, maxConnections: 8 })];
  target = await serve({}, { targets });
});
afterEach(() => target.stop());

const fill = async (): Promise<RawInitiator[]> => {
  const initiators = [];
  for (let count = 0; count < LIMIT; count++) initiators.push(await admitted(target.port));
  return initiators;
};

prove('the connectionLimit of the target: so many succeed, and the next does not', async () => {
  const initiators = await fill();
  expect(await loginStatus(target.port)).toBe('0206');
  // The limit is one target's, not the process's.
  expect(await loginStatus(target.port, { target: BROAD })).toBe('0000');
  for (const initiator of initiators) await initiator.logOut();
});

prove('a logout frees its place at once', async () => {
  const initiators = await fill();
  for (let round = 0; round < 20; round++) {
    await initiators.shift()!.logOut();
    initiators.push(await admitted(target.port));
    expect(await loginStatus(target.port)).toBe('0206');
  }
  for (const initiator of initiators) await initiator.logOut();
});

prove('a connection that is lost frees its place', async () => {
  const initiators = await fill();
  for (const lose of [(wire: RawInitiator['wire']) => wire.close(), (wire: RawInitiator['wire']) => wire.reset()]) {
    expect(await loginStatus(target.port)).toBe('0206');
    lose(initiators.shift()!.wire);
    // The kernel tells the target when it likes.
    await expect.poll(() => loginStatus(target.port), { timeout: 20_000 }).toBe('0000');
    initiators.push(await admitted(target.port));
  }
  for (const initiator of initiators) await initiator.logOut();
});

/** Another connection of `leader`'s session. */
const joining = ({ session }: RawInitiator, cid: number): Attempt => ({ session, cid, target: BROAD });

prove('a connection beyond the MaxConnections of its session', async () => {
  const leader = await admitted(target.port, { target: BROAD, keys: { MaxConnections: '2' } });
  const second = await admitted(target.port, joining(leader, 2));
  expect(await loginStatus(target.port, joining(leader, 3))).toBe('0206');
  await second.logOut(LogoutReason.CLOSE_CONNECTION);
  const third = await admitted(target.port, joining(leader, 3));
  await third.ping();
  await leader.logOut();
});

describe('beside them', () => {
  test('a session that nobody negotiated more for has one connection', async () => {
    const leader = await admitted(target.port, { target: BROAD });
    expect(await loginStatus(target.port, joining(leader, 2))).toBe('0206');
    await leader.logOut();
  });

  test('eight connections in one session, and not nine', async () => {
    const leader = await admitted(target.port, { target: BROAD, keys: { MaxConnections: '64' } });
    expect(leader.session.parameters.maxConnections).toBe(8);
    const others = [];
    for (let cid = 2; cid <= 8; cid++) others.push(await admitted(target.port, joining(leader, cid)));
    expect(await loginStatus(target.port, joining(leader, 9))).toBe('0206');
    for (const other of others) await other.ping();
    await leader.logOut();
    for (const other of others) await other.expectClose();
  });

  test('who replaces a session takes no more room than that had', async () => {
    const initiators = await fill();
    const { isid, initiatorName } = initiators[0]!.session;
    expect(await loginStatus(target.port, { isid, initiatorName })).toBe('0000');
  });
});
