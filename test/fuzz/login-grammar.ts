// Grammars of the login phase, for fast-check: texts, stages and headers, from the right ones to noise.
// Steps go out one after another; what the answers are worth is for conversation.ts to judge.

import fc from 'fast-check';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { KEYS } from '../../src/pdu/keys.ts';
import { LoginRequest } from '../../src/pdu/login-request.ts';
import { IMMEDIATE_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { encodePairs } from '../../src/pdu/text.ts';
import { encode } from '../support/header-values.ts';
import { TARGET_NAME } from '../support/target-process.ts';
import type { FuzzPdu } from './fuzz-pdu.ts';

/** Who the fuzzer says that it is. The unspoilt session has another name, and a target that lets nobody else in. */
export const FUZZ_INITIATOR = 'iqn.2026-11.io.lunaring:fuzz';
/** A target that asks for CHAP. */
export const PROTECTED_TARGET = `${TARGET_NAME}-protected`;
export const FUZZ_USER = { name: 'fuzzer', secret: 'a secret for the fuzzer' } as const;

const value = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom('Yes', 'No', 'None', 'CHAP', 'CHAP,None', 'CRC32C', 'CRC32C,None', 'None,CRC32C'),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom('0', '1', '2', '512', '8192', '65536', '16777215', '16777216', '0x200', '-1', '007'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(FUZZ_INITIATOR, TARGET_NAME, PROTECTED_TARGET, 'Normal', 'Discovery', FUZZ_USER.name),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '5',
      '7',
      '5,6,7,8',
      '0x0011',
      '0bAQI=',
      '0b',
      '0x',
      'All',
      'Reject',
      'Irrelevant',
      '?',
      '',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 1100 }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`),
  },
);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...Object.keys(KEYS)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('X-io.lunaring.fuzz', '__proto__', 'constructor', 'toString', 'initiatorname'),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 70 }) },
);
const pair = fc.tuple(key, value);

const names = [
  ['InitiatorName', FUZZ_INITIATOR],
  ['SessionType', 'Normal'],
] as const;
const withNames = (target: string, pairs: readonly (readonly [string, string])[]) => [
  ...names,
  ['TargetName', target] as const,
  ...pairs,
];

const pairs = fc.oneof(
  { weight: 2, arbitrary: fc.array(pair, { maxLength: 6 }) },
  { weight: 4, arbitrary: fc.array(pair, { maxLength: 4 }).map((some) => withNames(TARGET_NAME, some)) },
  {
    weight: 2,
    arbitrary: fc
      .array(pair, { maxLength: 2 })
      .map((some) => withNames(PROTECTED_TARGET, [['AuthMethod', 'CHAP'], ...some])),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(pair, { maxLength: 2 })
      .map((some) => withNames(PROTECTED_TARGET, [['CHAP_A', '5,7'], ...some])),
  },
  {
    weight: 1,
    arbitrary: value.map((proof): [string, string][] => [
      ['CHAP_N', FUZZ_USER.name],
      ['CHAP_R', proof],
    ]),
  },
);
const loginText = fc.oneof(
  { weight: 8, arbitrary: pairs.map((some) => Buffer.from(encodePairs([...some]))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }).map((words) => Buffer.from(words)) },
);

/** Text of the full feature phase. */
export const operationalText = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('All', '', TARGET_NAME, '?').map((whom) => Buffer.from(`SendTargets=${whom}\0`)),
  },
  { weight: 3, arbitrary: fc.array(pair, { maxLength: 4 }).map((some) => Buffer.from(encodePairs(some))) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
);

const flags = fc.oneof(
  // T, CSG and NSG as they should be; then C; then whatever.
  { weight: 6, arbitrary: fc.constantFrom(0x81, 0x87, 0x83, 0x00, 0x04) },
  { weight: 2, arbitrary: fc.constantFrom(0x40, 0x44) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
);
const mostly = <T>(usual: T, others: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others });

/** One Login Request. Sessions are taken over by their ISID: there are few. */
const loginRequest: fc.Arbitrary<FuzzPdu> = fc
  .record({
    opcode: mostly<number>(Opcode.LOGIN_REQUEST | IMMEDIATE_BIT, fc.integer({ min: 0, max: 255 })),
    flags,
    versionMax: mostly(0, fc.integer({ min: 0, max: 255 })),
    versionMin: mostly(0, fc.integer({ min: 0, max: 255 })),
    isid: fc.integer({ min: 0, max: 40 }).map((each) => Uint8Array.of(0x80, 0, 0, 0xff, 0, each)),
    tsih: mostly(0, fc.integer({ min: 0, max: 65535 })),
    initiatorTaskTag: mostly(0, fc.constantFrom(1, RESERVED_TAG)),
    cid: mostly(1, fc.integer({ min: 0, max: 65535 })),
    cmdSN: mostly(1, fc.integer({ min: 0, max: 0xffffffff })),
    expStatSN: mostly(0, fc.integer({ min: 0, max: 0xffffffff })),
  })
  .chain((values) =>
    loginText.map(
      (data): FuzzPdu => ({
        header: encode(LoginRequest, values),
        ahs: Buffer.alloc(0),
        data,
        numbered: false,
        damage: 'none',
      }),
    ),
  );

/** The requests of one login. */
export const loginSteps: fc.Arbitrary<FuzzPdu[]> = fc.array(loginRequest, { minLength: 1, maxLength: 5 });
