import { describe, expect, test } from 'vitest';
import { sortKeys } from '../../src/login/sorted-keys.ts';

describe('sorting', () => {
  const pair = (key: string, value = '1') => ({ key, value });

  test('gives each pair to who deals with it', () => {
    const pairs = ['InitiatorName', 'AuthMethod', 'X-foo', 'X#NodeArchitecture', 'unknown'].map((key) => pair(key));
    expect(sortKeys(pairs, 0)).toEqual({
      identity: [pair('InitiatorName')],
      security: [pair('AuthMethod')],
      operational: [],
      unknown: [pair('X-foo'), pair('unknown')],
    });
    expect(sortKeys([pair('IFMarker')], 1)).toMatchObject({ operational: [pair('IFMarker')] });
  });

  test.each([
    ['AuthMethod', 1],
    ['HeaderDigest', 0],
    ['OFMarker', 0],
    ['SendTargets', 0],
    ['SendTargets', 1],
    ['TargetAddress', 1],
  ])('%s does not belong in stage %i', (key, stage) => {
    expect(sortKeys([pair(key)], stage)).toMatchObject({ code: 0x0200 });
  });

  test('§6.1: a simple value has at most 255 bytes, commas and all; of a list each item', () => {
    const items = Array(4).fill('v'.repeat(200)).join(',');
    const simple = ['InitiatorAlias', 'SessionType', 'X#NodeArchitecture', 'AuthMethod', 'CHAP_A', 'CHAP_N'];
    const refused = simple.filter((key) => 'code' in sortKeys([pair(key, items)], 0));
    expect(refused).toEqual(['InitiatorAlias', 'SessionType', 'CHAP_N']);
    expect(sortKeys([pair('TaskReporting', items)], 1)).not.toHaveProperty('code');
    expect(sortKeys([pair('MaxBurstLength', items)], 1)).toMatchObject({ code: 0x0200 });
    expect(sortKeys([pair('CHAP_C', `0x${'00'.repeat(1024)}`)], 0)).not.toHaveProperty('code');
    // Nobody knows what it is: it gets no further than its answer.
    expect(sortKeys([pair('X-foo', items)], 0)).not.toHaveProperty('code');
    const alias = 'é'.repeat(127);
    expect(sortKeys([pair('InitiatorAlias', `${alias}x`)], 0)).not.toHaveProperty('code');
    expect(sortKeys([pair('InitiatorAlias', `${alias}xy`)], 0)).toMatchObject({ code: 0x0200 });
  });

  test('an initiator may say that it does not understand what we declared', () => {
    for (const value of ['NotUnderstood', 'Irrelevant', 'Reject']) {
      expect(sortKeys([pair('TargetAlias', value)], 1)).not.toHaveProperty('code');
    }
  });
});
