// With several reasons to refuse, the primary one is reported: each login here has two things wrong with it, and is told the first.

import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import type { LoginStep } from '../../support/initiator-login.ts';
import { admitted, loginStatus, stepsStatus, straight } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, serve, targetOf } from './serve.ts';

const REDIRECT = { address: '192.0.2.7', permanent: false };
const STRANGERS_OUT = { initiators: ['iqn.none:*'] };
const named = (what: string) => `${TARGET_NAME}-${what}`;
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      portals: [{ address: '127.0.0.1', port: 0, discovery: false }],
      targets: [
        targetOf({ sessionLimit: 1 }),
        targetOf({ name: named('moved-offline'), redirect: REDIRECT, state: 'offline', acl: STRANGERS_OUT }),
        targetOf({ name: named('offline-closed'), state: 'offline', acl: STRANGERS_OUT }),
        targetOf({ name: named('closed'), acl: STRANGERS_OUT, auth: CHAP }),
        targetOf({
          name: named('hidden'),
          acl: { ...STRANGERS_OUT, denial: 'hide' },
          redirect: REDIRECT,
          state: 'offline',
        }),
        targetOf({ name: named('chap'), auth: CHAP, redirects: [{ initiators: ['*'], ...REDIRECT }] }),
        targetOf({ name: named('broken'), luns: [{ lun: 0, path: 'gone.img', size: '1MiB' }] }),
      ],
    },
  );
  rmSync(target.file('gone.img'));
});
afterAll(() => target.stop());

const first = (step: LoginStep, values: LoginStep['values'] = {}) => stepsStatus(target.port, [{ ...step, values }]);

test('version before stage bits', async () => {
  expect(await first({ ...straight(), next: Stage.SECURITY }, { versionMin: 1, versionMax: 1 })).toBe('0205');
});

test('stage bits before text', async () => {
  expect(await first({ ...straight({ InitiatorName: undefined }), next: Stage.SECURITY })).toBe('0200');
});

test('text before names', async () => {
  expect(await first({ ...straight(), text: Buffer.from('InitiatorName=nobody') })).toBe('0200');
});

test('keys in their stage before names', async () => {
  expect(await first(straight({ InitiatorName: undefined, AuthMethod: 'None' }))).toBe('0200');
});

test('InitiatorName before SessionType, SessionType before TargetName', async () => {
  expect(await first(straight({ InitiatorName: undefined, SessionType: 'Foo' }))).toBe('0207');
  expect(await first(straight({ TargetName: undefined, SessionType: 'Foo' }))).toBe('0209');
  expect(await first(straight({ TargetName: undefined, SessionType: 'Discovery' }))).toBe('0209');
});

test('the target before whether the session exists', async () => {
  expect(await loginStatus(target.port, { target: named('never'), tsih: 5 })).toBe('0203');
});

test('a redirect before the state of the target, and both before its access list', async () => {
  expect(await loginStatus(target.port, { target: named('moved-offline') })).toBe('0101');
  expect(await loginStatus(target.port, { target: named('offline-closed') })).toBe('0301');
});

test('hiding before everything that would show that there is something to hide', async () => {
  expect(await loginStatus(target.port, { target: named('hidden') })).toBe('0203');
});

test('the access list before the session, the session before security', async () => {
  expect(await loginStatus(target.port, { target: named('closed'), tsih: 5 })).toBe('0202');
  expect(await loginStatus(target.port, { target: named('chap'), tsih: 5 })).toBe('020A');
});

test('room for a session before operational keys', async () => {
  const session = await admitted(target.port);
  expect(await first(straight({ MaxBurstLength: '1' }))).toBe('0302');
  await session.logOut();
  expect(await first(straight({ MaxBurstLength: '1' }))).toBe('0200');
});

test('security before the redirect of one initiator', async () => {
  const chap = { ...ALICE, secret: 'not the secret of alice' };
  expect(await loginStatus(target.port, { target: named('chap'), chap })).toBe('0201');
  expect(await loginStatus(target.port, { target: named('chap'), chap: ALICE })).toBe('0101');
});

test('security before operational keys', async () => {
  expect(await first(straight({ TargetName: named('chap'), MaxBurstLength: '1' }))).toBe('0201');
});

test('operational keys before what the target itself lacks', async () => {
  const keys = { MaxBurstLength: '1' };
  expect(await loginStatus(target.port, { target: named('broken'), keys })).toBe('0200');
  expect(await loginStatus(target.port, { target: named('broken') })).toBe('0300');
});

test('a drain before the target', async () => {
  await using draining = await serve();
  const session = await admitted(draining.port);
  draining.drain();
  await draining.logged(/"stopping;/);
  expect(await loginStatus(draining.port, { target: named('never') })).toBe('0301');
  expect(await loginStatus(draining.port, { sessionType: 'Foo' })).toBe('0209');
  await session.receive();
  await session.logOut();
});
