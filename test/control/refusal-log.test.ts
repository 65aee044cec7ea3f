import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { RefusalLog } from '../../src/control/refusal-log.ts';
import { fault, type Refusal, refusalOf } from '../../src/login/refusal.ts';
import { LoginStatus } from '../../src/pdu/login-status.ts';

const MINUTE_MS = 60_000;
/** Of one address, status and rule, in a minute. */
const LOGGED_MAX = 8;
/** How many of these are told apart. */
const SPELLS_MAX = 64;

function refusal(peerAddress: string, code: LoginStatus = LoginStatus.TARGET_NOT_FOUND, rule = 'a rule'): Refusal {
  const endpoint = { portalGroupTag: 1, discovery: true, localAddress: '127.0.0.1', localPort: 3260 };
  const party = { endpoint: { ...endpoint, peerAddress, correlationId: 'c' }, initiatorName: null, targetName: null };
  return refusalOf({ ...fault(code, rule, 'what came', 'else'), cause: new Error('ours') }, party);
}

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly peerAddress: string;
  readonly err?: { readonly message: string };
}

/** A log at a moment that the test sets. */
function logAt(): { readonly time: { now: number }; readonly lines: Line[]; readonly log: RefusalLog } {
  const time = { now: 0 };
  const lines: Line[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  return { time, lines, log: new RefusalLog(() => time.now, logger) };
}

describe('refused logins', () => {
  test('are logged with what explains them; as errors where the trouble is ours', () => {
    const { lines, log } = logAt();
    log.note(refusal('192.0.2.1'));
    log.note(refusal('192.0.2.1', LoginStatus.TARGET_ERROR));
    expect(lines.map(({ level, msg, err }) => [level, msg, err?.message])).toEqual([
      [40, 'login refused with 0203 TargetNotFound: what came', 'ours'],
      [50, 'login refused with 0300 TargetError: what came', 'ours'],
    ]);
  });

  test('fill no log: the first few of an address and a rule are logged in a minute, and the last of them says so', () => {
    const { time, lines, log } = logAt();
    for (let count = 0; count < 1000; count++) log.note(refusal('192.0.2.1'));
    expect(lines).toHaveLength(LOGGED_MAX);
    expect(lines.filter(({ msg }) => msg.includes('not logged for a minute'))).toEqual([lines.at(-1)]);
    log.note(refusal('192.0.2.1', LoginStatus.AUTHENTICATION_FAILURE));
    log.note(refusal('192.0.2.1', LoginStatus.TARGET_NOT_FOUND, 'another rule'));
    log.note(refusal('192.0.2.2'));
    expect(lines).toHaveLength(LOGGED_MAX + 3);
    time.now = MINUTE_MS - 1;
    log.note(refusal('192.0.2.1'));
    expect(lines).toHaveLength(LOGGED_MAX + 3);
    time.now = MINUTE_MS;
    log.note(refusal('192.0.2.1'));
    expect(lines).toHaveLength(LOGGED_MAX + 4);
  });

  test('of many addresses fill no log either', () => {
    const { time, lines, log } = logAt();
    for (let peer = 0; peer < 1000; peer++) log.note(refusal(`2001:db8::${peer.toString(16)}`));
    expect(lines).toHaveLength(SPELLS_MAX + LOGGED_MAX);
    // One of those that are told apart still is.
    log.note(refusal('2001:db8::0'));
    expect(lines).toHaveLength(SPELLS_MAX + LOGGED_MAX + 1);
    time.now = MINUTE_MS;
    log.note(refusal('2001:db8::ffff'));
    expect(lines.at(-1)!.peerAddress).toBe('2001:db8::ffff');
  });
});
