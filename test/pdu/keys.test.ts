// The table of keys against a list written out from RFC 7143 §13: nobody is missing, and each is what the standard says.

import { describe, expect, test } from 'vitest';
import { findKey, KEYS } from '../../src/pdu/keys.ts';
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

  test.each(rows)('§%s: %s %s', (section, key, rule, _default, range) => {
    const spec = findKey(key!)!;
    expect(spec).toMatchObject({ section, rule });
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

  test('the defaults are what parameters.ts has', () => {
    const all = { ...DEFAULT_SESSION_PARAMETERS, ...DEFAULT_CONNECTION_PARAMETERS } as Record<string, unknown>;
    for (const [, key, , standard] of rows) {
      if (standard === undefined || key === 'SessionType') continue;
      const value = all[key!.charAt(0).toLowerCase() + key!.slice(1)];
      expect([key, value === true ? 'Yes' : String(value)]).toEqual([key, standard]);
    }
  });
});
