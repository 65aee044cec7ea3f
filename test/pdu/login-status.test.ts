// The table of login status codes: complete, in order, and found by whatever people type.

import { expect, test } from 'vitest';
import {
  describeLoginStatus,
  findLoginStatus,
  formatLoginStatus,
  LOGIN_STATUS,
  LoginStatus,
} from '../../src/pdu/login-status.ts';

test('§11.13.5: 18 codes, in numerical order, each with a name of its own', () => {
  const codes = LOGIN_STATUS.map(({ code }) => formatLoginStatus(code));
  expect(codes).toEqual(
    '0000 0101 0102 0200 0201 0202 0203 0204 0205 0206 0207 0208 0209 020A 020B 0300 0301 0302'.split(' '),
  );
  expect(new Set(LOGIN_STATUS.map(({ name }) => name)).size).toBe(18);
  expect(Object.values(LoginStatus)).toEqual(LOGIN_STATUS.map(({ code }) => code));
});

test('every entry explains itself', () => {
  for (const { meaning, when, causes, fixes, sections, name } of LOGIN_STATUS) {
    for (const text of [meaning, when, ...causes, ...fixes])
      expect([name, text]).toEqual([name, expect.stringMatching(/\.$/)]);
    expect([name, causes.length > 0, fixes.length > 0]).toEqual([name, true, true]);
    for (const section of sections) expect(section).toMatch(/^\d+(\.\d+)*$/);
  }
});

test.each([
  ['0203', 'TargetNotFound'],
  ['0x203', 'TargetNotFound'],
  ['203', 'TargetNotFound'],
  [' 020a ', 'SessionDoesNotExist'],
  ['targetremoved', 'TargetRemoved'],
  ['0', 'Success'],
])('%j is found', (text, name) => {
  expect(findLoginStatus(text)?.name).toBe(name);
});

test.each(['', '0999', 'nothing', '02030', '0x'])('%j is not', (text) => {
  expect(findLoginStatus(text)).toBeUndefined();
});

test('a code describes itself', () => {
  expect(describeLoginStatus(LoginStatus.TARGET_NOT_FOUND).name).toBe('TargetNotFound');
});
