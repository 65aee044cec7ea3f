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
