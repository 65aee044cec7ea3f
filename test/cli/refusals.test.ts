import { expect, test } from 'vitest';
import { formatRefusals } from '../../src/cli/refusals.ts';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { describeLoginStatus, LoginStatus } from '../../src/pdu/login-status.ts';

const { name, causes, fixes, sections } = describeLoginStatus(LoginStatus.AUTHORIZATION_FAILURE);
const REFUSAL = {
  code: LoginStatus.AUTHORIZATION_FAILURE,
  status: '0202',
  name,
  rule: 'the access list of the target names the initiator',
  received: 'iqn.a:other',
  expected: 'iqn.a:host*',
  causes,
  fixes,
  sections,
  peerAddress: '192.0.2.9',
  localAddress: '192.0.2.7',
  initiatorName: 'iqn.a:other',
  targetName: null,
  correlationId: 'c1',
  at: '2026-11-28T17:20:01.345Z',
};

test('refusals are counted by status, and each is told with what to do, the latest last', () => {
  const later = { ...REFUSAL, at: '2026-11-28T17:30:00.000Z', correlationId: 'c2' };
  const text = formatRefusals({ counts: { '0000': 12345, '0201': 0, '0202': 2 }, latest: [later, REFUSAL] });
  expect(text).toMatch(/^logins {2}status\n +12345 {2}0000 {4}\S.*\n {5}2 {2}0202 {4}AuthorizationFailure\n\n/);
  expect(text).not.toContain('0201 ');
  expect(text.indexOf('17:20:01Z  0202')).toBeLessThan(text.indexOf('17:30:00Z  0202'));
  expect(text).toMatch(/^ {2}received +iqn\.a:other\n {2}expected +iqn\.a:host\*\n {2}do +\S/m);
  // Not given: not said.
  expect(text).not.toMatch(/^ {2}target /m);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
});

test('where nobody came, nothing is counted', () => {
  expect(formatRefusals({ counts: { '0000': 0 }, latest: [] })).toBe('no logins since the start\n');
});
