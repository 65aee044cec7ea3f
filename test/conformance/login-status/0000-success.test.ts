// 0000: every accepted step, and the final response that begins the full feature phase.

import { afterAll, beforeAll, expect } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import { parsePairs } from '../../../src/pdu/text.ts';
import { loginStep } from '../../support/initiator-login.ts';
import { admitted, knock, loginStatus, namesAnd, statusOf } from '../../support/login-attempt.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('0000');
let target: TargetProcess;
beforeAll(async () => {
  target = await serve();
});
afterAll(() => target.stop());

prove('a plain login', async () => {
  expect(await loginStatus(target.port)).toBe('0000');
});

prove('TSIHs are not 0, and differ from session to session', async () => {
  const initiators = [await admitted(target.port), await admitted(target.port), await admitted(target.port)];
  const tsihs = initiators.map(({ session }) => session.tsih);
  expect(tsihs).not.toContain(0);
  expect(new Set(tsihs).size).toBe(3);
  for (const initiator of initiators) await initiator.logOut();
});

prove('TargetPortalGroupTag is in the first response that follows TargetName', async () => {
  using initiator = await knock(target.port);
  // The names come in two pieces: the answer to the first can't know them yet.
  const [first, ...rest] = namesAnd();
  const begun = await loginStep(initiator, { stage: Stage.SECURITY, more: true, pairs: [first!] });
  expect([statusOf(begun), begun.data.length]).toEqual(['0000', 0]);
  const named = await loginStep(initiator, { stage: Stage.SECURITY, pairs: rest });
  expect(parsePairs(named.data)?.get('TargetPortalGroupTag')).toBe('1');
  const later = await loginStep(initiator, { stage: Stage.SECURITY, next: Stage.OPERATIONAL });
  expect(parsePairs(later.data)?.has('TargetPortalGroupTag')).toBe(false);
});

prove('only the final response has a TSIH', async () => {
  using initiator = await knock(target.port);
  const first = await loginStep(initiator, { stage: Stage.SECURITY, next: Stage.OPERATIONAL, pairs: namesAnd() });
  const last = await loginStep(initiator, { stage: Stage.OPERATIONAL, next: Stage.FULL_FEATURE });
  expect([statusOf(first), first.tsih]).toEqual(['0000', 0]);
  expect(statusOf(last)).toBe('0000');
  expect(last.tsih).toBeGreaterThan(0);
  await initiator.ping();
});
