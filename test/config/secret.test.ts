import { format, inspect } from 'node:util';
import pino from 'pino';
import { expect, test } from 'vitest';
import { Secret } from '../../src/config/secret.ts';

const TEXT = 'correct horse battery';

test('a secret is given away by reveal only', () => {
  const secret = new Secret(TEXT);
  const lines: string[] = [];
  pino({}, { write: (line: string) => lines.push(line) }).info({ secret, user: { secret } }, `with ${secret}`);
  const prints = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }),
    format('%o', secret),
    ...lines,
  ];
  expect(prints.join('\n')).not.toContain(TEXT);
  expect(prints).toHaveLength(6);
  expect(secret.reveal()).toBe(TEXT);
});

test('secrets are compared by what they hold', () => {
  expect(new Secret(TEXT).equals(new Secret(TEXT))).toBe(true);
  expect(new Secret(TEXT).equals(new Secret(`${TEXT}!`))).toBe(false);
});
