import { describe, expect, test } from 'vitest';
import { normalizeInitiatorName, normalizeName, normalizeNamePattern } from '../../src/config/iscsi-name.ts';

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

describe('names of initiators', () => {
  test.each([
    ['iqn.2008-11.org.linux-kvm:my_vm', 'QEMU with -name my_vm'],
    ['iqn.2008-11.org.linux-kvm:my  other vm (2)', 'QEMU with a name of several words'],
    ['iqn.1994-05.com.redhat:node_1', 'a host name with an underscore'],
    ['iqn.localhost.hostid.7f000001', 'AIX, as it is delivered'],
    ['iqn.2026-11.com.example:größe', 'letters of any script'],
    ['eui.123', 'digits that are missing'],
    ['naa.52004567ba64678d', 'an iSCSI name'],
  ])('%s may be one: %s', (name) => {
    expect(normalizeInitiatorName(name)).toBe(name);
  });

  test('are folded as other names are', () => {
    expect(normalizeInitiatorName('IQN.2008-11.org.linux-kvm:My\u00a0VM')).toBe('iqn.2008-11.org.linux-kvm:my vm');
  });

  test.each([
    ['of no type', 'host.example.com'],
    ['that is a type and no more', 'iqn.'],
    ['with a control character', 'iqn.a:b\u001b[2J'],
    ['with a line end', 'iqn.a:b\nc'],
    ['with a line separator', 'iqn.a:b\u2028c'],
    ['with a character that turns the order of writing', 'iqn.a:b\u202ec'],
    ['with an invisible character', 'iqn.a:b\u200bc'],
    ['with a space at its end, which nobody sees', 'iqn.a:b '],
    ['with a comma, behind which a TransportID has the ISID (SPC-5)', 'iqn.a:b,i,0x00023d000001'],
    ['with a comma once it is normalised', 'iqn.a:b\uff0cc'],
    ['with an asterisk, which would let others in if it were copied to an access list', 'iqn.*'],
    ['of 224 bytes', `iqn.2026-11.com.example:${'ü'.repeat(100)}`],
  ])('%s is none', (_, name) => {
    expect(normalizeInitiatorName(name)).toBeNull();
  });
});

test('patterns hold what names may hold, and asterisks', () => {
  const patterns = ['*', 'iqn.*:my_vm', '* vm', 'iqn.a:my vm*'];
  expect(patterns.map(normalizeNamePattern)).toEqual(patterns);
  const others = ['', ' iqn.a', 'iqn.a ', 'iqn.a,iqn.b', 'iqn.a\tb', 'iqn.\u200b*'];
  expect(others.map(normalizeNamePattern)).toEqual(others.map(() => null));
});
