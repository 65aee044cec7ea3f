// 0101: the target is served elsewhere for now, for everybody or for some.

import { afterAll, beforeAll, expect } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import { loginStatus, namesAnd, stepsStatus, tryLogin } from '../../support/login-attempt.ts';
import { casesOf } from './cases.ts';
import { HERE, PERSONAL, PROTECTED, Redirected, SIX, WANDERER } from './redirected.ts';
import { ALICE } from './serve.ts';

const prove = casesOf('0101');
let redirected: Redirected;
beforeAll(async () => {
  redirected = await Redirected.start(false);
});
afterAll(() => redirected[Symbol.asyncDispose]());

prove('a login is sent elsewhere, and succeeds there', async () => {
  const { status, keys } = await tryLogin(redirected.port);
  expect(status).toBe('0101');
  expect([...keys]).toEqual([['TargetAddress', redirected.address]]);
  const [host, port] = keys.get('TargetAddress')!.split(':');
  expect(await loginStatus(Number(port), { host: host! })).toBe('0000');
});

prove('an IPv6 address is in brackets, without the portal group tag', async () => {
  const { status, keys } = await tryLogin(redirected.port, { target: SIX });
  expect([status, keys.get('TargetAddress')]).toEqual(['0101', '[2001:db8::7]:3261']);
});

prove('a redirect of the target comes before security', async () => {
  const first = { stage: Stage.SECURITY, pairs: namesAnd({ TargetName: PROTECTED, AuthMethod: 'CHAP' }) };
  expect(await stepsStatus(redirected.port, [first])).toBe('0101');
});

prove('a redirect of one initiator comes after security, and concerns no other', async () => {
  const wanderer = { initiatorName: WANDERER, target: PERSONAL };
  const first = { stage: Stage.SECURITY, pairs: namesAnd({ InitiatorName: WANDERER, TargetName: PERSONAL }) };
  expect(await stepsStatus(redirected.port, [first], wanderer)).toBe('0000');
  expect(await loginStatus(redirected.port, { ...wanderer, chap: { ...ALICE, secret: 'wrong' } })).toBe('0201');
  const { status, keys } = await tryLogin(redirected.port, { ...wanderer, chap: ALICE });
  expect([status, keys.get('TargetAddress')]).toEqual(['0101', redirected.address]);
  expect(await loginStatus(redirected.port, { target: PERSONAL, chap: ALICE })).toBe('0000');
});

prove('never to the portal in use', async () => {
  expect(await loginStatus(redirected.port, { target: HERE })).toBe('0000');
});
