import { describe, expect, test } from 'vitest';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { formatTarget, formatTargets } from '../../src/cli/targets.ts';

const TARGET = {
  name: 'iqn.2026-11.com.example:db',
  alias: 'data base',
  state: 'online' as const,
  redirect: null,
  portalGroups: [1],
  sessions: 2,
  connections: 3,
  sessionLimit: 64,
  connectionLimit: 16,
  maxConnections: 1,
  digests: { header: 'offer' as const, data: 'require' as const },
  errorRecoveryLevel: 0,
  acl: { initiators: ['*'], networks: ['0.0.0.0/0', '::/0'], denial: 'reveal' as const },
  auth: { method: 'none' as const, users: [], mutual: false },
  redirects: [],
  initiatorLimits: [],
  units: [],
};

describe('targets', () => {
  test('are a table, with where their logins go', () => {
    const moved = { ...TARGET, redirect: { address: '192.0.2.7:3260', permanent: true } };
    const lines = formatTargets([TARGET, { ...TARGET, state: 'offline' }, moved]).split('\n');
    expect(lines[0]).toMatch(/^target +logins +sessions +connections +units +size +auth$/);
    expect(lines[1]).toMatch(/^iqn\.2026-11\.com\.example:db +online +2\/64 +3\/16 +0 +0 B +none$/);
    expect(lines[2]).toContain(' offline ');
    expect(lines[3]).toContain(' moved to 192.0.2.7:3260 ');
  });

  test('that are none, are said to be none', () => {
    expect(formatTargets([])).toMatch(/^no targets; lunaring target add/);
  });

  test('with the longest names fit a terminal', () => {
    const name = `iqn.2026-11.com.example:${'x'.repeat(199)}`;
    const redirect = { address: `${'h'.repeat(200)}:3260`, permanent: false };
    for (const line of formatTargets([{ ...TARGET, name, redirect }]).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
    }
  });
});

describe('a target', () => {
  test('is shown with who may use it, and how', () => {
    const text = formatTarget({
      ...TARGET,
      auth: { method: 'chap', users: ['alice', 'bob'], mutual: true },
      initiatorLimits: [{ initiators: ['iqn.a:*'], iops: 500, burstMs: 100 }],
    });
    expect(text).toBe(
      [
        'iqn.2026-11.com.example:db',
        '  alias          data base',
        '  logins         online',
        '  portal groups  1',
        '  sessions       2 of at most 64',
        '  connections    3 of at most 16, 1 a session',
        '  digests        header: offer, data: require',
        '  auth           chap, users alice, bob; the target proves itself as well',
        '  initiators     *',
        '  networks       0.0.0.0/0, ::/0',
        '  others hear    0202, not allowed',
        '  limits         iqn.a:*: 500 IO/s, burst 100 ms',
        '  no units; lunaring lun add adds one',
        '',
      ].join('\n'),
    );
  });
});
