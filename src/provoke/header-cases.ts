// Requests whose header is wrong, in itself or against the one before it (RFC 7143 §6.3, §11.12), and PDUs that are no requests.
// Text is looked at in text-cases.ts.

import { CSG_SHIFT, Stage, TRANSIT_BIT } from '../pdu/login-request.ts';
import { Opcode } from '../pdu/opcode.ts';
import { type Attempt, newIsid, type Request } from './attempt.ts';
import type { Case } from './play.ts';

const { SECURITY, OPERATIONAL, RESERVED } = Stage;

/** A case of requests one after another: the verdict on the last one that was answered. */
function requests(
  code: string,
  name: string,
  make: (attempt: Attempt) => readonly Request[],
  expected: string = code,
): Case {
  return {
    code,
    name,
    expected,
    play: (stage) => stage.with({}, async (attempt) => (await attempt.askAll(make(attempt))).verdict),
  };
}

const first = (attempt: Attempt): Request => ({ stage: SECURITY, pairs: attempt.opening() });

/** A first request with these flags. */
const flagged = (name: string, flags: number): Case =>
  requests('0200', name, (attempt) => [{ ...first(attempt), fields: { flags } }]);

/** A second request that differs from the first. */
const changed = (name: string, change: () => Partial<Request>): Case =>
  requests('0200', `${name} changed inside a login`, (attempt) => [first(attempt), { stage: SECURITY, ...change() }]);

/** A PDU that is no Login Request after one step of login. */
const interrupted = (name: string, opcode: Opcode): Case => ({
  code: '020B',
  name: `${name} after one step`,
  play: (stage) =>
    stage.with({}, async (attempt) => {
      const begun = await attempt.ask(first(attempt));
      return begun.accepted ? (await attempt.interrupt(opcode)).verdict : begun.verdict;
    }),
});

/** A text that goes on and on, so many pairs in each request. */
const endless =
  (count: number) =>
  (attempt: Attempt): readonly Request[] => {
    const text = Buffer.from('X-io.lunaring=v\0'.repeat(count));
    return [{ ...first(attempt), more: true }, ...Array<Request>(40).fill({ stage: SECURITY, more: true, text })];
  };

export const HEADER_CASES: readonly Case[] = [
  flagged('T together with C', TRANSIT_BIT | 0x40 | OPERATIONAL),
  flagged('a reserved CSG', RESERVED << CSG_SHIFT),
  flagged('a reserved NSG', TRANSIT_BIT | RESERVED),
  flagged('an NSG that does not lead onward', TRANSIT_BIT | SECURITY),
  requests('0200', 'CSG changed without a transit', (attempt) => [first(attempt), { stage: OPERATIONAL }]),
  changed('Version-max', () => ({ fields: { versionMax: 1 } })),
  changed('ISID', () => ({ isid: newIsid() })),
  changed('TSIH', () => ({ fields: { tsih: 0x7e57 } })),
  changed('CID', () => ({ fields: { cid: 77 } })),
  changed('Initiator Task Tag', () => ({ fields: { initiatorTaskTag: 77 } })),
  changed('CmdSN', () => ({ fields: { cmdSN: 77 } })),
  requests('0200', 'requests without end', endless(1)),
  requests('0200', 'text without end', endless(512)),
  requests('0205', 'Version-min 1, Version-max 1', (attempt) => [
    { ...first(attempt), fields: { versionMin: 1, versionMax: 1 } },
  ]),
  requests(
    '0205',
    'Version-min 0, Version-max 5 passes',
    (attempt) => [{ ...first(attempt), fields: { versionMax: 5 } }],
    '0000',
  ),
  interrupted('NOP-Out', Opcode.NOP_OUT),
  interrupted('SCSI Command', Opcode.SCSI_COMMAND),
  interrupted('Text Request', Opcode.TEXT_REQUEST),
  interrupted('Data-Out', Opcode.DATA_OUT),
  interrupted('Logout Request', Opcode.LOGOUT_REQUEST),
  {
    code: '020B',
    name: 'NOP-Out as the first PDU gets a bare close',
    expected: 'closed',
    play: (stage) => stage.with({}, async (attempt) => (await attempt.interrupt(Opcode.NOP_OUT)).verdict),
  },
];
