import { describe, expect, test } from 'vitest';
import { formatSession, formatSessions } from '../../src/cli/sessions.ts';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { DEFAULT_CONNECTION_PARAMETERS, DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';

const since = new Date(Date.now() - 3_600_000).toISOString();
const SESSION = {
  tsih: 7,
  sessionType: 'Normal' as const,
  initiatorName: 'iqn.1993-08.org.debian:01:host',
  initiatorAlias: 'host',
  isid: '00023d000001',
  targetName: 'iqn.2026-11.com.example:db',
  portalGroupTag: 1,
  worker: 1,
  since,
  parameters: DEFAULT_SESSION_PARAMETERS,
  connections: [
    {
      id: 1,
      cid: 0,
      peerAddress: '192.0.2.9',
      localAddress: '192.0.2.7',
      since,
      parameters: {
        ...DEFAULT_CONNECTION_PARAMETERS,
        headerDigest: 'CRC32C' as const,
        maxRecvDataSegmentLength: 262_144,
      },
    },
  ],
  figures: { reads: 10, writes: 2, others: 3, bytesRead: 40960, bytesWritten: 8192, errors: 1, inFlight: 5 },
};

describe('sessions', () => {
  test('are a table for each target', () => {
    const discovery = { ...SESSION, tsih: 8, targetName: '', worker: -1 };
    const lines = formatSessions([SESSION, discovery, { ...SESSION, tsih: 9 }]).split('\n');
    expect(lines).toEqual([
      'iqn.2026-11.com.example:db',
      expect.stringMatching(/^ {2}TSIH {2}initiator +from +worker +in flight +read +written +errors +for$/),
      expect.stringMatching(/^ {5}7 {2}iqn\S+ +192\.0\.2\.9 +1 +5 +40\.0 KiB +8\.00 KiB +1 +1 h$/),
      expect.stringMatching(/^ {5}9 /),
      'discovery',
      expect.stringMatching(/^ {2}TSIH /),
      expect.stringMatching(/^ {5}8 .* main +5 /),
      '',
    ]);
  });

  test('with rates are told what passes in a second, in the place of totals', () => {
    const rates = {
      readsPerSecond: 123_456.7,
      writesPerSecond: 0.4,
      bytesReadPerSecond: 2 ** 29,
      bytesWrittenPerSecond: 0,
    };
    const [, heading, row] = formatSessions([{ ...SESSION, rates }]).split('\n');
    expect(heading).toMatch(/in flight +reads\/s +writes\/s +read\/s +written\/s$/);
    expect(row).toMatch(/ 5 +123 k +0 +512 MiB +0 B$/);
  });

  test('with the longest names fit a terminal', () => {
    const connections = Array.from({ length: 8 }, (_, cid) => ({
      ...SESSION.connections[0]!,
      cid,
      peerAddress: `fd00:1111:2222:3333:4444:5555:6666:${cid}`,
    }));
    const name = `iqn.1993-08.org.debian:${'x'.repeat(200)}`;
    const row = formatSessions([{ ...SESSION, initiatorName: name, connections }]).split('\n')[2]!;
    expect(row.length).toBeLessThanOrEqual(TEXT_WIDTH);
    expect(row).toContain('…');
  });

  test('that are none, are said to be none', () => {
    expect(formatSessions([])).toBe('no sessions');
  });
});

test('a session is shown with what was negotiated, under the names of the standard', () => {
  const text = formatSession(SESSION);
  expect(text).toMatch(/^TSIH 7: session with iqn\.2026-11\.com\.example:db, portal group 1\n/);
  const words = text.replace(/\s+/g, ' ');
  const keys = [
    ...['MaxConnections=1', 'InitialR2T=Yes', 'ImmediateData=Yes', 'MaxBurstLength=262144', 'FirstBurstLength=65536'],
    ...['DefaultTime2Wait=2', 'DefaultTime2Retain=20', 'MaxOutstandingR2T=1', 'ErrorRecoveryLevel=0'],
    ...['DataPDUInOrder=Yes', 'DataSequenceInOrder=Yes', 'TaskReporting=RFC3720', 'iSCSIProtocolLevel=1'],
    'HeaderDigest=CRC32C DataDigest=None MaxRecvDataSegmentLength=262144, of the initiator: 8192',
    '00023d000001',
  ];
  for (const part of keys) expect(words).toContain(part);
  expect(text).toMatch(/^ {2}connection 0 +192\.0\.2\.9 to 192\.0\.2\.7, since /m);
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
});
