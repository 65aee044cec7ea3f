// What holds for any peer: any bytes, in any split and order, end in answers, one refusal or a close. Never a throw, never growing state.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LoginFramer } from '../../src/login/framer.ts';
import { LoginMachine } from '../../src/login/login-machine.ts';
import type { Outcome } from '../../src/login/outcome.ts';
import { LOGIN_STATUS } from '../../src/pdu/login-status.ts';
import { loginRequest, OPERATE, readResponse, SECURE } from './initiator.ts';
import { ALICE, chap, ENDPOINT, INITIATOR, ISID, makeSession, mutual, TARGET, World } from './world.ts';

const CODES = new Set(LOGIN_STATUS.map(({ code }) => code.toString(16).toUpperCase().padStart(4, '0')));

/** Values that go somewhere: right ones, wrong ones, and noise. */
const value = fc.oneof(
  fc.constantFrom('Yes', 'No', 'None', 'CHAP', 'CHAP,None', '5', '7', '5,6,7,8', '512', '65536', '0', '2', 'All'),
  fc.constantFrom(
    INITIATOR,
    TARGET,
    ALICE.name,
    'Normal',
    'Discovery',
    'CRC32C,None',
    '0x0011',
    '0bAQI=',
    '',
    'Reject',
  ),
  fc.string({ maxLength: 12 }),
);
const key = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      'InitiatorName',
      'TargetName',
      'SessionType',
      'AuthMethod',
      'CHAP_A',
      'CHAP_N',
      'CHAP_R',
      'CHAP_I',
      'CHAP_C',
    ),
  },
  fc.constantFrom(
    'HeaderDigest',
    'MaxBurstLength',
    'FirstBurstLength',
    'InitialR2T',
    'MaxRecvDataSegmentLength',
    'TaskReporting',
    'OFMarker',
  ),
  fc.constantFrom(
    'TargetAlias',
    'TargetAddress',
    'SendTargets',
    'X-com.example',
    '__proto__',
    'constructor',
    'toString',
  ),
);
const names = { InitiatorName: INITIATOR, TargetName: TARGET };
const text = fc.oneof(
  fc.dictionary(key, value, { maxKeys: 6 }),
  fc.dictionary(key, value, { maxKeys: 3 }).map((pairs) => ({ ...pairs, ...names })),
  fc.constant({ ...names, AuthMethod: 'CHAP' } as Record<string, string>),
  fc.string({ maxLength: 40 }),
);
const stages = fc.constantFrom<Partial<Parameters<typeof loginRequest>[0]>>(
  SECURE,
  OPERATE,
  { csg: 0 },
  { csg: 1 },
  { csg: 1, continues: true },
  { csg: 0, continues: true },
  { csg: 0, transit: true, nsg: 3 },
);
const oddities = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  fc.constantFrom(
    { tsih: 9 },
    { tsih: 1 },
    { opcode: 0x01 },
    { opcode: 0x00 },
    { ahs: 1 },
    { versionMin: 1 },
    { csg: 2 },
    { itt: 1 },
  ),
);
const request = fc
  .tuple(stages, oddities, text)
  .map(([stage, odd, pairs]) => loginRequest({ ...stage, ...odd }, pairs));
const pdu = fc.oneof({ weight: 12, arbitrary: request }, fc.uint8Array({ minLength: 40, maxLength: 120 }));

const worlds: (() => World)[] = [
  () => new World(),
  () => new World({ auth: chap({ mutual }) }),
  () => {
    const world = new World({ connectionLimit: 2 });
    world.known = [makeSession(9, { maxConnections: 2, identity: { isid: ISID } })];
    return world;
  },
  () => {
    const world = new World();
    world.failure = new Error('the policy fails');
    return world;
  },
];

/** Feeds a stream in the given pieces, as control/ does, until the login is over. */
function play(world: World, chunks: Iterable<Uint8Array>): Outcome[] {
  const machine = new LoginMachine(world, ENDPOINT, { random: (length) => new Uint8Array(length).fill(7) });
  const framer = new LoginFramer();
  const outcomes: Outcome[] = [];
  for (const chunk of chunks) {
    if (!framer.push(chunk)) return outcomes;
    for (let next = framer.next(); next !== null; next = framer.next()) {
      const outcome = machine.receive(next);
      outcomes.push(outcome);
      if (outcome.kind !== 'reply') return outcomes;
    }
  }
  return outcomes;
}

function* pieces(stream: Uint8Array, length: number): Iterable<Uint8Array> {
  for (let at = 0; at < stream.length; at += length) yield stream.subarray(at, at + length);
}

const describeOutcomes = (outcomes: Outcome[]) =>
  outcomes.map((outcome) => {
    if (outcome.kind === 'close') return outcome;
    const bytes = outcome.kind === 'complete' ? outcome.grant.finalResponse(1, 1) : outcome.bytes;
    return `${outcome.kind} ${Buffer.from(bytes).toString('hex')}`;
  });

describe('for any peer', () => {
  test('what is answered is well-formed, and after the end there is silence', () => {
    fc.assert(
      fc.property(fc.array(pdu, { maxLength: 8 }), fc.constantFrom(...worlds), (pdus, make) => {
        const machine = new LoginMachine(make(), ENDPOINT);
        let over = false;
        let statSN = 0;
        for (const bytes of pdus) {
          const outcome = machine.receive(bytes);
          if (over) expect(outcome.kind).toBe('close');
          over ||= outcome.kind !== 'reply';
          if (outcome.kind === 'close' || outcome.kind === 'complete') continue;
          const response = readResponse(outcome.bytes);
          expect(CODES).toContain(response.status);
          expect(response.status === '0000').toBe(outcome.kind === 'reply');
          if ((bytes[0]! & 0x3f) === 0x03) expect(response.itt).toBe(Buffer.from(bytes).readUInt32BE(16));
          expect(response.transit && response.continues).toBe(false);
          if (outcome.kind === 'reply') expect(response.statSN).toBe(statSN++);
          else expect(response).toMatchObject({ transit: false, csg: 0, nsg: 0 });
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('no login takes more than 16 answers', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 20, maxLength: 30 }), fc.constantFrom(...worlds), (pdus, make) => {
        const machine = new LoginMachine(make(), ENDPOINT);
        const replies = pdus.filter((bytes) => machine.receive(bytes).kind === 'reply');
        expect(replies.length).toBeLessThanOrEqual(16);
      }),
    );
  });

  test('the split does not matter', () => {
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 6 }),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom(...worlds),
        (pdus, length, make) => {
          const padded = pdus.map((bytes) => Buffer.concat([bytes, new Uint8Array((4 - (bytes.length % 4)) % 4)]));
          const stream = Buffer.concat(padded);
          const whole = describeOutcomes(play(make(), [stream]));
          expect(describeOutcomes(play(make(), pieces(stream, length)))).toEqual(whole);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('any bytes at all come to an end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 100 }), (stream, length) => {
        play(new World(), pieces(stream, length));
      }),
    );
  });

  test('nobody gets in without a proof where one is asked for', () => {
    const world = () => {
      const closed = new World({ auth: chap({ mutual }) });
      closed.discovery = { auth: chap() };
      return closed;
    };
    fc.assert(
      fc.property(fc.array(request, { maxLength: 8 }), (pdus) => {
        const machine = new LoginMachine(world(), ENDPOINT);
        for (const bytes of pdus) expect(machine.receive(bytes).kind).not.toBe('complete');
      }),
      { numRuns: 1000 },
    );
  });
});

/** RFC 7143 §13: how each key is agreed on, with what the target of {@link World} wishes. */
type Agreed =
  | readonly ['min' | 'max', ours: number, least: number, most: number]
  | readonly ['and' | 'or', ours: boolean];
const AGREED: Readonly<Record<string, Agreed>> = {
  MaxConnections: ['min', 1, 1, 65535],
  InitialR2T: ['or', false],
  ImmediateData: ['and', true],
  MaxBurstLength: ['min', 1048576, 512, 16777215],
  FirstBurstLength: ['min', 262144, 512, 16777215],
  DefaultTime2Wait: ['max', 2, 0, 3600],
  DefaultTime2Retain: ['min', 0, 0, 3600],
  MaxOutstandingR2T: ['min', 4, 1, 65535],
  DataPDUInOrder: ['or', true],
  DataSequenceInOrder: ['or', true],
  ErrorRecoveryLevel: ['min', 0, 0, 2],
};
/** Without meaning in a discovery session, as the sections of the keys say. */
const RELEVANT_IN_DISCOVERY = ['DefaultTime2Wait', 'DefaultTime2Retain', 'ErrorRecoveryLevel'];

/** The answer to one key by the rules of §6.2; null: the login is refused. */
function answerByRule(key: string, value: string, discovery: boolean): string | null {
  const rule = AGREED[key];
  if (rule === undefined) return 'NotUnderstood';
  if (discovery && !RELEVANT_IN_DISCOVERY.includes(key)) return 'Irrelevant';
  if (rule[0] === 'and' || rule[0] === 'or') {
    if (value !== 'Yes' && value !== 'No') return null;
    const theirs = value === 'Yes';
    return (rule[0] === 'and' ? theirs && rule[1] : theirs || rule[1]) ? 'Yes' : 'No';
  }
  const [which, ours, least, most] = rule as readonly ['min' | 'max', number, number, number];
  if (!/^(0|[1-9][0-9]*|0[xX][0-9a-fA-F]+)$/.test(value)) return null;
  const theirs = Number(value);
  return theirs < least || theirs > most ? null : String(Math[which](theirs, ours));
}

const offeredValue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('Yes', 'No', '0', '1', '2', '512', '8192', '0x10000', '3600') },
  fc.constantFrom(
    '511',
    '3601',
    '65535',
    '65536',
    '16777215',
    '16777216',
    '-1',
    '01',
    '1~2',
    'yes',
    '',
    '0x',
    'Reject',
    'Irrelevant',
  ),
);
const offeredPairs = fc.uniqueArray(
  fc
    .oneof(
      { weight: 9, arbitrary: fc.constantFrom(...Object.keys(AGREED)) },
      fc.constantFrom('X-com.example', 'Unheard'),
    )
    .chain((key) => {
      const rule = AGREED[key];
      const fitting =
        rule !== undefined && typeof rule[1] === 'boolean'
          ? fc.constantFrom('Yes', 'No')
          : fc.constantFrom('1', '2', '512', '0x2000', '300000', '2000000');
      return fc.tuple(fc.constant(key), fc.oneof({ weight: 12, arbitrary: fitting }, offeredValue));
    }),
  { selector: ([key]) => key, maxLength: 6 },
);

describe('§6.2, §13: what is agreed on', () => {
  test('follows from both offers by the rule of each key, however the text is cut', () => {
    fc.assert(
      fc.property(offeredPairs, fc.boolean(), fc.integer({ min: 0, max: 400 }), (pairs, discovery, cut) => {
        const who = {
          InitiatorName: INITIATOR,
          ...(discovery ? { SessionType: 'Discovery' } : { TargetName: TARGET }),
        };
        const text = [...Object.entries(who), ...pairs].map(([key, value]) => `${key}=${value}\0`).join('');
        const machine = new LoginMachine(new World(), ENDPOINT);
        machine.receive(loginRequest({ csg: 1, continues: true }, text.slice(0, cut)));
        const outcome = machine.receive(loginRequest(OPERATE, text.slice(cut)));
        const expected = new Map(pairs.map(([key, value]) => [key, answerByRule(key, value, discovery)]));
        const given = new Map(pairs);
        const [first, most] = [given.get('FirstBurstLength'), given.get('MaxBurstLength')];
        // §13.14: FirstBurstLength must not exceed MaxBurstLength.
        const inverted = !discovery && Number(first) > Number(most);
        if (inverted || [...expected.values()].includes(null)) {
          expect(outcome.kind === 'refuse' && readResponse(outcome.bytes).status).toBe('0200');
          return;
        }
        if (!discovery && first !== undefined) {
          const burst = Number(expected.get('MaxBurstLength') ?? 262144);
          expected.set('FirstBurstLength', String(Math.min(Number(expected.get('FirstBurstLength')), burst)));
        }
        if (outcome.kind !== 'complete') throw new Error(`no grant but ${outcome.kind}`);
        expect(readResponse(outcome.grant.finalResponse(1, 1)).keys).toMatchObject(Object.fromEntries(expected));
      }),
      { numRuns: 2000 },
    );
  });
});
