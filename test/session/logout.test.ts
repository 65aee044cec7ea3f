import { expect, it, vi } from 'vitest';
import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { SessionBench } from '../support/session-bench.ts';

it('of a connection over another is told to main before it is answered: the initiator may log in anew at once (RFC 7143 §11.14)', () => {
  const bench = new SessionBench();
  const one = bench.logIn({ session: { maxConnections: 2 } });
  const two = bench.logIn({ joins: one });
  const before: Pdu[] = [];
  const heard = vi.spyOn(bench.host, 'uplink').mockImplementation(({ type }) => {
    if (type === 'connectionEnded') before.push(...one.replies());
  });
  one.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_CONNECTION, cid: two.cid }, { immediate: true });
  bench.settle();
  expect(before).toEqual([]);
  expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.LOGOUT_RESPONSE]);
  const ends = heard.mock.calls.filter(([{ type }]) => type === 'connectionEnded');
  expect(ends).toMatchObject([[{ cid: two.cid, reason: 'logged out over another connection', sessionEnded: false }]]);
  expect([one.open, two.open]).toEqual([true, false]);
});
