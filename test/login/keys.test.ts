// The table of keys against a list written out from RFC 7143 §13: nobody is missing, and each is what the standard says.

import { describe, expect, test } from 'vitest';
import { findKey, KEYS, sortKeys } from '../../src/login/keys.ts';
import { DEFAULT_CONNECTION_PARAMETERS, DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';

/** Section, key, rule, default, range. */
const STANDARD = `
  13.1 HeaderDigest list None
  13.1 DataDigest list None
  13.2 MaxConnections min 1 1-65535
  13.3 SendTargets declare
  13.4 TargetName identify
  13.5 InitiatorName identify
  13.6 TargetAlias declare
  13.7 InitiatorAlias identify
  13.8 TargetAddress declare
  13.9 TargetPortalGroupTag declare
  13.10 InitialR2T or Yes
  13.11 ImmediateData and Yes
  13.12 MaxRecvDataSegmentLength declare 8192 512-16777215
  13.13 MaxBurstLength min 262144 512-16777215
  13.14 FirstBurstLength min 65536 512-16777215
  13.15 DefaultTime2Wait max 2 0-3600
  13.16 DefaultTime2Retain min 20 0-3600
  13.17 MaxOutstandingR2T min 1 1-65535
  13.18 DataPDUInOrder or Yes
  13.19 DataSequenceInOrder or Yes
  13.20 ErrorRecoveryLevel min 0 0-2
  13.21 SessionType identify Normal
  13.23 TaskReporting list RFC3720
  13.24 iSCSIProtocolLevel min 1 0-31
  13.25 IFMarker constant
  13.25 OFMarker constant
  13.25 IFMarkInt constant
  13.25 OFMarkInt constant
  13.26 X#NodeArchitecture declare
`;

describe('§13: every key', () => {
  const rows = STANDARD.trim()
    .split('\n')
    .map((row) => row.trim().split(' '));

  test.each(rows)('§%s: %s %s', (section, key, rule, standard, range) => {
    const spec = findKey(key!)!;
    expect(spec).toMatchObject({ section, rule });
    expect(spec.default).toBe(standard);
    expect(spec.range?.join('-')).toBe(range);
  });

  test('and no other, but those of security', () => {
    const listed = rows.map(([, key]) => key);
    const others = Object.keys(KEYS).filter((key) => !listed.includes(key));
    expect(others).toEqual(['AuthMethod', 'CHAP_A', 'CHAP_I', 'CHAP_C', 'CHAP_N', 'CHAP_R']);
  });

  test('no key is inherited from JavaScript', () => {
    expect(findKey('constructor')).toBeUndefined();
    expect(findKey('__proto__')).toBeUndefined();
  });

  test('the defaults are those that parameters.ts starts from', () => {
    const all = { ...DEFAULT_SESSION_PARAMETERS, ...DEFAULT_CONNECTION_PARAMETERS } as Record<string, unknown>;
    for (const [key, spec] of Object.entries(KEYS)) {
      if (!('default' in spec) || key === 'SessionType') continue;
      const value = all[key.charAt(0).toLowerCase() + key.slice(1)];
      expect([key, value === true ? 'Yes' : String(value)]).toEqual([key, spec.default]);
    }
  });
});

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
