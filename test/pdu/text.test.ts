// The text of Login and Text PDUs: what is taken, what is refused and why, and that values survive the way there and back.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BINARY_BYTES_MAX,
  encodePairs,
  formatBinary,
  formatBoolean,
  KEY_BYTES_MAX,
  parseBinary,
  parseBoolean,
  parseList,
  parseNumber,
  parsePairs,
  parseText,
  TextFault,
  VALUE_BYTES_MAX,
} from '../../src/pdu/text.ts';

const parse = (text: string) => parseText(Buffer.from(text));
const faultOf = (text: string) => {
  const parsed = parse(text);
  return parsed.ok ? null : parsed.fault;
};

describe('§6.1: pairs', () => {
  test('are read in their order, values as they are', () => {
    const parsed = parse('InitiatorName=iqn.2026-11.x:a\0CHAP_N=a=b c\0X-empty=\0');
    expect(parsed).toEqual({
      ok: true,
      pairs: [
        { key: 'InitiatorName', value: 'iqn.2026-11.x:a' },
        { key: 'CHAP_N', value: 'a=b c' },
        { key: 'X-empty', value: '' },
      ],
    });
  });

  test('may be none, and NULs between them do no harm', () => {
    expect(parse('')).toEqual({ ok: true, pairs: [] });
    expect(parse('\0\0A=1\0\0')).toEqual({ ok: true, pairs: [{ key: 'A', value: '1' }] });
  });

  test.each([
    ['A=1', TextFault.missingNul],
    ['A=1\0B=2', TextFault.missingNul],
    ['A\0', TextFault.missingEquals],
    ['A=1\0B\0C=1\0', TextFault.missingEquals],
    ['=1\0', TextFault.emptyKey],
    ['A B=1\0', TextFault.keyCharacters],
    ['Schlüssel=1\0', TextFault.keyCharacters],
    [`${'K'.repeat(KEY_BYTES_MAX)}=1\0`, null],
    [`${'K'.repeat(KEY_BYTES_MAX + 1)}=1\0`, TextFault.keyTooLong],
    [`K=${'v'.repeat(VALUE_BYTES_MAX)}\0`, null],
    [`K=${'v'.repeat(VALUE_BYTES_MAX + 1)}\0`, TextFault.valueTooLong],
    [`K=${'ü'.repeat(128)}\0`, TextFault.valueTooLong],
    [`K=${'v'.repeat(200)},${'w'.repeat(200)}\0`, null],
    [`K=0x${'ab'.repeat(BINARY_BYTES_MAX)}\0`, null],
    [`K=0x${'ab'.repeat(BINARY_BYTES_MAX + 1)}\0`, TextFault.valueTooLong],
    ['A=1\0A=2\0', TextFault.duplicateKey],
    ['A=1\0A=1\0', TextFault.duplicateKey],
  ])('%j: %s', (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  test('must be UTF-8', () => {
    const parsed = parseText(Uint8Array.of(0x41, 0x3d, 0xff, 0));
    expect(parsed).toMatchObject({ ok: false, fault: TextFault.encoding });
  });

  test('at fault are shown in part, printable, and never a CHAP response', () => {
    expect(parse('A=\x1b[31m\nred')).toMatchObject({ excerpt: 'A=?[31m?red' });
    expect(parse(`B=${'x'.repeat(90)}`)).toMatchObject({ excerpt: `B=${'x'.repeat(38)}...` });
    expect(parse('CHAP_R=0x0123456789')).toMatchObject({ excerpt: 'CHAP_R=...' });
  });

  test('parsePairs gives a map, or null for anything wrong', () => {
    expect(parsePairs(Buffer.from('A=1\0B=2\0'))).toEqual(
      new Map([
        ['A', '1'],
        ['B', '2'],
      ]),
    );
    expect(parsePairs(Buffer.from('A\0'))).toBeNull();
  });

  test('survive encoding', () => {
    const key = fc.stringMatching(/^[A-Z][A-Za-z0-9.@_+-]{0,62}$/);
    const value = fc.string({ unit: 'grapheme', maxLength: 15 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name }), (pairs) => {
        expect([...parsePairs(encodePairs(pairs))!]).toEqual(pairs);
      }),
    );
  });

  test('of any bytes are pairs or a fault, never an exception', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseText(bytes)));
  });
});

describe('§6.1: values', () => {
  test.each([
    ['0', 0],
    ['8192', 8192],
    ['0x10', 16],
    ['0XfF', 255],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', null],
    ['', null],
    ['01', null],
    ['-1', null],
    ['+1', null],
    ['1.0', null],
    ['1e3', null],
    [' 1', null],
    ['0x', null],
    ['0b11', null],
    ['Yes', null],
  ])('number %j', (text, number) => {
    expect(parseNumber(text)).toBe(number);
  });

  test.each([
    ['0x0102', '0102'],
    ['0XaBc', '0abc'],
    ['0bAQI=', '0102'],
    ['0BAQID', '010203'],
    ['0x', null],
    ['0b', null],
    ['0xzz', null],
    ['0bAQI', null],
    ['0bAQJ=', null],
    ['0b A==', null],
    ['1234', null],
    ['', null],
    [`0x${'00'.repeat(BINARY_BYTES_MAX + 1)}`, null],
  ])('binary %j', (text, hex) => {
    const bytes = parseBinary(text);
    expect(bytes === null ? null : Buffer.from(bytes).toString('hex')).toBe(hex);
  });

  test('binary values survive both spellings', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: BINARY_BYTES_MAX }), (bytes) => {
        expect(Buffer.from(parseBinary(formatBinary(bytes))!)).toEqual(Buffer.from(bytes));
        expect(Buffer.from(parseBinary(`0b${Buffer.from(bytes).toString('base64')}`)!)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('booleans and lists', () => {
    expect(['Yes', 'No', 'yes', 'TRUE', ''].map(parseBoolean)).toEqual([true, false, null, null, null]);
    expect([true, false].map(formatBoolean)).toEqual(['Yes', 'No']);
    expect(parseList('None,CRC32C')).toEqual(['None', 'CRC32C']);
    expect(parseList('')).toEqual([]);
  });
});
