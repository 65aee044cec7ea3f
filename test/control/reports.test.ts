import { describe, expect, test } from 'vitest';
import { sessionReport, targetReport } from '../../src/control/reports.ts';
import { Figure } from '../../src/ring/figures.ts';
import { OperatedTarget } from './operated-target.ts';

const NAME = 'iqn.2026-11.com.example:a';
const HOST = 'iqn.1993-08.org.debian:01:host';
const SECRETS = ['a secret of alice', 'a secret of the target'];

describe('reports', () => {
  test('of a target tell all but its secrets, and its units by number', () => {
    const auth = {
      method: 'chap',
      users: [{ name: 'alice', secret: SECRETS[0] }],
      mutual: { name: 'target', secret: SECRETS[1] },
    };
    const luns = [
      { lun: 5, backend: 'null', size: '1MiB' },
      { lun: 2, path: 'a.img', size: '1MiB', limits: { iops: 50 } },
    ];
    using target = new OperatedTarget([{ name: NAME, alias: 'first', auth, luns }]);
    target.logIn(HOST, NAME);
    const report = targetReport(target.catalog.find(NAME)!, target.catalog, target.sessions);
    expect(report).toMatchObject({
      name: NAME,
      alias: 'first',
      redirect: null,
      sessions: 1,
      connections: 1,
      auth: { method: 'chap', users: ['alice'], mutual: true },
      units: [
        { lun: 2, path: target.scratch.file('a.img'), bytes: 2 ** 20, limits: { iops: 50, burstMs: 100 } },
        { lun: 5, path: '', backend: 'null', limits: null },
      ],
    });
    for (const secret of SECRETS) expect(JSON.stringify(report)).not.toContain(secret);
  });

  test('of a session tell what was counted of it', () => {
    using target = new OperatedTarget([{ name: NAME, luns: [] }]);
    const { sessions } = target;
    const entry = sessions.find(target.logIn(HOST, NAME))!;
    const figures = sessions.figures.open();
    sessions.figures.block(0, figures)[Figure.bytesRead] = 4096;
    sessions.figures.block(0, figures)[Figure.inFlight] = 3;
    expect(sessionReport({ ...entry, figures }, sessions.figures)).toMatchObject({
      initiatorName: HOST,
      connections: [{ cid: 1, parameters: { headerDigest: 'None', dataDigest: 'None' } }],
      figures: { bytesRead: 4096, inFlight: 3, reads: 0 },
    });
    expect(sessionReport(entry, sessions.figures).figures).toMatchObject({ bytesRead: 0, inFlight: 0 });
  });
});
