// 0208: the session exists and is this initiator's, but this connection can not be part of it.

import { afterAll, beforeAll, expect } from 'vitest';
import { encodePairs } from '../../../src/pdu/text.ts';
import { TextRequest, TextResponse } from '../../../src/pdu/text-pdu.ts';
import { admitted, loginStatus } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('0208');
let target: TargetProcess;
beforeAll(async () => {
  const portals = [1, 2].map((tag) => ({ address: '127.0.0.1', port: 0, tag }));
  target = await serve({ maxConnections: 2 }, { portals });
});
afterAll(() => target.stop());

const portOf = (tag: number) => target.ready.portals.find((portal) => portal.tag === tag)!.port;

prove('a connection through another portal group than its session has', async () => {
  const leader = await admitted(portOf(1), { keys: { MaxConnections: '2' } });
  const { session } = leader;
  expect(await loginStatus(portOf(2), { session, cid: 2 })).toBe('0208');
  const second = await admitted(portOf(1), { session, cid: 2 });
  await second.ping();
  await leader.logOut();
});

prove('a connection to a discovery session', async () => {
  const discovery = await admitted(target.port, { sessionType: 'Discovery' });
  const { session } = discovery;
  expect(await loginStatus(target.port, { session, cid: 2, sessionType: 'Discovery' })).toBe('0208');
  expect(await loginStatus(target.port, { session, cid: 2 })).toBe('0208');
  // It has lost nothing by it.
  discovery.send(TextRequest, {}, { data: encodePairs([['SendTargets', 'All']]) });
  expect((await discovery.expect(TextResponse)).data.toString()).toContain(`TargetName=${TARGET_NAME}`);
  await discovery.logOut();
});
