// CHAP: the arithmetic against responses that libiscsi made, the choice of algorithm, and the dialogue over the wire with each of them.

import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CHAP_ALGORITHMS, chapResponse, chooseAlgorithm, responsesEqual } from '../../src/login/chap.ts';
import { Initiator, respond, SECURE } from './initiator.ts';
import { ALICE, chap, MUTUAL, mutual, World } from './world.ts';

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const byNumber = (number: number) => CHAP_ALGORITHMS.find((algorithm) => algorithm.number === number)!;

test('the numbers are those of the IANA registry of PPP authentication algorithms', () => {
  expect(CHAP_ALGORITHMS.map(({ number, name }) => [number, name])).toEqual([
    [5, 'md5'],
    [6, 'sha1'],
    [7, 'sha256'],
    [8, 'sha3-256'],
  ]);
});

test.each(CHAP_ALGORITHMS.map((algorithm) => [algorithm.name, algorithm] as const))(
  '%s is as long as it says',
  (name, algorithm) => {
    const response = chapResponse(algorithm, 1, 'secret', hex('00'));
    expect(response.length).toBe(algorithm.responseBytes);
    const concatenated = Buffer.concat([Buffer.from([1]), Buffer.from('secret'), Buffer.from([0])]);
    expect(Buffer.from(response)).toEqual(createHash(name).update(concatenated).digest());
  },
);

describe('against libiscsi', () => {
  test.each([
    [205, '6a1f20c447e41bd0c1a42d02b56d2a13', ALICE.secret, 'a19ff24c873d2d28477a04c387d372b9'],
    [252, 'bf2540987865f463663aa91091b43266', ALICE.secret, '0ae52efcd87cce3a5ad58741a7435c77'],
    [
      1,
      'ba12304bdf16e8b2f71afcef8fcb7483fce9d3f83f0a618d7daec1d997a6a451',
      MUTUAL.secret,
      '221747894cec874b0aa6d31d7dbd8790',
    ],
  ])('identifier %i', (identifier, challenge, secret, response) => {
    expect(Buffer.from(chapResponse(byNumber(5), identifier, secret, hex(challenge))).toString('hex')).toBe(response);
  });
});

test('our order of preference decides, not the order of the offer', () => {
  expect(chooseAlgorithm(['sha256', 'md5'], ['5', '6', '7'])?.number).toBe(7);
  expect(chooseAlgorithm(['md5', 'sha256'], ['7', '5'])?.number).toBe(5);
  expect(chooseAlgorithm(['sha3-256'], ['5', '6', '7'])).toBeUndefined();
  expect(chooseAlgorithm(['md5'], [])).toBeUndefined();
});

test('§6.1: a number may be given in hex; what is no number is no algorithm', () => {
  expect(chooseAlgorithm(['md5', 'sha256'], ['0x7', '0x05'])?.number).toBe(5);
  expect(chooseAlgorithm(['sha256', 'md5'], ['5', '0X07'])?.number).toBe(7);
  expect(chooseAlgorithm(['md5'], ['05', '5 ', '0x', '0b101', ''])).toBeUndefined();
});

test('responses are equal, or not', () => {
  expect(responsesEqual(hex('0102'), hex('0102'))).toBe(true);
  expect(responsesEqual(hex('0102'), hex('0103'))).toBe(false);
  expect(responsesEqual(hex('0102'), hex('010200'))).toBe(false);
  expect(responsesEqual(hex('0102'), hex(''))).toBe(false);
});

describe('§12.1.3: the dialogue', () => {
  test.each(CHAP_ALGORITHMS.map(({ name, number, responseBytes }) => [name, number, responseBytes] as const))(
    'with %s, in both directions, in hex and in base64',
    (name, number, length) => {
      const initiator = new Initiator(new World({ auth: chap({ mutual }) }));
      const { identifier, challenge, answer } = initiator.challenge(String(number));
      expect(answer.keys['CHAP_A']).toBe(String(number));
      expect(challenge).toMatch(new RegExp(`^0x[0-9a-f]{${2 * length}}$`));
      const response = respond(name, identifier, ALICE.secret, challenge);
      const theirs = '0x00112233445566778899aabbccddeeff';
      const { keys, transit } = initiator.ask(SECURE, {
        CHAP_N: ALICE.name,
        CHAP_R: `0b${Buffer.from(response.slice(2), 'hex').toString('base64')}`,
        CHAP_I: '0xfe',
        CHAP_C: theirs,
      });
      expect(transit).toBe(true);
      expect(keys).toEqual({ CHAP_N: MUTUAL.name, CHAP_R: respond(name, 0xfe, MUTUAL.secret, theirs) });
    },
  );

  test('takes the best of what both know', () => {
    expect(new Initiator(new World({ auth: chap() })).challenge('5,6,7,8').answer.keys['CHAP_A']).toBe('8');
    expect(new Initiator(new World({ auth: chap() })).challenge('5,6').answer.keys['CHAP_A']).toBe('6');
  });

  test('CHAP_A may come along with AuthMethod', () => {
    const initiator = new Initiator(new World({ auth: chap() }));
    const names = { InitiatorName: 'iqn.2026-11.x:a', TargetName: 'iqn.2026-11.io.lunaring:disk0' };
    const { keys } = initiator.ask({ csg: 0 }, { ...names, AuthMethod: 'CHAP', CHAP_A: '7' });
    expect(keys).toMatchObject({ AuthMethod: 'CHAP', CHAP_A: '7' });
    expect(keys).toHaveProperty('CHAP_C');
  });

  test('keys that are not due yet, or no more, are refused', () => {
    const early = new Initiator(new World({ auth: chap() }));
    early.ask(
      { csg: 0 },
      { InitiatorName: 'iqn.2026-11.x:a', TargetName: 'iqn.2026-11.io.lunaring:disk0', AuthMethod: 'CHAP' },
    );
    expect(early.refused({ csg: 0 }, { CHAP_A: '7', CHAP_N: 'alice' }).status).toBe('0200');
    const late = new Initiator(new World({ auth: chap() }));
    late.ask({ csg: 0 }, late.proof());
    expect(late.refused(SECURE, { CHAP_I: '1', CHAP_C: '0x00' }).status).toBe('0200');
  });

  test('no two challenges are the same', () => {
    const challenges = Array.from(
      { length: 20 },
      () => new Initiator(new World({ auth: chap() })).challenge().challenge,
    );
    expect(new Set(challenges).size).toBe(20);
  });
});
