import { expect, test } from 'vitest';
import { formatStatus } from '../../src/cli/status.ts';

const STATUS = {
  version: '0.1.0',
  pid: 4711,
  startedAt: '2026-11-28T17:20:01.000Z',
  uptimeSeconds: 725,
  engine: 'uring',
  engineReason: 'io_uring: Linux 6.18',
  workers: 2,
  portals: [
    { address: '127.0.0.1', port: 3260, tag: 1 },
    { address: 'fd00::7', port: 3261, tag: 2, advertise: 'san1.example.com' },
  ],
  draining: '',
  targets: 3,
  sessions: 4,
  inFlight: 12,
};

test('the status says how it serves, and what', () => {
  expect(formatStatus(STATUS, 'http://127.0.0.1:9260')).toBe(
    [
      'lunaring 0.1.0 at http://127.0.0.1:9260, process 4711, up for 12 min 5 s',
      '  engine     uring: io_uring: Linux 6.18',
      '  workers    2',
      '  portals    127.0.0.1:3260,1 [fd00::7]:3261,2 (advertised as san1.example.com)',
      '  logins     taken',
      '  targets    3',
      '  sessions   4',
      '  in flight  12',
      '',
    ].join('\n'),
  );
});

test('a drained target says why logins are refused, and how they are taken again', () => {
  const text = formatStatus({ ...STATUS, draining: 'new disks' }, 'http://127.0.0.1:9260');
  expect(text).toContain('  logins     refused with 0301: new disks (lunaring drain --off takes them again)\n');
});
