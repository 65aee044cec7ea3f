// 0203: there is no target of that name at the portal, or none that this initiator may know of.

import { afterAll, beforeAll, expect } from 'vitest';
import { loginStep } from '../../support/initiator-login.ts';
import { knock, loginStatus, namesAnd } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { ALICE, BOB, CHAP, serve, targetOf } from './serve.ts';

const prove = casesOf('0203');
const HIDE = { initiators: ['iqn.none:*'], denial: 'hide' as const };
const hidden = (name: string) => `${TARGET_NAME}-hidden-${name}`;
const SECOND = `${TARGET_NAME}-second`;
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      portals: [
        { address: '127.0.0.1', port: 0, tag: 1 },
        { address: '127.0.0.1', port: 0, tag: 2 },
      ],
      targets: [
        targetOf({ portalGroups: [1] }),
        targetOf({ name: SECOND, portalGroups: [2] }),
        targetOf({ name: hidden('plain'), acl: HIDE }),
        targetOf({ name: hidden('offline'), acl: HIDE, state: 'offline' }),
        targetOf({ name: hidden('moved'), acl: HIDE, redirect: { address: '192.0.2.7', permanent: true } }),
        targetOf({ name: hidden('chap'), auth: CHAP, acl: { denial: 'hide' } }),
        targetOf({ name: `${TARGET_NAME}-bobs`, auth: { ...CHAP, users: [BOB] } }),
      ],
    },
  );
});
afterAll(() => target.stop());

const portOf = (tag: number) => target.ready.portals.find((portal) => portal.tag === tag)!.port;

prove('an unknown name', async () => {
  expect(await loginStatus(target.port, { target: `${TARGET_NAME}x` })).toBe('0203');
  expect(await loginStatus(target.port, { target: TARGET_NAME.slice(0, -1) })).toBe('0203');
});

prove('a name of another portal group', async () => {
  expect(await loginStatus(portOf(1), { target: SECOND })).toBe('0203');
  expect(await loginStatus(portOf(2), { target: TARGET_NAME })).toBe('0203');
  expect(await loginStatus(portOf(1), { target: TARGET_NAME })).toBe('0000');
  expect(await loginStatus(portOf(2), { target: SECOND })).toBe('0000');
});

prove('names are compared without regard to case', async () => {
  expect(await loginStatus(target.port, { target: TARGET_NAME.toUpperCase().replace('IQN', 'iqn') })).toBe('0000');
});

prove('a denial under `hide`, alike in every bit', async () => {
  const answers = new Map<string, string>();
  for (const name of ['plain', 'offline', 'moved', 'that-never-was']) {
    using initiator = await knock(target.port, { isid: Buffer.from('800000000001', 'hex') });
    const { data, ...header } = await loginStep(initiator, { stage: 0, pairs: namesAnd({ TargetName: hidden(name) }) });
    answers.set(name, `${JSON.stringify(header)} ${data.toString('hex')}`);
    await initiator.expectClose();
  }
  expect(new Set(answers.values()).size).toBe(1);
  expect(await loginStatus(target.port, { target: hidden('plain') })).toBe('0203');
  // Whoever proves to be somebody else's user is told no more than that.
  expect(await loginStatus(target.port, { target: hidden('chap'), chap: BOB })).toBe('0203');
  expect(await loginStatus(target.port, { target: hidden('chap'), chap: ALICE })).toBe('0000');
});
