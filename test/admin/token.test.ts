import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TokenGuard } from '../../src/admin/token.ts';
import { Scratch } from '../support/scratch.ts';
import { requestWith } from './request-with.ts';

const TOKEN = 'b7Qz+/=8zQ';
const guard = new TokenGuard(TOKEN);
const bearer = (authorization: string) => guard.admits(requestWith({ authorization }));
const protocol = (token: string) => `token.${Buffer.from(token).toString('base64url')}`;

test('the token is let in', () => {
  expect(bearer(`Bearer ${TOKEN}`)).toBe(true);
  expect(bearer(`bearer   ${TOKEN} `)).toBe(true);
});

test.each([
  '',
  'Bearer',
  'Bearer ',
  `Bearer ${TOKEN}x`,
  `Bearer ${TOKEN.slice(1)}`,
  `Basic ${TOKEN}`,
  TOKEN,
  'Bearer B7QZ+/=8ZQ',
])('%j is not', (authorization) => {
  expect(bearer(authorization)).toBe(false);
});

test('a WebSocket may have it among its protocols', () => {
  const admits = (protocols: string) => guard.admits(requestWith({ 'sec-websocket-protocol': protocols }));
  expect(admits(`lunaring, ${protocol(TOKEN)}`)).toBe(true);
  expect(admits(`lunaring, ${protocol('another')}`)).toBe(false);
  expect(admits('lunaring')).toBe(false);
});

test('it is read from a file, without the white space around it', () => {
  using scratch = new Scratch('token');
  const path = scratch.file('admin.token');
  expect(() => TokenGuard.read(path)).toThrow(/admin\.token: ENOENT; check path/);
  writeFileSync(path, ' \n');
  expect(() => TokenGuard.read(path)).toThrow(/is empty; head -c 24/);
  // No header carries these: nobody would get in.
  for (const text of ['two words', 'two\nlines', 'a\tb', 'schlüssel', '\u{1f511}', '\0']) {
    writeFileSync(path, `${text}\n`);
    expect(() => TokenGuard.read(path)).toThrow(/admin\.token holds no token: one line without spaces.*; head -c 24/);
    expect(() => TokenGuard.read(path)).not.toThrow(text);
  }
  writeFileSync(path, `${TOKEN}\n`);
  expect(TokenGuard.read(path).admits(requestWith({ authorization: `Bearer ${TOKEN}` }))).toBe(true);
});
