import { expect, test } from 'vitest';
import { sameSettings, writable } from '../../src/config/plain.ts';
import { Secret } from '../../src/config/secret.ts';

const user = (secret: string, more: object = {}) => ({ name: 'alice', secret: new Secret(secret), ...more });

test('settings with another secret are not the same', () => {
  expect(sameSettings(user('a long secret'), user('a long secret'))).toBe(true);
  expect(sameSettings(user('a long secret'), user('another secret'))).toBe(false);
  const secretFile = '/etc/alice';
  expect(sameSettings(user('a long secret', { secretFile }), user('another secret', { secretFile }))).toBe(false);
});

test('what is left out and what is undefined is the same', () => {
  expect(sameSettings({ a: 1, b: undefined }, { a: 1 })).toBe(true);
  expect(sameSettings([{ a: 1 }], [{ a: 1 }, { a: 2 }])).toBe(false);
  expect(sameSettings(undefined, undefined)).toBe(true);
});

test('a secret of a file stays in its file', () => {
  expect(writable([user('a long secret', { secretFile: '/etc/alice' }), user('given by hand')])).toEqual([
    { name: 'alice', secretFile: '/etc/alice' },
    { name: 'alice', secret: 'given by hand' },
  ]);
});
