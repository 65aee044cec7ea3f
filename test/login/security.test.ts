// 0201: every way to fail to prove who one is, and that no answer tells more than that.

import { describe, expect, test, vi } from 'vitest';
import { NO_SECRET } from '../../src/login/security.ts';
import { IDENTITY, Initiator, readResponse, respond, SECURE, statusOf } from './initiator.ts';
import { ALICE, chap, mutual, World } from './world.ts';

/** What node:crypto was asked for. */
const work = vi.hoisted((): string[] => []);
vi.mock('node:crypto', async (original) => {
  const real = await original<typeof import('node:crypto')>();
  return {
    ...real,
    createHash: (name: string) => {
      work.push(`digest by ${name}`);
      return real.createHash(name);
    },
    timingSafeEqual: (a: Uint8Array, b: Uint8Array) => {
      work.push(`comparison of ${a.length} bytes`);
      return real.timingSafeEqual(a, b);
    },
  };
});

describe('0201: authentication failure', () => {
  const world = () => new World({ auth: chap() });

  test('CSG=1 straight away', () => {
    expect(statusOf(world())).toBe('0201');
  });

  test('an empty security step that wants to leave the stage', () => {
    expect(new Initiator(world()).refused(SECURE, IDENTITY).status).toBe('0201');
    const patient = new Initiator(world());
    patient.ask({ csg: 0 }, IDENTITY);
    expect(patient.refused({ csg: 0, transit: true, nsg: 3 }).status).toBe('0201');
  });

  test.each(['None', 'KRB5,None', 'SRP', ''])('AuthMethod=%s where CHAP is wanted', (method) => {
    expect(new Initiator(world()).refused(SECURE, { ...IDENTITY, AuthMethod: method }).status).toBe('0201');
  });

  test('AuthMethod=CHAP where there is nothing to prove with; CHAP,None passes as None', () => {
    expect(new Initiator(new World()).refused(SECURE, { ...IDENTITY, AuthMethod: 'CHAP' }).status).toBe('0201');
    const answer = new Initiator(new World()).ask(SECURE, { ...IDENTITY, AuthMethod: 'CHAP,None' });
    expect(answer).toMatchObject({ transit: true, keys: { AuthMethod: 'None' } });
  });

  test.each(['9', '', 'md5', '05'])('CHAP_A=%s has nothing in common', (algorithms) => {
    const initiator = new Initiator(world());
    initiator.ask({ csg: 0 }, { ...IDENTITY, AuthMethod: 'CHAP' });
    expect(initiator.refused({ csg: 0 }, { CHAP_A: algorithms }).status).toBe('0201');
  });

  test('an algorithm that the target leaves out', () => {
    const initiator = new Initiator(new World({ auth: chap({ algorithms: ['sha256'] }) }));
    initiator.ask({ csg: 0 }, { ...IDENTITY, AuthMethod: 'CHAP' });
    expect(initiator.refused({ csg: 0 }, { CHAP_A: '5,6' }).status).toBe('0201');
  });

  test('an unknown user and a wrong secret look the same', () => {
    const answers = [
      ['mallory', ALICE.secret],
      ['Alice', ALICE.secret],
      ['alice', 'not that secret'],
      // What stands in for the secret of an unknown user opens nothing.
      ['mallory', NO_SECRET],
      ['alice', NO_SECRET],
    ].map(([user, secret]) => {
      const initiator = new Initiator(world());
      const outcome = initiator.send(SECURE, initiator.proof(user, secret));
      return outcome.kind === 'refuse' && Buffer.from(outcome.bytes).toString('hex');
    });
    expect(new Set(answers).size).toBe(1);
    expect(readResponse(Buffer.from(String(answers[0]), 'hex')).status).toBe('0201');
  });

  test('whoever it is and whatever is wrong, two digests and two comparisons are made', () => {
    const costs = [
      ['alice', ALICE.secret],
      ['alice', 'not that secret'],
      ['mallory', ALICE.secret],
      ['mallory', NO_SECRET],
      ['', ''],
    ].map(([user, secret]) => {
      const initiator = new Initiator(world());
      const proof = initiator.proof(user, secret);
      work.length = 0;
      const { kind } = initiator.send(SECURE, proof);
      expect(kind === 'refuse').toBe(secret !== ALICE.secret || user !== 'alice');
      return [...work];
    });
    const one = ['digest by sha256', 'comparison of 32 bytes'];
    for (const cost of costs) expect(cost).toEqual([...one, ...one]);
  });

  test('accounts of every other target are looked at, one digest and one comparison each, whichever fits', () => {
    const bobs = ['a secret of bob here', 'a secret of bob there', 'a secret of bob nowhere'];
    const outcomes = [...bobs, ALICE.secret].map((secret) => {
      const crowded = world();
      crowded.accountsElsewhere.set('bob', bobs[0]!);
      crowded.targetsElsewhere.push(new Map([['bob', bobs[1]!]]), new Map());
      const initiator = new Initiator(crowded);
      const proof = initiator.proof('bob', secret);
      work.length = 0;
      const { status } = initiator.refused(SECURE, proof);
      return [status, work.length];
    });
    expect(outcomes).toEqual([
      ['0202', 8],
      ['0202', 8],
      ['0201', 8],
      ['0201', 8],
    ]);
  });

  test.each([
    ['short', (right: string) => right.slice(0, -2)],
    ['long', (right: string) => `${right}00`],
    ['not hex', (right: string) => `${right.slice(0, -1)}g`],
    ['without its prefix', (right: string) => right.slice(2)],
    ['empty', () => ''],
  ])('a CHAP_R that is %s', (_name, spoil) => {
    const initiator = new Initiator(world());
    const proof = initiator.proof();
    const { status, refusal } = initiator.refused(SECURE, { ...proof, CHAP_R: spoil(proof['CHAP_R']!) });
    expect(status).toBe('0201');
    expect(JSON.stringify(refusal)).not.toContain(proof['CHAP_R']!.slice(2, 20));
  });

  test('CHAP_I and CHAP_C to a target with no mutual secret', () => {
    const initiator = new Initiator(world());
    const keys = { ...initiator.proof(), CHAP_I: '1', CHAP_C: '0x0011223344556677' };
    expect(initiator.refused(SECURE, keys).status).toBe('0201');
  });

  test('our own challenge, sent back, though the proof is right', () => {
    const initiator = new Initiator(new World({ auth: chap({ mutual }) }));
    const { identifier, challenge } = initiator.challenge();
    const { status, refusal } = initiator.refused(SECURE, {
      CHAP_N: ALICE.name,
      CHAP_R: respond('sha256', identifier, ALICE.secret, challenge),
      CHAP_I: String((identifier + 1) & 0xff),
      CHAP_C: `0b${Buffer.from(challenge.slice(2), 'hex').toString('base64')}`,
    });
    expect(status).toBe('0201');
    expect(refusal.rule).toBe('the challenge is not the one we sent');
  });

  test.each([
    ['CHAP_I', '256'],
    ['CHAP_I', 'one'],
    ['CHAP_C', '0x'],
    ['CHAP_C', 'nothing'],
  ])('a mutual %s=%s', (key, value) => {
    const initiator = new Initiator(new World({ auth: chap({ mutual }) }));
    const keys = { ...initiator.proof(), CHAP_I: '1', CHAP_C: '0x0011223344556677', [key]: value };
    expect(initiator.refused(SECURE, keys).status).toBe('0201');
  });
});
