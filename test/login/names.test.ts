// Names that initiators bring, their own and the target's: the form they are compared in, and what is said of those that are none.

import { expect, test } from 'vitest';
import { checkInitiatorName, checkTargetName } from '../../src/login/names.ts';

test.each([
  ['iqn.1993-08.org.debian:01:ABC', 'iqn.1993-08.org.debian:01:abc'],
  ['IQN.2026-11.io.lunaring:disk0', 'iqn.2026-11.io.lunaring:disk0'],
  ['eui.02004567A425678D', 'eui.02004567a425678d'],
  ['naa.62004567BA64678D0123456789ABCDEF', 'naa.62004567ba64678d0123456789abcdef'],
])('%s is %s', (text, name) => {
  expect(checkTargetName(text)).toEqual({ ok: true, name });
  expect(checkInitiatorName(text)).toEqual({ ok: true, name });
});

const NO_TYPE = /begins with iqn\., eui\. or naa\./;
const TOO_LONG = `iqn.2026-11.x:${'a'.repeat(210)}`;

test.each([
  ['', NO_TYPE],
  ['host', NO_TYPE],
  ['iqn.2026-13.x', /year-month/],
  ['iqn.2026-11.x:a b', /year-month/],
  ['eui.123', /16 hex digits/],
  ['NAA.123', /16 or 32 hex digits/],
  [TOO_LONG, /at most 223 bytes/],
])('%s is no name of a target', (text, expected) => {
  expect(checkTargetName(text)).toEqual({ ok: false, expected: expect.stringMatching(expected) });
});

test.each([
  ['', NO_TYPE],
  ['host', NO_TYPE],
  ['iqn.a:b,c', /printable characters.*no comma/],
  ['iqn.a:\u001b[2J', /printable characters/],
  [TOO_LONG, /at most 223 bytes/],
])('%s is no name of an initiator', (text, expected) => {
  expect(checkInitiatorName(text)).toEqual({ ok: false, expected: expect.stringMatching(expected) });
});

test('initiators may be called what targets may not', () => {
  const name = 'iqn.2008-11.org.linux-kvm:my_vm';
  expect(checkInitiatorName(name)).toEqual({ ok: true, name });
  expect(checkTargetName(name).ok).toBe(false);
});
