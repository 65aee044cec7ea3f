// 0209: the portal does not serve sessions of this type.

import { afterAll, beforeAll, expect } from 'vitest';
import { loginStatus, namesAnd, stepsStatus } from '../../support/login-attempt.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('0209');
let target: TargetProcess;
beforeAll(async () => {
  const portals = [true, false].map((discovery) => ({ address: '127.0.0.1', port: 0, discovery }));
  target = await serve({}, { portals });
});
afterAll(() => target.stop());

prove('SessionType=Foo', async () => {
  for (const type of ['Foo', 'normal', 'Normal,Discovery', '']) {
    const login = { stage: 1, next: 3, pairs: namesAnd({ SessionType: type }) };
    expect(await stepsStatus(target.port, [login])).toBe('0209');
  }
});

prove('discovery where it is switched off', async () => {
  const [open, closed] = target.ready.portals.map(({ port }) => port);
  expect(await loginStatus(closed!, { sessionType: 'Discovery' })).toBe('0209');
  expect(await loginStatus(open!, { sessionType: 'Discovery' })).toBe('0000');
  expect(await loginStatus(closed!)).toBe('0000');
});
