import { describe, expect, test } from 'vitest';
import { normalizeName } from '../../src/config/iscsi-name.ts';

describe('RFC 7143 §4.2.7: iSCSI names', () => {
  test.each([
    'iqn.2001-04.com.example:storage.disk2.sys1.xyz',
    'iqn.1993-08.org.debian:01:a1b2c3',
    'iqn.2026-11.io.lunaring',
    'eui.02004567a425678d',
    'naa.52004567ba64678d',
    'naa.62004567ba64678d0123456789abcdef',
  ])('%s is one', (name) => {
    expect(normalizeName(name)).toBe(name);
  });

  test('are compared without regard to case', () => {
    expect(normalizeName('IQN.2026-11.IO.LunaRing:Disk0')).toBe('iqn.2026-11.io.lunaring:disk0');
    expect(normalizeName('eui.02004567A425678D')).toBe('eui.02004567a425678d');
  });

  test.each([
    ['an empty text', ''],
    ['no type', 'disk0'],
    ['no date', 'iqn.com.example:disk'],
    ['a month that is none', 'iqn.2026-13.com.example:disk'],
    ['a space', 'iqn.2026-11.com.example:my disk'],
    ['a slash', 'iqn.2026-11.com.example/disk'],
    ['an underscore', 'iqn.2026-11.com.example:my_disk'],
    ['too few digits', 'eui.02004567a42567'],
    ['a length between the two', 'naa.52004567ba64678d01'],
    ['224 bytes', `iqn.2026-11.com.example:${'x'.repeat(200)}`],
  ])('%s is none', (_, name) => {
    expect(normalizeName(name)).toBeNull();
  });

  test('may have 223 bytes', () => {
    const name = `iqn.2026-11.com.example:${'x'.repeat(199)}`;
    expect(name).toHaveLength(223);
    expect(normalizeName(name)).toBe(name);
  });
});
