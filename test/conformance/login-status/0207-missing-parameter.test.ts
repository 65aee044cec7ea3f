// 0207: the initiator left a key out that this step needs.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import { parsePairs } from '../../../src/pdu/text.ts';
import { ChapClient } from '../../support/chap-client.ts';
import { type LoginStep, loginStep } from '../../support/initiator-login.ts';
import { knock, namesAnd, stepsStatus, straight, takeSteps } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { ALICE, CHAP, MUTUAL, serve, targetOf } from './serve.ts';

const prove = casesOf('0207');
const PROTECTED = `${TARGET_NAME}-protected`;
let target: TargetProcess;
beforeAll(async () => {
  const auth = { ...CHAP, mutual: MUTUAL };
  target = await serve({}, { targets: [targetOf(), targetOf({ name: PROTECTED, auth })] });
});
afterAll(() => target.stop());

const { SECURITY, OPERATIONAL, FULL_FEATURE } = Stage;

/** The second step of CHAP without `key`; `more` comes along. */
async function proveWithout(key: string, more: Readonly<Record<string, string>> = {}): Promise<string> {
  using initiator = await knock(target.port);
  const pairs = namesAnd({ TargetName: PROTECTED, AuthMethod: 'CHAP' });
  await loginStep(initiator, { stage: SECURITY, pairs });
  const { data } = await loginStep(initiator, { stage: SECURITY, pairs: [['CHAP_A', '5']] });
  const answer = { ...Object.fromEntries(new ChapClient(ALICE).answer(parsePairs(data)!)), ...more };
  const left = Object.entries(answer).filter(([name]) => name !== key);
  return await takeSteps(initiator, [{ stage: SECURITY, next: OPERATIONAL, pairs: left }]);
}

prove('no InitiatorName', async () => {
  expect(await stepsStatus(target.port, [straight({ InitiatorName: undefined })])).toBe('0207');
  expect(await stepsStatus(target.port, [{ stage: SECURITY, next: OPERATIONAL }])).toBe('0207');
});

prove('no TargetName in a normal session', async () => {
  expect(await stepsStatus(target.port, [straight({ TargetName: undefined })])).toBe('0207');
  const nothing = { TargetName: undefined, SessionType: undefined };
  expect(await stepsStatus(target.port, [straight(nothing)])).toBe('0207');
});

prove('no CHAP_N', async () => {
  expect(await proveWithout('CHAP_N')).toBe('0207');
});

prove('no CHAP_R', async () => {
  expect(await proveWithout('CHAP_R')).toBe('0207');
});

prove('no CHAP_C beside CHAP_I', async () => {
  expect(await proveWithout('CHAP_C', { CHAP_I: '1' })).toBe('0207');
  expect(await proveWithout('CHAP_I', { CHAP_C: '0x0011' })).toBe('0207');
  expect(await proveWithout('', { CHAP_I: '1', CHAP_C: '0x0011' })).toBe('0000');
});

prove('no SessionType passes, and means Normal', async () => {
  expect(await stepsStatus(target.port, [straight({ SessionType: undefined })])).toBe('0000');
});

describe('beside them', () => {
  test('names that come in a continuation count as given', async () => {
    const [first, ...rest] = namesAnd();
    const steps: LoginStep[] = [
      { stage: OPERATIONAL, more: true, pairs: [first!] },
      { stage: OPERATIONAL, next: FULL_FEATURE, pairs: rest },
    ];
    expect(await stepsStatus(target.port, steps)).toBe('0000');
  });

  test('a pair that is cut in two counts as well, and is not judged before it is whole', async () => {
    const text = Buffer.from(
      namesAnd()
        .map((pair) => `${pair.join('=')}\0`)
        .join(''),
    );
    for (const cut of [1, 20, 40, text.length - 1]) {
      const steps: LoginStep[] = [
        { stage: OPERATIONAL, more: true, text: text.subarray(0, cut) },
        { stage: OPERATIONAL, next: FULL_FEATURE, text: text.subarray(cut) },
      ];
      expect(await stepsStatus(target.port, steps)).toBe('0000');
    }
  });

  test('no CHAP_A in the first step of CHAP', async () => {
    const begin: LoginStep = { stage: SECURITY, pairs: namesAnd({ TargetName: PROTECTED, AuthMethod: 'CHAP' }) };
    expect(await stepsStatus(target.port, [begin, { stage: SECURITY }])).toBe('0207');
  });
});
