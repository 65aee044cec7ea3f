// Names that initiators bring: the form they are compared in, and what is said of those that are none.

import { expect, test } from 'vitest';
import { checkName } from '../../src/login/names.ts';

test.each([
  ['iqn.1993-08.org.debian:01:ABC', 'iqn.1993-08.org.debian:01:abc'],
  ['IQN.2026-11.io.lunaring:disk0', 'iqn.2026-11.io.lunaring:disk0'],
  ['eui.02004567A425678D', 'eui.02004567a425678d'],
  ['naa.62004567BA64678D0123456789ABCDEF', 'naa.62004567ba64678d0123456789abcdef'],
])('%s is %s', (text, name) => {
  expect(checkName(text)).toEqual({ ok: true, name });
});

test.each([
  ['', /iqn\., eui\. or naa\./],
  ['host', /iqn\., eui\. or naa\./],
  ['iqn.2026-13.x', /year-month/],
  ['iqn.2026-11.x:a b', /year-month/],
  ['eui.123', /16 hex digits/],
  ['NAA.123', /16 or 32 hex digits/],
  [`iqn.2026-11.x:${'a'.repeat(210)}`, /at most 223 bytes/],
])('%s is none', (text, expected) => {
  expect(checkName(text)).toEqual({ ok: false, expected: expect.stringMatching(expected) });
});
