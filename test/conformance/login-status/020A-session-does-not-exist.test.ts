// 020A: TSIH is not 0, and there is no such session of this initiator, ISID and portal group.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admitted, loginStatus } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve, targetOf } from './serve.ts';

const prove = casesOf('020A');
const OTHER = `${TARGET_NAME}-other`;
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    { targets: [targetOf({ maxConnections: 2 }), targetOf({ name: OTHER, maxConnections: 2 })] },
  );
});
afterAll(() => target.stop());

const leading = { keys: { MaxConnections: '2' } };

prove('an invented TSIH', async () => {
  for (const tsih of [1, 0x4242, 0xffff]) expect(await loginStatus(target.port, { tsih })).toBe('020A');
});

prove('a real TSIH with another ISID', async () => {
  const leader = await admitted(target.port, leading);
  const { initiatorName, isid, tsih } = leader.session;
  const other = Buffer.from(isid);
  other[5]! ^= 1;
  expect(await loginStatus(target.port, { initiatorName, isid: other, tsih, cid: 2 })).toBe('020A');
  await leader.logOut();
});

prove('a real TSIH with another InitiatorName', async () => {
  const leader = await admitted(target.port, leading);
  const { isid, tsih, initiatorName } = leader.session;
  expect(await loginStatus(target.port, { initiatorName: `${initiatorName}2`, isid, tsih, cid: 2 })).toBe('020A');
  await leader.logOut();
});

prove('a TSIH that was logged out', async () => {
  const leader = await admitted(target.port, leading);
  const { session } = leader;
  await leader.logOut();
  expect(await loginStatus(target.port, { session, cid: 2 })).toBe('020A');
  session.tsih = 0;
  expect(await loginStatus(target.port, { session, cid: 2 })).toBe('0000');
});

describe('beside them', () => {
  test('a real TSIH with another target', async () => {
    const leader = await admitted(target.port, leading);
    const { session } = leader;
    expect(await loginStatus(target.port, { session, cid: 2, target: OTHER })).toBe('020A');
    await leader.logOut();
  });

  test('the TSIH of a session that was reinstated', async () => {
    const leader = await admitted(target.port, leading);
    const { isid, tsih, initiatorName } = leader.session;
    const successor = await admitted(target.port, { ...leading, isid, initiatorName });
    expect(successor.session.tsih).not.toBe(tsih);
    expect(await loginStatus(target.port, { initiatorName, isid, tsih, cid: 2 })).toBe('020A');
    await leader.expectClose();
    await successor.logOut();
  });
});
