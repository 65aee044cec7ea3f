// The operational negotiation against a twin: the rules of RFC 7143 §13 in a few lines, for every offer of both sides.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Negotiation } from '../../src/login/negotiation.ts';
import { DISCOVERY_OFFER, offerOf } from '../../src/login/offer.ts';
import type { DigestOffer, OfferedParameters } from '../../src/login/policy.ts';
import { isFault } from '../../src/login/refusal.ts';
import { DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';
import { offered } from './world.ts';

function negotiate(ours: Partial<OfferedParameters>, theirs: Record<string, string>) {
  const negotiation = new Negotiation({ offered: offered(ours), discovery: false, joined: null });
  const answers = negotiation.take(Object.entries(theirs).map(([key, value]) => ({ key, value })));
  return { negotiation, answers: isFault(answers) ? answers : Object.fromEntries(answers) };
}

describe('digests', () => {
  const cases: [DigestOffer, string, string | null][] = [
    ['off', 'None', 'None'],
    ['off', 'CRC32C,None', 'None'],
    ['off', 'CRC32C', null],
    ['offer', 'None,CRC32C', 'None'],
    ['offer', 'CRC32C,None', 'CRC32C'],
    ['offer', 'SHA-9,CRC32C', 'CRC32C'],
    ['offer', 'SHA-9', null],
    ['offer', '', null],
    ['require', 'None,CRC32C', 'CRC32C'],
    ['require', 'CRC32C', 'CRC32C'],
    ['require', 'None', null],
  ];

  test.each(cases)('§13.1: %s against %j gives %s', (offer, list, chosen) => {
    for (const [key, name] of [
      ['HeaderDigest', 'headerDigest'],
      ['DataDigest', 'dataDigest'],
    ] as const) {
      const { negotiation, answers } = negotiate({ [name]: offer }, { [key]: list });
      if (chosen === null) {
        expect(answers).toMatchObject({ code: 0x0200 });
      } else {
        expect(answers).toMatchObject({ [key]: chosen });
        expect(negotiation.connection[name]).toBe(chosen);
      }
    }
  });

  test('required and not mentioned: found at the end', () => {
    const { negotiation } = negotiate({ dataDigest: 'require' }, { HeaderDigest: 'None' });
    expect(negotiation.finish()).toMatchObject({ code: 0x0200, received: 'no DataDigest' });
    expect(negotiate({ dataDigest: 'require' }, { DataDigest: 'CRC32C' }).negotiation.finish()).toBeNull();
  });
});

describe('numbers and booleans', () => {
  const numeric = {
    MaxConnections: ['maxConnections', 1, 65535, Math.min],
    MaxBurstLength: ['maxBurstLength', 512, 2 ** 24 - 1, Math.min],
    DefaultTime2Wait: ['defaultTime2Wait', 0, 3600, Math.max],
    DefaultTime2Retain: ['defaultTime2Retain', 0, 3600, Math.min],
    MaxOutstandingR2T: ['maxOutstandingR2T', 1, 65535, Math.min],
    ErrorRecoveryLevel: ['errorRecoveryLevel', 0, 2, Math.min],
    iSCSIProtocolLevel: ['iSCSIProtocolLevel', 0, 31, Math.min],
  } as const;

  test.each(Object.entries(numeric))('%s', (key, [name, min, max, rule]) => {
    const value = fc.integer({ min, max });
    fc.assert(
      fc.property(value, value, fc.boolean(), (ours, theirs, hex) => {
        const spelled = hex ? `0x${theirs.toString(16)}` : String(theirs);
        const { negotiation, answers } = negotiate({ [name]: ours }, { [key]: spelled });
        expect(answers).toMatchObject({ [key]: String(rule(ours, theirs)) });
        expect(negotiation.session[name]).toBe(rule(ours, theirs));
      }),
    );
    for (const wrong of [min - 1, max + 1, 'None', '']) {
      expect(negotiate({}, { [key]: String(wrong) }).answers).toMatchObject({ code: 0x0200 });
    }
  });

  test.each([
    ['InitialR2T', 'initialR2T', (a: boolean, b: boolean) => a || b],
    ['ImmediateData', 'immediateData', (a: boolean, b: boolean) => a && b],
  ] as const)('%s', (key, name, rule) => {
    for (const ours of [true, false]) {
      for (const theirs of [true, false]) {
        const { negotiation, answers } = negotiate({ [name]: ours }, { [key]: theirs ? 'Yes' : 'No' });
        expect(answers).toMatchObject({ [key]: rule(ours, theirs) ? 'Yes' : 'No' });
        expect(negotiation.session[name]).toBe(rule(ours, theirs));
      }
    }
  });

  test('data is always in order: the rule is that either side may insist, and we do', () => {
    const { negotiation, answers } = negotiate({}, { DataPDUInOrder: 'No', DataSequenceInOrder: 'No' });
    expect(answers).toMatchObject({ DataPDUInOrder: 'Yes', DataSequenceInOrder: 'Yes' });
    expect(negotiation.session).toMatchObject({ dataPDUInOrder: true, dataSequenceInOrder: true });
  });

  test('§13.23: TaskReporting is the first in the list that we can do', () => {
    const ours = { taskReporting: ['RFC3720', 'FastAbort'] as const };
    expect(negotiate(ours, { TaskReporting: 'ResponseFence,FastAbort,RFC3720' }).answers).toMatchObject({
      TaskReporting: 'FastAbort',
    });
    expect(negotiate(ours, { TaskReporting: 'ResponseFence' }).answers).toMatchObject({ code: 0x0200 });
  });
});

describe('§13.14: FirstBurstLength', () => {
  const length = fc.integer({ min: 512, max: 2 ** 24 - 1 });

  test('never exceeds MaxBurstLength, in whatever order they come', () => {
    fc.assert(
      fc.property(
        length,
        length,
        fc.option(length),
        fc.option(length),
        fc.boolean(),
        (ourFirst, ourMax, first, max, swap) => {
          const pairs: [string, string][] = [];
          if (first !== null) pairs.push(['FirstBurstLength', String(first)]);
          if (max !== null) pairs.push(['MaxBurstLength', String(max)]);
          const ours = { firstBurstLength: ourFirst, maxBurstLength: ourMax };
          const { negotiation, answers } = negotiate(ours, Object.fromEntries(swap ? pairs.reverse() : pairs));
          if (first !== null && max !== null && first > max) {
            expect(answers).toMatchObject({ code: 0x0200 });
            return;
          }
          const { firstBurstLength, maxBurstLength } = negotiation.session;
          expect(maxBurstLength).toBe(max === null ? 262144 : Math.min(max, ourMax));
          expect(firstBurstLength).toBe(Math.min(first === null ? 65536 : Math.min(first, ourFirst), maxBurstLength));
          if (first !== null) expect(answers).toMatchObject({ FirstBurstLength: String(firstBurstLength) });
        },
      ),
    );
  });

  test('agreed on in one request can not be undercut by a MaxBurstLength in the next', () => {
    const { negotiation } = negotiate({}, { FirstBurstLength: '65536' });
    expect(negotiation.take([{ key: 'MaxBurstLength', value: '32768' }])).toMatchObject({ code: 0x0200 });
    const other = negotiate({}, { FirstBurstLength: '4096' }).negotiation;
    expect(other.take([{ key: 'MaxBurstLength', value: '32768' }])).toEqual([['MaxBurstLength', '32768']]);
  });
});

describe('the rest', () => {
  test('§13.12: each side declares what it takes; ours is said once', () => {
    const { negotiation, answers } = negotiate(
      { maxRecvDataSegmentLength: 131072 },
      { MaxRecvDataSegmentLength: '65536' },
    );
    expect(answers).toEqual({ MaxRecvDataSegmentLength: '131072' });
    expect(negotiation.connection).toMatchObject({ maxRecvDataSegmentLength: 131072, maxXmitDataSegmentLength: 65536 });
    expect(negotiation.take([])).toEqual([]);
  });

  test('§13.25: markers are gone, and the answers fixed', () => {
    const { answers } = negotiate({}, { OFMarker: 'Yes', IFMarker: 'No', OFMarkInt: '1~8192', IFMarkInt: '2048' });
    expect(answers).toMatchObject({ OFMarker: 'No', IFMarker: 'No', OFMarkInt: 'Reject', IFMarkInt: 'Reject' });
  });

  test('a connection that joins a session can not change it', () => {
    const joined = { ...DEFAULT_SESSION_PARAMETERS, maxBurstLength: 4096, maxConnections: 2 };
    const negotiation = new Negotiation({ offered: offered(), discovery: false, joined });
    const pairs = [
      { key: 'MaxBurstLength', value: '8192' },
      { key: 'ErrorRecoveryLevel', value: '2' },
      { key: 'DataDigest', value: 'CRC32C' },
    ];
    expect(Object.fromEntries(negotiation.take(pairs) as [string, string][])).toMatchObject({
      MaxBurstLength: 'Irrelevant',
      ErrorRecoveryLevel: 'Irrelevant',
      DataDigest: 'CRC32C',
    });
    expect(negotiation.session).toEqual(joined);
  });

  test('nor what is kept for recovery, though the target has a higher level than the session', () => {
    const joined = { ...DEFAULT_SESSION_PARAMETERS };
    const ours = offered({ errorRecoveryLevel: 2, defaultTime2Retain: 20 });
    const negotiation = new Negotiation({ offered: ours, discovery: false, joined });
    const answers = negotiation.take([{ key: 'DefaultTime2Retain', value: '1' }]) as [string, string][];
    expect(Object.fromEntries(answers)).toMatchObject({ DefaultTime2Retain: 'Irrelevant' });
    expect(negotiation.session).toEqual(joined);
  });

  test('§13.19: ErrorRecoveryLevel above 0 goes with one outstanding R2T', () => {
    const ours = { errorRecoveryLevel: 1, maxOutstandingR2T: 4 };
    const keys = { MaxOutstandingR2T: '8', ErrorRecoveryLevel: '2' };
    expect(negotiate(ours, keys).answers).toMatchObject({ MaxOutstandingR2T: '1', ErrorRecoveryLevel: '1' });
    expect(negotiate(ours, { ...keys, ErrorRecoveryLevel: '0' }).answers).toMatchObject({ MaxOutstandingR2T: '4' });
    for (const [first, second, answers] of [
      ['ErrorRecoveryLevel', 'MaxOutstandingR2T', { maxOutstandingR2T: 1, errorRecoveryLevel: 1 }],
      ['MaxOutstandingR2T', 'ErrorRecoveryLevel', { maxOutstandingR2T: 4, errorRecoveryLevel: 0 }],
    ] as const) {
      const { negotiation } = negotiate(ours, { [first]: keys[first] });
      negotiation.take([{ key: second, value: keys[second] }]);
      expect(negotiation.session).toMatchObject(answers);
    }
  });

  test('§13.16: what breaks is kept at ErrorRecoveryLevel 2, and below it not for a second', () => {
    const ours = { errorRecoveryLevel: 2, defaultTime2Retain: 20 };
    const theirs = { DefaultTime2Retain: '10', ErrorRecoveryLevel: '2' };
    expect(negotiate(ours, theirs).answers).toMatchObject({ DefaultTime2Retain: '10', ErrorRecoveryLevel: '2' });
    const below = { ...theirs, ErrorRecoveryLevel: '1' };
    expect(negotiate(ours, below).answers).toMatchObject({ DefaultTime2Retain: '0', ErrorRecoveryLevel: '1' });
    // The level that the initiator asked for does not come about either: it was told of more than one R2T before.
    const { negotiation } = negotiate({ ...ours, maxOutstandingR2T: 4 }, { MaxOutstandingR2T: '4' });
    const pairs = Object.entries(theirs).map(([key, value]) => ({ key, value }));
    expect(Object.fromEntries(negotiation.take(pairs) as [string, string][])).toMatchObject({
      DefaultTime2Retain: '0',
      ErrorRecoveryLevel: '0',
    });
    expect(negotiation.session).toMatchObject({ defaultTime2Retain: 0, errorRecoveryLevel: 0 });
  });

  test('a target offers what its settings say, and retains nothing of a session that broke', () => {
    const target = { maxConnections: 4, digests: { header: 'require', data: 'off' }, errorRecoveryLevel: 0 } as const;
    const tuning = {
      maxRecvDataSegmentLength: 65536,
      maxBurstLength: 131072,
      firstBurstLength: 262144,
      immediateData: false,
      initialR2T: true,
    };
    expect(offerOf(target, tuning)).toMatchObject({
      headerDigest: 'require',
      dataDigest: 'off',
      maxConnections: 4,
      maxBurstLength: 131072,
      firstBurstLength: 131072,
      immediateData: false,
      initialR2T: true,
      defaultTime2Retain: 0,
      errorRecoveryLevel: 0,
    });
    expect(DISCOVERY_OFFER.maxRecvDataSegmentLength).toBe(8192);
  });
});
