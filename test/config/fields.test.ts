import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import {
  choice,
  cpuList,
  describe as explain,
  filePath,
  integer,
  integerOr,
  ipAddress,
  list,
  namePattern,
  network,
  notes,
  pattern,
  section,
  size,
  targetAddress,
  text,
} from '../../src/config/fields.ts';

/** What a schema makes of a value; undefined when it refuses it. */
const read = (schema: z.ZodType, value: unknown): unknown => schema.safeParse(value).data;

/** The two lines of the first issue. */
function refusal(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return error?.issues[0]?.message.split('\n') ?? [];
}

type Case = readonly [kind: string, schema: z.ZodType, taken: readonly unknown[], refused: readonly unknown[]];

const CASES: readonly Case[] = [
  ['a number', integer(1, 9), [1, 9], [0, 10, 1.5, '5', null, Number.NaN, [5]]],
  ['a number or a word', integerOr('auto', 1, 9), [1, 'auto'], [0, 10, 'automatic', null]],
  ['a word', choice(['a', 'b']), ['a', 'b'], ['c', 'A', '', 0]],
  ['a text', text(), ['x', 'ü'.repeat(127)], ['', 'ü'.repeat(128), 'a\0b', 'a\nb', 5]],
  ['a path', filePath(), ['/dev/sdb', './a b'], ['', 'a\0', 5]],
  [
    'an address',
    ipAddress(),
    ['0.0.0.0', '::', 'fe80::1%eth0', '::ffff:10.0.0.1'],
    ['localhost', '1.2.3', '1.2.3.4/8', '[::1]', ''],
  ],
  [
    'a pattern of names',
    namePattern(),
    ['*', 'iqn.1993-08.org.debian:*', 'iqn.2008-11.org.linux-kvm:my vm'],
    ['', 'iqn.\tx', ' iqn.x', 'iqn.x,iqn.y', 5],
  ],
  ['a CPU list', cpuList(7), ['any', '0', '0-3,7', '3,1'], ['', '8', '3-1', '1-', 'a', '0,,1', '0 1']],
  ['a shape', pattern(/^x+$/, 'x'), ['x', 'xx'], ['', 'y']],
  ['a list', list(integer(1, 9), 1, 2), [[1], [1, 2]], [[], [1, 2, 3], 1, {}]],
  [
    'an address of a target',
    targetAddress(),
    ['192.0.2.7:3260,1', '192.0.2.7', 'san.example.com:3260', '[2001:db8::1]:3260,65535', '[::1]'],
    ['', '::1', '[::g]', '192.0.2.7:0', '192.0.2.7:65536', '192.0.2.7,65536', 'a b', 'host:port'],
  ],
];

describe.each(CASES)('%s', (_, schema, taken, refused) => {
  test.each(taken.map((value) => [JSON.stringify(value), value] as const))('may be %s', (_text, value) => {
    expect(read(schema, value)).not.toBeUndefined();
  });

  test.each(refused.map((value) => [JSON.stringify(value), value] as const))(
    'may not be %s; what may, is said',
    (_text, value) => {
      const [allowed, remedy] = refusal(schema, value);
      expect(allowed).toBeTruthy();
      expect(remedy).toBeTruthy();
    },
  );
});

test('networks are kept with their prefix, addresses as networks of one', () => {
  expect(read(network(), '10.0.0.0/8')).toBe('10.0.0.0/8');
  expect(read(network(), '10.1.2.3')).toBe('10.1.2.3/32');
  expect(read(network(), '2001:db8::1')).toBe('2001:db8::1/128');
  for (const wrong of ['10.0.0.0/33', 'ten', '', '10.0.0.0/']) expect(read(network(), wrong)).toBeUndefined();
});

test.each([
  // What inet_aton(3) makes of these is another network.
  '10/8',
  '192.168/16',
  '192.168.1/24',
  '167772160/8',
  '0xa.0.0.0/8',
  '010.0.0.0/8',
  '010.0.0.1',
  '10.0.0.0/08',
  '10.0.0.0/+8',
  '10.0.0.0/8/8',
  '10.0.0.0/255.0.0.0',
  ' 10.0.0.0/8',
  '::/129',
  // An interface is no part of a network.
  'fe80::1%eth0',
  'fe80::%eth0/64',
])('%s is no network', (wrong) => {
  expect(read(network(), wrong)).toBeUndefined();
});

test('a network of IPv4 addresses in their IPv6 disguise is one of IPv4', () => {
  expect(read(network(), '::ffff:192.0.2.0/120')).toBe('192.0.2.0/24');
  expect(read(network(), '::ffff:192.0.2.9')).toBe('192.0.2.9/32');
  expect(read(network(), '::ffff:0:0/96')).toBe('0.0.0.0/0');
  expect(read(network(), '::/0')).toBe('::/0');
});

test('names in patterns are folded as names are', () => {
  expect(read(namePattern(), 'IQN.1993-08.Org.Debian:*')).toBe('iqn.1993-08.org.debian:*');
});

describe('sizes', () => {
  const schema = size(512, 2 ** 20);

  test('may be numbers, or carry a unit', () => {
    expect([512, '512', '64KiB', '1M'].map((value) => read(schema, value))).toEqual([512, 512, 65536, 2 ** 20]);
  });

  test.each([511, 2 ** 20 + 1, '1GiB', 512.5, '', null, '1.1B'])('may not be %s', (value) => {
    expect(refusal(schema, value)[0]).toBe('a size from 512 to 1MiB, in bytes or such as 64KiB, 1GiB');
  });

  test.each(['1MB', '1mib', '20g', '1.5 GB'])('as others write them are told about powers of two: %s', (text) => {
    expect(refusal(schema, text)[1]).toContain('powers of two');
  });

  test('out of bounds are not told how to be written', () => {
    expect(refusal(schema, '2GiB')[1]).toContain('change it');
  });
});

describe('a section', () => {
  const schema = section({ port: integer(0, 9) }, { users: 'write method: chap beside it' });

  test('has a remedy for each unknown key', () => {
    expect(refusal(schema, { port: 1, prot: 2, users: [], other: 0 })).toEqual([
      'a section with the keys port',
      'did you mean port?',
      'write method: chap beside it',
      'remove it',
    ]);
  });

  test('has it for keys that every object has', () => {
    const [, ...remedies] = refusal(schema, { port: 1, constructor: 1, ['__proto__']: 1, toString: 1 });
    expect(remedies).toEqual(['remove it', 'remove it', 'remove it']);
  });

  test('asks for what is missing, and for a mapping', () => {
    expect(refusal(schema, {})).toEqual(['a whole number from 0 to 9', 'add it']);
    expect(refusal(schema, 5)[1]).toBe('write it as a mapping, key: value');
    expect(refusal(schema, undefined)[1]).toBe('add it');
  });
});

test('a described field is known with what it takes, however it is wrapped', () => {
  const field = explain(integer(1, 9, 'commands').default(5), 'How many.');
  expect(notes.get(field)).toEqual({
    description: 'How many.',
    allowed: 'a whole number from 1 to 9',
    unit: 'commands',
  });
});
