// 0202: the initiator is known, and not allowed here; said openly, because the target has `denial: reveal`.

import { afterAll, beforeAll, expect } from 'vitest';
import { loginStatus } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { ALICE, BOB, CHAP, serve, targetOf } from './serve.ts';

const prove = casesOf('0202');
const LISTED = 'iqn.2026-11.io.lunaring:listed';
const FAR = `${TARGET_NAME}-far`;
const BOBS = `${TARGET_NAME}-bobs`;
const ALICES = `${TARGET_NAME}-alices`;
/** A third target has an account of the same name, with a secret of its own. */
const OTHER_BOBS = `${TARGET_NAME}-other-bobs`;
const OTHER_BOB = { ...BOB, secret: 'a secret of another bob' };
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      targets: [
        targetOf({ acl: { initiators: ['iqn.*:LISTED', 'iqn.1991-05.com.microsoft:*'], networks: ['127.0.0.0/8'] } }),
        targetOf({ name: FAR, acl: { initiators: [LISTED], networks: ['192.0.2.0/24', '2001:db8::/32'] } }),
        targetOf({ name: ALICES, auth: CHAP }),
        targetOf({ name: BOBS, auth: { ...CHAP, users: [BOB] } }),
        targetOf({ name: OTHER_BOBS, auth: { ...CHAP, users: [OTHER_BOB] } }),
      ],
    },
  );
});
afterAll(() => target.stop());

prove('a name that is not on the list', async () => {
  expect(await loginStatus(target.port)).toBe('0202');
  expect(await loginStatus(target.port, { initiatorName: `${LISTED}2` })).toBe('0202');
  expect(await loginStatus(target.port, { initiatorName: LISTED })).toBe('0000');
  expect(await loginStatus(target.port, { initiatorName: 'iqn.1991-05.com.microsoft:host' })).toBe('0000');
});

prove('the right name from the wrong network', async () => {
  expect(await loginStatus(target.port, { initiatorName: LISTED, target: FAR })).toBe('0202');
  await target.logged(/address is in a network of the target's access list/);
});

prove("another account's valid CHAP", async () => {
  expect(await loginStatus(target.port, { target: ALICES, chap: BOB })).toBe('0202');
  expect(await loginStatus(target.port, { target: BOBS, chap: ALICE })).toBe('0202');
  expect(await loginStatus(target.port, { target: ALICES, chap: OTHER_BOB })).toBe('0202');
  // Not proven, it is not known either.
  expect(await loginStatus(target.port, { target: ALICES, chap: { ...BOB, secret: 'guessed' } })).toBe('0201');
  expect(await loginStatus(target.port, { target: ALICES, chap: ALICE })).toBe('0000');
});
