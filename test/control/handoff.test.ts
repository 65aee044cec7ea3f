// Hand-offs that wait while their worker fails, or are refused: what main has forgotten, no worker may serve.

import { pino } from 'pino';
import { expect, test } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import type { Catalog } from '../../src/control/catalog.ts';
import { Endings } from '../../src/control/endings.ts';
import { type Candidate, Handoffs } from '../../src/control/handoff.ts';
import { Requests } from '../../src/control/requests.ts';
import { Sessions } from '../../src/control/sessions.ts';
import type { Workers } from '../../src/control/workers.ts';
import { LoginStatus } from '../../src/pdu/login-status.ts';
import { DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';
import { type Handoff, RefusalReason, type ToWorker } from '../../src/ring/messages.ts';
import { Turns } from '../../src/ring/turns.ts';

const IDENTITY = {
  initiatorName: 'iqn.2026-11.io.lunaring:a',
  isid: '800000000001',
  targetName: 'iqn.2026-11.io.lunaring:t',
  portalGroupTag: 1,
};

/** Nobody gives the login up. */
const NEVER = new Promise<void>(() => {});

/** A login that is complete. */
function candidate(fd: number, tsih = 0, givenUp = NEVER, cid = 1): Candidate {
  const claim = { identity: IDENTITY, tsih, cid, sessionType: 'Normal' };
  const endpoint = { peerAddress: '127.0.0.1', localAddress: '127.0.0.1' };
  const grant = { claim, endpoint, initiatorAlias: '', session: DEFAULT_SESSION_PARAMETERS };
  return { grant, fd, received: new Uint8Array(0), givenUp } as unknown as Candidate;
}

/** One worker that answers nothing by itself. `fails`: that message can't be sent to it. */
function stage(fails: (message: ToWorker) => boolean = () => false) {
  const sent: ToWorker[] = [];
  const due: (() => void)[] = [];
  const workers: Workers = {
    turns: Turns.create(),
    isRunning: () => true,
    running: () => [0],
    send: (_worker, message) => {
      if (fails(message)) throw new Error('too long for the ring');
      sent.push(message);
    },
    answering: () => (message) => sent.push(message),
    broadcast: (message) => sent.push(message),
    sendBuffer: () => {},
    connectDisk: () => {},
  };
  const begun: number[] = [];
  const sessions = new Sessions({ began: ({ tsih }) => begun.push(tsih), ended: () => {} });
  const requests = new Requests();
  const endings = new Endings(sessions, workers, requests);
  const closed: number[] = [];
  const handoffs = new Handoffs({
    catalog: { find: () => ({ luns: [] }), unitsOf: () => [] } as unknown as Catalog,
    sessions,
    workers,
    endings,
    record: (id) => ({ type: 'handoff', id, figures: NONE }) as unknown as Handoff,
    machine: {
      now: () => 0,
      after: (_delayMs, then) => {
        due.push(then);
        return () => due.splice(due.indexOf(then), 1);
      },
      random: (length) => new Uint8Array(length),
      close: (fd) => closed.push(fd),
      sync: () => Promise.resolve(),
    },
    log: pino({ level: 'silent' }),
  });
  /** Carries out what the worker was asked for last. */
  const done = (): void => {
    const last = sent.at(-1);
    if (last !== undefined && 'request' in last) requests.done(0, last.request);
  };
  /** Lets all the time pass that somebody waits for. */
  const later = (): void => {
    for (const then of [...due]) then();
  };
  const kinds = (): string[] => sent.map(({ type }) => type);
  return { handoffs, endings, sessions, begun, requests, closed, sent, done, later, kinds };
}

test('a session that waits for the end of the one it replaces is refused when the worker of both fails', async () => {
  const { handoffs, sessions, requests, closed, kinds } = stage();
  const first = handoffs.take(candidate(7));
  await new Promise(setImmediate);
  handoffs.answered({ type: 'accepted', id: 1 });
  expect(await first).toBeNull();
  const second = handoffs.take(candidate(8));
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff', 'endSession']);
  // The worker fails, and another serves in its place.
  sessions.removeWorker(0);
  handoffs.lost(0);
  requests.lost(0);
  expect((await second)?.code).toBe(LoginStatus.TARGET_ERROR);
  expect(kinds()).toEqual(['handoff', 'endSession']);
  expect(closed).toEqual([8]);
  expect(sessions.size).toBe(0);
});

test('a session that is given to a worker which has failed is refused as soon as that is known, and is counted with those that are lost', async () => {
  const { handoffs, sessions, closed, kinds } = stage();
  const taken = handoffs.take(candidate(7));
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff']);
  expect(sessions.removeWorker(0).lost).toHaveLength(1);
  handoffs.lost(0);
  expect((await taken)?.code).toBe(LoginStatus.TARGET_ERROR);
  expect(closed).toEqual([7]);
  expect(sessions.size).toBe(0);
});

test('a session whose last connection was to be replaced stays known until its worker has ended it', async () => {
  const { handoffs, sessions, closed, done, kinds } = stage();
  const first = handoffs.take(candidate(7));
  await new Promise(setImmediate);
  handoffs.answered({ type: 'accepted', id: 1 });
  expect(await first).toBeNull();
  const second = handoffs.take(candidate(8, 1));
  await new Promise(setImmediate);
  done();
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff', 'endConnection', 'handoff']);
  handoffs.answered({ type: 'refused', id: 2, reason: RefusalReason.memory, detail: '' });
  expect((await second)?.code).toBe(LoginStatus.OUT_OF_RESOURCES);
  await new Promise(setImmediate);
  expect(closed).toEqual([8]);
  // A session in its place has to wait for its tasks.
  expect(kinds().at(-1)).toBe('endSession');
  expect(sessions.findByIdentity(IDENTITY)?.tsih).toBe(1);
  done();
  await new Promise(setImmediate);
  expect(sessions.size).toBe(0);
});

test('a hand-off that cannot be sent leaves nothing behind, and its worker is given others', async () => {
  const { handoffs, sessions, closed, later, kinds } = stage(
    (message) => message.type === 'handoff' && message.id === 1,
  );
  await expect(handoffs.take(candidate(7))).rejects.toThrow('too long');
  expect(closed).toEqual([7]);
  expect(sessions.size).toBe(0);
  // Nobody waits for an answer to it: the worker does not owe one.
  later();
  const second = handoffs.take(candidate(8));
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff']);
  handoffs.answered({ type: 'accepted', id: 2 });
  expect(await second).toBeNull();
  expect(closed).toEqual([7]);
});

test.each(['accepted', 'refused'] as const)(
  'a hand-off that its worker answers too late is taken back, and the descriptor is whose the answer says: %s',
  async (type) => {
    const { handoffs, sessions, begun, closed, later, kinds } = stage();
    const first = handoffs.take(candidate(7));
    await new Promise(setImmediate);
    later();
    expect((await first)?.code).toBe(LoginStatus.TARGET_ERROR);
    expect(sessions.size).toBe(0);
    // Should the worker take it yet, it lets go of it again; until it answers the number stays taken, and it is given nobody else.
    expect([kinds(), closed]).toEqual([['handoff', 'endConnection'], []]);
    expect((await handoffs.take(candidate(8)))?.code).toBe(LoginStatus.TARGET_ERROR);
    expect(closed).toEqual([8]);
    handoffs.answered(
      type === 'accepted' ? { type, id: 1 } : { type, id: 1, reason: RefusalReason.memory, detail: '' },
    );
    expect(closed).toEqual(type === 'accepted' ? [8] : [8, 7]);
    expect(begun).toEqual([]);
    const next = handoffs.take(candidate(9));
    await new Promise(setImmediate);
    handoffs.answered({ type: 'accepted', id: 2 });
    expect(await next).toBeNull();
    expect([...sessions.all()].map(({ tsih }) => tsih)).toEqual(begun);
  },
);

test('a connection joins the session that it named, and neither the one in its place nor one of its own', async () => {
  const { handoffs, sessions, closed, done, kinds } = stage();
  for (const fd of [7, 8]) {
    const leading = handoffs.take(candidate(fd));
    await new Promise(setImmediate);
    if (fd === 8) done();
    await new Promise(setImmediate);
    handoffs.answered({ type: 'accepted', id: fd - 6 });
    expect(await leading).toBeNull();
  }
  expect(sessions.findByIdentity(IDENTITY)?.tsih).toBe(2);
  expect((await handoffs.take(candidate(9, 1)))?.code).toBe(LoginStatus.SESSION_DOES_NOT_EXIST);
  sessions.remove(2, 'over');
  expect((await handoffs.take(candidate(10, 2)))?.code).toBe(LoginStatus.SESSION_DOES_NOT_EXIST);
  expect(closed).toEqual([9, 10]);
  expect(kinds()).toEqual(['handoff', 'endSession', 'handoff']);
  expect(sessions.size).toBe(0);
});

test('a login that waits for the end of a session leaves the books when its time is over, and the next one waits for the same end', async () => {
  const { handoffs, sessions, requests, closed, kinds } = stage();
  const first = handoffs.take(candidate(7));
  await new Promise(setImmediate);
  handoffs.answered({ type: 'accepted', id: 1 });
  expect(await first).toBeNull();
  const stuck = { worker: 0, request: 1 };
  let giveUp = (): void => {};
  const second = handoffs.take(candidate(8, 0, new Promise((resolve) => (giveUp = resolve))));
  // It comes before the second has been given up, and finds that one's session in its place.
  const third = handoffs.take(candidate(9));
  await new Promise(setImmediate);
  expect(sessions.countOf(IDENTITY.targetName)).toEqual({ sessions: 3, connections: 3 });
  giveUp();
  expect((await second)?.code).toBe(LoginStatus.TARGET_ERROR);
  expect(closed).toEqual([8]);
  expect(sessions.countOf(IDENTITY.targetName)).toEqual({ sessions: 2, connections: 2 });
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff', 'endSession']);
  requests.done(stuck.worker, stuck.request);
  await new Promise(setImmediate);
  requests.done(0, 2);
  await new Promise(setImmediate);
  // The worker knows no session of the second.
  expect(kinds()).toEqual(['handoff', 'endSession', 'endSession', 'handoff']);
  handoffs.answered({ type: 'accepted', id: 3 });
  expect(await third).toBeNull();
  expect(sessions.countOf(IDENTITY.targetName)).toEqual({ sessions: 1, connections: 1 });
});

test('one that joins a session is not given up: its worker waits for it', async () => {
  const { handoffs, closed, done, kinds } = stage();
  const first = handoffs.take(candidate(7));
  await new Promise(setImmediate);
  handoffs.answered({ type: 'accepted', id: 1 });
  expect(await first).toBeNull();
  const second = handoffs.take(candidate(8, 1, Promise.resolve()));
  await new Promise(setImmediate);
  expect(closed).toEqual([]);
  done();
  await new Promise(setImmediate);
  expect(kinds()).toEqual(['handoff', 'endConnection', 'handoff']);
  handoffs.answered({ type: 'accepted', id: 2 });
  expect(await second).toBeNull();
});

test('the worker waits no more for one of several connections that was to be replaced, and its session stays known until it has said so', async () => {
  const { handoffs, endings, sessions, closed, sent, done } = stage(
    (message) => message.type === 'handoff' && message.id === 3,
  );
  for (const cid of [1, 2]) {
    const taken = handoffs.take(candidate(6 + cid, cid - 1, NEVER, cid));
    await new Promise(setImmediate);
    handoffs.answered({ type: 'accepted', id: cid });
    expect(await taken).toBeNull();
  }
  const third = handoffs.take(candidate(9, 1, NEVER, 2));
  await new Promise(setImmediate);
  expect(sent.at(-1)).toMatchObject({ type: 'endConnection', cid: 2, replaced: true });
  done();
  await expect(third).rejects.toThrow('too long');
  expect(closed).toEqual([9]);
  expect(sent.at(-1)).toMatchObject({ type: 'endConnection', cid: 2, replaced: false });
  const [entry] = sessions.all();
  expect([...entry!.connections.keys()]).toEqual([1, 2]);
  done();
  await new Promise(setImmediate);
  expect([...entry!.connections.keys()]).toEqual([1]);
  // The worker keeps the tasks of the one that was to be replaced.
  endings.connectionEnded(1, 1, 1, false, 'over');
  expect(sessions.findByIdentity(IDENTITY)).toBe(entry);
  endings.connectionEnded(1, 2, 2, true, 'over');
  expect(sessions.size).toBe(0);
});
