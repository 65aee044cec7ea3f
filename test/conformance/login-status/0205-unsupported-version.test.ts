// 0205: the range of versions that the initiator speaks does not contain 0x00, the only one there is.

import { afterAll, beforeAll, expect } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import type { LoginStep } from '../../support/initiator-login.ts';
import { loginStep } from '../../support/initiator-login.ts';
import { knock, namesAnd, statusOf, stepsStatus } from '../../support/login-attempt.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('0205');
let target: TargetProcess;
beforeAll(async () => {
  target = await serve();
});
afterAll(() => target.stop());

const login = (versionMin: number, versionMax: number): LoginStep => ({
  stage: Stage.OPERATIONAL,
  next: Stage.FULL_FEATURE,
  pairs: namesAnd(),
  values: { versionMin, versionMax },
});

prove('Version-min 1, Version-max 1', async () => {
  expect(await stepsStatus(target.port, [login(1, 1)])).toBe('0205');
  expect(await stepsStatus(target.port, [login(1, 255)])).toBe('0205');
});

prove('Version-min 0, Version-max 5 passes', async () => {
  using initiator = await knock(target.port);
  const response = await loginStep(initiator, login(0, 5));
  expect([statusOf(response), response.versionActive, response.versionMax]).toEqual(['0000', 0, 0]);
});

prove('checked before any text is read', async () => {
  const text = Buffer.from('no text at all');
  expect(await stepsStatus(target.port, [{ ...login(1, 1), text }])).toBe('0205');
  expect(await stepsStatus(target.port, [{ ...login(0, 1), text }])).toBe('0200');
});
