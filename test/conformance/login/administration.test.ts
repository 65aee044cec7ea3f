// What an operator does to a running target: who logs in next is told, and who is logged in goes on or is ended, as he says.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { AsyncEvent, AsyncMessage } from '../../../src/pdu/async-message.ts';
import { ReservationType, ReserveAction } from '../../../src/ring/reservations.ts';
import { SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read16, testUnitReady, write16 } from '../../support/cdbs.ts';
import { admitted, loginStatus, tryLogin } from '../../support/login-attempt.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME } from '../../support/target-process.ts';
import { fileOf, targetOf } from '../login-status/serve.ts';

const OTHER = `${TARGET_NAME}-other`;

/** PERSISTENT RESERVE OUT, write exclusive. */
function reserveOut(action: ReserveAction): Buffer {
  return Buffer.from([0x5f, action, ReservationType.WRITE_EXCLUSIVE, 0, 0, 0, 0, 0, 24, 0]);
}

let target: TargetInProcess;
beforeEach(async () => {
  const targets = [targetOf({ alias: 'the first', maxConnections: 2 }), targetOf({ name: OTHER })];
  target = await TargetInProcess.start(fileOf({}, { targets, tuning: { workers: 2 } }));
});
afterEach(() => target[Symbol.asyncDispose]());

test('sessions are listed with all that was agreed on', async () => {
  const leader = await admitted(target.port, {
    keys: { MaxConnections: '2', MaxBurstLength: '65536', FirstBurstLength: '65536' },
  });
  const second = await admitted(target.port, { session: leader.session, cid: 2 });
  const { initiatorName, isid, tsih } = leader.session;
  expect(target.administration.sessions()).toEqual([
    {
      tsih,
      initiatorName,
      isid: Buffer.from(isid).toString('hex'),
      targetName: TARGET_NAME,
      portalGroupTag: 1,
      sessionType: 'Normal',
      initiatorAlias: '',
      worker: expect.toSatisfy((worker) => worker === 0 || worker === 1),
      since: expect.any(Date),
      parameters: expect.objectContaining({ maxConnections: 2, maxBurstLength: 65536 }),
      figures: expect.objectContaining({ reads: 0, writes: 0, inFlight: 0 }),
      connections: [1, 2].map((cid) => expect.objectContaining({ cid, peerAddress: '127.0.0.1' })),
    },
  ]);
  expect(target.administration.targets()).toMatchObject([
    { name: TARGET_NAME, alias: 'the first', state: 'online', redirect: null, sessions: 1, connections: 2 },
    { name: OTHER, sessions: 0, connections: 0 },
  ]);
  await second.ping();
  await leader.logOut();
  expect(target.administration.sessions()).toEqual([]);
});

test('sessions are spread over the workers, however fast they come', async () => {
  const initiators = await Promise.all(Array.from({ length: 16 }, () => admitted(target.port)));
  const load = [0, 1].map((index) => target.administration.sessions().filter(({ worker }) => worker === index).length);
  expect(load).toEqual([8, 8]);
  for (const initiator of initiators) await initiator.logOut();
});

test('a session is ended, and its initiator may come again', async () => {
  const ended = await admitted(target.port);
  const other = await admitted(target.port);
  expect(await target.administration.endSession(ended.session.tsih)).toBe(true);
  // §11.9.1: it is told before.
  expect((await ended.expect(AsyncMessage)).asyncEvent).toBe(AsyncEvent.SESSION_DROP);
  await ended.expectClose();
  expect(await target.administration.endSession(ended.session.tsih)).toBe(false);
  await other.ping();
  expect(await loginStatus(target.port)).toBe('0000');
  await other.logOut();
});

test('a discovery session is ended as well', async () => {
  const discovery = await admitted(target.port, { sessionType: 'Discovery' });
  expect(target.administration.sessions()).toMatchObject([{ sessionType: 'Discovery', targetName: '', worker: -1 }]);
  expect(await target.administration.endSession(discovery.session.tsih)).toBe(true);
  await discovery.expectClose();
  expect(target.administration.sessions()).toEqual([]);
});

test('a redirect is set and cleared, and concerns the logins to come', async () => {
  const session = await admitted(target.port);
  expect(target.administration.setRedirect(TARGET_NAME, { address: '192.0.2.7,3', permanent: false })).toBe(true);
  const { status, keys } = await tryLogin(target.port);
  expect([status, keys.get('TargetAddress')]).toEqual(['0101', '192.0.2.7:3260']);
  target.administration.setRedirect(TARGET_NAME, { address: 'san.example.com:3261', permanent: true });
  expect(await loginStatus(target.port)).toBe('0102');
  await session.ping();
  expect(target.administration.setRedirect(TARGET_NAME, null)).toBe(true);
  expect(await loginStatus(target.port)).toBe('0000');
  expect(target.administration.setRedirect(`${OTHER}x`, null)).toBe(false);
  await session.logOut();
});

test('a target is removed under I/O, and its neighbour does not notice', async () => {
  const own = await admitted(target.port);
  const other = await admitted(target.port, { target: OTHER });
  const work = async (rounds: number): Promise<void> => {
    for (let round = 1; round <= rounds; round++) {
      const data = Buffer.alloc(4096, round);
      expect(await other.command(write16(0, 8), { write: data })).toMatchObject({ status: 0 });
      expect((await other.command(read16(0, 8), { read: 4096 })).data.equals(data)).toBe(true);
    }
  };
  const lost = (async () => {
    for (;;) await own.command(write16(0, 8), { write: Buffer.alloc(4096) });
  })();
  const [, removed] = await Promise.all([
    work(50),
    target.administration.removeTarget(TARGET_NAME),
    expect(lost).rejects.toThrow('Asynchronous Message'),
  ]);
  expect(removed).toBe(true);
  expect(await loginStatus(target.port)).toBe('0204');
  await work(5);
  await other.logOut();
});

test('a unit that was taken out is put back: its content, its reservation, and a word of it to those who address it', async () => {
  const owner = await admitted(target.port);
  const other = await admitted(target.port);
  const data = Buffer.alloc(4096, 0x5a);
  expect(await owner.command(write16(0, 8), { write: data })).toMatchObject({ status: Status.GOOD });
  const key = Buffer.alloc(8, 1);
  const register = Buffer.concat([Buffer.alloc(8), key, Buffer.alloc(8)]);
  const reserve = Buffer.concat([key, Buffer.alloc(16)]);
  expect(await owner.command(reserveOut(ReserveAction.REGISTER), { write: register })).toMatchObject({ status: 0 });
  expect(await owner.command(reserveOut(ReserveAction.RESERVE), { write: reserve })).toMatchObject({ status: 0 });
  const withdrawal = await target.administration.withdrawUnit(TARGET_NAME, 0);
  expect((await owner.command(read16(0, 8), { read: 4096 })).sense).toMatchObject({ key: SenseKey.ILLEGAL_REQUEST });
  await withdrawal!.restore();
  for (const initiator of [owner, other]) {
    expect((await initiator.command(testUnitReady())).sense).toMatchObject({ key: SenseKey.UNIT_ATTENTION });
  }
  expect((await owner.command(read16(0, 8), { read: 4096 })).data.equals(data)).toBe(true);
  expect(await other.command(write16(0, 8), { write: data })).toMatchObject({ status: Status.RESERVATION_CONFLICT });
  await owner.logOut();
  await other.logOut();
});
