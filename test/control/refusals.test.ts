import { describe, expect, test, vi } from 'vitest';
import { Refusals } from '../../src/control/refusals.ts';
import { fault, type Refusal, refusalOf } from '../../src/login/refusal.ts';
import { LOGIN_STATUS, LoginStatus } from '../../src/pdu/login-status.ts';

/** As many as are kept. */
const KEPT = 500;

function refusal(received: string, code: LoginStatus = LoginStatus.TARGET_NOT_FOUND): Refusal {
  const endpoint = { portalGroupTag: 1, discovery: true, localAddress: '127.0.0.1', localPort: 3260 };
  const party = {
    endpoint: { ...endpoint, peerAddress: '127.0.0.1', correlationId: 'c' },
    initiatorName: null,
    targetName: null,
  };
  return refusalOf({ ...fault(code, 'a rule', received, 'something else'), cause: new Error('ours') }, party);
}

describe('refusals', () => {
  test('are counted by status, all of which are there', () => {
    const refusals = new Refusals();
    expect(refusals.counts().size).toBe(LOGIN_STATUS.length);
    refusals.add(refusal('a'));
    refusals.add(refusal('b'));
    refusals.add(refusal('c', LoginStatus.SERVICE_UNAVAILABLE));
    refusals.succeeded();
    expect(refusals.total).toBe(3);
    const counted = [...refusals.counts()].filter(([, count]) => count > 0);
    expect(counted).toEqual([
      ['0000', 1],
      ['0203', 2],
      ['0301', 1],
    ]);
  });

  test('are told newest first, with what explains them and without what is not data', () => {
    const refusals = new Refusals();
    refusals.add(refusal('first'));
    refusals.add(refusal('second'));
    expect(refusals.latest().map(({ received }) => received)).toEqual(['second', 'first']);
    const [report] = refusals.latest(1);
    expect(report).toMatchObject({ status: '0203', at: expect.any(Date), fixes: expect.any(Array) });
    expect(report).not.toHaveProperty('cause');
  });

  test('are forgotten when there are many, but for their count', () => {
    const refusals = new Refusals();
    for (let index = 0; index <= KEPT; index++) refusals.add(refusal(String(index)));
    expect(refusals.latest()).toHaveLength(KEPT);
    expect(refusals.latest().at(-1)).toMatchObject({ received: '1' });
    expect(refusals.counts().get('0203')).toBe(KEPT + 1);
  });

  test('are heard of as they come, as long as somebody listens', () => {
    const refusals = new Refusals();
    const listener = vi.fn();
    const end = refusals.listen(listener);
    refusals.add(refusal('heard'));
    end();
    refusals.add(refusal('missed'));
    expect(listener).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ received: 'heard' }));
  });
});
