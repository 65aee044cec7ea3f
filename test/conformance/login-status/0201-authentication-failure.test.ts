// 0201: the initiator did not prove who it is. Whatever it does wrong, the answer tells no more than that.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import { LoginResponse } from '../../../src/pdu/login-response.ts';
import { parsePairs } from '../../../src/pdu/text.ts';
import { ChapClient } from '../../support/chap-client.ts';
import { loginStep, sendLogin } from '../../support/initiator-login.ts';
import { knock, loginStatus, namesAnd, type Pairs, stepsStatus, takeSteps } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { ALICE, BOB, CHAP, MUTUAL, serve, targetOf } from './serve.ts';

const prove = casesOf('0201');
const PROVES_ITSELF = `${TARGET_NAME}-mutual`;
const ONLY_SHA256 = `${TARGET_NAME}-sha256`;
const OPEN = `${TARGET_NAME}-open`;
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      targets: [
        targetOf({ auth: CHAP }),
        targetOf({ name: PROVES_ITSELF, auth: { ...CHAP, mutual: MUTUAL } }),
        targetOf({ name: ONLY_SHA256, auth: { ...CHAP, algorithms: ['sha256'] } }),
        targetOf({ name: OPEN }),
      ],
    },
  );
});
afterAll(() => target.stop());

const { SECURITY, OPERATIONAL, FULL_FEATURE } = Stage;
const begin = (pairs: Readonly<Record<string, string>>) => ({ stage: SECURITY, pairs: namesAnd(pairs) });

/** CHAP up to the target's challenge, then whatever `prove` makes of it; the status. */
async function proveWith(
  prove: (right: ReadonlyMap<string, string>, challenge: ReadonlyMap<string, string>) => Pairs,
  targetName: string = TARGET_NAME,
): Promise<string> {
  using initiator = await knock(target.port);
  await loginStep(initiator, begin({ TargetName: targetName, AuthMethod: 'CHAP' }));
  const { data } = await loginStep(initiator, { stage: SECURITY, pairs: [['CHAP_A', '7']] });
  const challenge = parsePairs(data)!;
  const right = new Map(new ChapClient(ALICE).answer(challenge));
  return await takeSteps(initiator, [{ stage: SECURITY, next: OPERATIONAL, pairs: prove(right, challenge) }]);
}

/** The right answer but for some keys. */
const proveBut = (change: (right: ReadonlyMap<string, string>) => Readonly<Record<string, string>>) =>
  proveWith((right) => Object.entries({ ...Object.fromEntries(right), ...change(right) }));

prove('CHAP is wanted and only None offered', async () => {
  expect(await stepsStatus(target.port, [begin({ AuthMethod: 'None' })])).toBe('0201');
});

prove('CSG=1 straight away', async () => {
  const straight = { stage: OPERATIONAL, next: FULL_FEATURE, pairs: namesAnd() };
  expect(await stepsStatus(target.port, [straight])).toBe('0201');
  expect(await loginStatus(target.port, { skipSecurity: true })).toBe('0201');
});

prove('an empty security step', async () => {
  for (const next of [OPERATIONAL, FULL_FEATURE]) {
    expect(await stepsStatus(target.port, [{ ...begin({}), next }])).toBe('0201');
    expect(await stepsStatus(target.port, [begin({}), { stage: SECURITY, next }])).toBe('0201');
  }
});

prove('no common method', async () => {
  for (const method of ['KRB5', 'SRP,KRB5,None', 'chap', '']) {
    expect(await stepsStatus(target.port, [begin({ AuthMethod: method })])).toBe('0201');
  }
  const toOpen = (method: string) => stepsStatus(target.port, [begin({ TargetName: OPEN, AuthMethod: method })]);
  expect(await toOpen('CHAP')).toBe('0201');
  expect(await toOpen('CHAP,None')).toBe('0000');
});

prove('no common CHAP_A', async () => {
  const offer = (TargetName: string, algorithms: string) =>
    stepsStatus(target.port, [
      begin({ TargetName, AuthMethod: 'CHAP' }),
      { stage: SECURITY, pairs: [['CHAP_A', algorithms]] },
    ]);
  for (const algorithms of ['9', 'md5', '05', '']) expect(await offer(TARGET_NAME, algorithms)).toBe('0201');
  expect(await offer(ONLY_SHA256, '5,6,8')).toBe('0201');
  expect(await offer(ONLY_SHA256, '5,6,8,7')).toBe('0000');
});

prove('an unknown CHAP_N', async () => {
  for (const name of ['mallory', 'Alice', '']) expect(await proveBut(() => ({ CHAP_N: name }))).toBe('0201');
});

prove('a wrong CHAP_R', async () => {
  expect(await loginStatus(target.port, { chap: { ...ALICE, secret: BOB.secret } })).toBe('0201');
  expect(await proveBut(() => ({ CHAP_R: `0x${'00'.repeat(32)}` }))).toBe('0201');
});

prove('a short CHAP_R', async () => {
  expect(await proveBut((right) => ({ CHAP_R: right.get('CHAP_R')!.slice(0, -2) }))).toBe('0201');
  expect(await proveBut((right) => ({ CHAP_R: `${right.get('CHAP_R')}00` }))).toBe('0201');
});

prove('a misencoded CHAP_R', async () => {
  const spoil = (how: (text: string) => string) => proveBut((right) => ({ CHAP_R: how(right.get('CHAP_R')!) }));
  expect(await spoil((text) => `${text.slice(0, -1)}g`)).toBe('0201');
  expect(await spoil((text) => text.slice(2))).toBe('0201');
  expect(await spoil((text) => `0b${text.slice(2)}!`)).toBe('0201');
  expect(await spoil(() => '')).toBe('0201');
});

prove('CHAP_I and CHAP_C to a target with no mutual secret', async () => {
  const asks = (right: ReadonlyMap<string, string>): Pairs => [
    ...right,
    ['CHAP_I', '1'],
    ['CHAP_C', '0x00112233445566'],
  ];
  expect(await proveWith(asks)).toBe('0201');
  expect(await proveWith(asks, PROVES_ITSELF)).toBe('0000');
});

prove('a reflected challenge', async () => {
  const reflect = (spell: (challenge: string) => string) =>
    proveWith(
      (right, challenge) => [...right, ['CHAP_I', '1'], ['CHAP_C', spell(challenge.get('CHAP_C')!)]],
      PROVES_ITSELF,
    );
  expect(await reflect((hex) => hex)).toBe('0201');
  expect(await reflect((hex) => hex.toUpperCase().replace('0X', '0x'))).toBe('0201');
  expect(await reflect((hex) => `0b${Buffer.from(hex.slice(2), 'hex').toString('base64')}`)).toBe('0201');
});

prove('an unknown user and a wrong secret look the same', async () => {
  const answers = [];
  for (const chap of [
    { ...ALICE, name: 'mallory' },
    { ...ALICE, secret: 'not that secret' },
  ]) {
    using initiator = await knock(target.port, { isid: Buffer.from('800000000001', 'hex') });
    const { response } = await initiator.login({ chap });
    answers.push(response);
  }
  expect(answers[0]).toEqual(answers[1]);
});

describe('beside them', () => {
  test('a right CHAP_R passes, in hex and in base64, in upper case and lower', async () => {
    const spell = (how: (text: string) => string) => proveBut((right) => ({ CHAP_R: how(right.get('CHAP_R')!) }));
    expect(await spell((text) => text)).toBe('0000');
    expect(await spell((text) => `0X${text.slice(2).toUpperCase()}`)).toBe('0000');
    expect(await spell((text) => `0b${Buffer.from(text.slice(2), 'hex').toString('base64')}`)).toBe('0000');
  });

  test.each(['5', '6', '7', '8'])('CHAP_A=%s: one-way and mutual', async (algorithms) => {
    const chap = { ...ALICE, algorithms };
    expect(await loginStatus(target.port, { chap })).toBe('0000');
    const mutual = { target: PROVES_ITSELF, chap: { ...chap, mutualSecret: MUTUAL.secret } };
    expect(await loginStatus(target.port, mutual)).toBe('0000');
  });

  test("the target's own preference decides among the algorithms", async () => {
    using initiator = await knock(target.port);
    await loginStep(initiator, begin({ AuthMethod: 'CHAP' }));
    const { data } = await loginStep(initiator, { stage: SECURITY, pairs: [['CHAP_A', '5,6,7,8']] });
    expect(parsePairs(data)?.get('CHAP_A')).toBe('8');
  });

  test('every login has a challenge of its own', async () => {
    const challenges = new Set<string>();
    for (let login = 0; login < 8; login++) {
      using initiator = await knock(target.port);
      await loginStep(initiator, begin({ AuthMethod: 'CHAP' }));
      sendLogin(initiator, { stage: SECURITY, pairs: [['CHAP_A', '7']] });
      const { data } = await initiator.expect(LoginResponse);
      challenges.add(parsePairs(data)!.get('CHAP_C')!);
    }
    expect(challenges.size).toBe(8);
  });

  test('no secret and no response is ever logged', async () => {
    await target.logged(/"status":"0201"/);
    for (const secret of [ALICE.secret, MUTUAL.secret, 'not that secret']) expect(target.log).not.toContain(secret);
    expect(target.log).not.toMatch(/CHAP_R=\S/);
  });
});
