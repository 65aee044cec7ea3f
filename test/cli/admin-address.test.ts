import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { adminUrl, findAdmin } from '../../src/cli/admin-address.ts';
import { Scratch } from '../support/scratch.ts';
import { FakeWorld } from './fake-world.ts';

describe('the address of the admin interface', () => {
  test.each([
    ['192.0.2.7:9300', 'http://192.0.2.7:9300'],
    ['192.0.2.7', 'http://192.0.2.7:9260'],
    ['192.0.2.7:80', 'http://192.0.2.7'],
    ['[fd00::7]:9300', 'http://[fd00::7]:9300'],
    ['[fd00::7]', 'http://[fd00::7]:9260'],
    ['fd00::7', 'http://[fd00::7]:9260'],
    ['storage.example', 'http://storage.example:9260'],
    ['0.0.0.0:9260', 'http://127.0.0.1:9260'],
    ['[::]:9260', 'http://[::1]:9260'],
    ['http://127.0.0.1:9260/', 'http://127.0.0.1:9260'],
    ['https://storage.example/lunaring/', 'https://storage.example/lunaring'],
  ])('%s is %s', (text, url) => {
    expect(adminUrl(text)).toBe(url);
  });

  test.each([
    '',
    'a b',
    '127.0.0.1:99999',
    'http://',
    'http://u:p@h',
    'ftp://h',
    'h:9260/x',
    'h?x',
    'http://h?x=1',
    // A port alone, and what inet_aton(3) takes for addresses.
    '9260',
    '10.1:9260',
    '0x7f.0.0.1',
    '127.0.0.010',
    'http://9260',
  ])('%j is none', (text) => {
    expect(adminUrl(text)).toBeNull();
  });

  test('is the option, the variable, or the default, in this order', () => {
    const urlOf = (options: { admin?: string }, environment: Record<string, string> = {}) =>
      findAdmin(options, new FakeWorld(environment)).url;
    expect(urlOf({})).toBe('http://127.0.0.1:9260');
    expect(urlOf({}, { LUNARING_ADMIN: '127.0.0.1:7' })).toBe('http://127.0.0.1:7');
    expect(urlOf({}, { LUNARING_ADMIN: ' ' })).toBe('http://127.0.0.1:9260');
    expect(urlOf({ admin: '127.0.0.1:8' }, { LUNARING_ADMIN: 'off' })).toBe('http://127.0.0.1:8');
  });

  test('says so when it is switched off, or nonsense', () => {
    expect(() => findAdmin({}, new FakeWorld({ LUNARING_ADMIN: 'off' }))).toThrow(
      /LUNARING_ADMIN is off: .* --admin 127/,
    );
    expect(() => findAdmin({ admin: 'a/b' }, new FakeWorld())).toThrow(
      /--admin: 'a\/b' is no address; write address:port/,
    );
  });
});

describe('the token', () => {
  test('is in the file that the option or the variable names', () => {
    using scratch = new Scratch('admin-address');
    writeFileSync(scratch.file('a.token'), 'first\n');
    writeFileSync(scratch.file('b.token'), 'second\n');
    const world = new FakeWorld({ LUNARING_ADMIN_TOKEN_FILE: 'b.token' }, scratch.path);
    expect(findAdmin({}, new FakeWorld())).toMatchObject({ token: null, tokenFile: null });
    expect(findAdmin({}, world)).toMatchObject({ token: 'second', tokenFile: scratch.file('b.token') });
    expect(findAdmin({ tokenFile: 'a.token' }, world)).toMatchObject({ token: 'first' });
  });

  test('is one line; a file that is none is not shown to anybody', () => {
    using scratch = new Scratch('admin-address');
    for (const text of ['', 'two\nlines', 'two words']) {
      writeFileSync(scratch.file('token'), text);
      expect(() => findAdmin({ tokenFile: scratch.file('token') }, new FakeWorld())).toThrow(/holds no token/);
    }
    expect(() => findAdmin({ tokenFile: 'missing' }, new FakeWorld({}, scratch.path))).toThrow(
      `the token file ${scratch.file('missing')}: ENOENT`,
    );
  });
});
