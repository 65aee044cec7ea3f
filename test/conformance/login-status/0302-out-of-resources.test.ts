// 0302: something that the connection needs is used up. Where it is given back, the next login succeeds.

import { describe, expect, test, vi } from 'vitest';
import { PENDING_LOGINS_MAX } from '../../../src/control/admittance.ts';
import { admitted, knock, loginStatus, namesAnd, takeSteps } from '../../support/login-attempt.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { fileOf, serve, targetOf } from './serve.ts';

const prove = casesOf('0302');
const ROOMY = { sessionLimit: 4096, connectionLimit: 4096 };
/** Sessions wait for long while others log in: none is asked for a sign of life, and no login is over before its time. */
const PATIENT = { nopIntervalMs: 0, loginTimeoutMs: 300_000 };
/** What was given back is free a moment after the initiator has heard that it is out. */
const A_MOMENT = { timeout: 20_000, interval: 100 };

/** Opens sessions until one is refused: those that are open, and the status of that one. */
async function openAll(port: number, most: number): Promise<{ initiators: RawInitiator[]; status: string }> {
  const initiators: RawInitiator[] = [];
  while (initiators.length < most) {
    const initiator = await knock(port);
    const { status } = await initiator.login();
    if (status !== 0) {
      initiator[Symbol.dispose]();
      break;
    }
    initiators.push(initiator);
  }
  return { initiators, status: await loginStatus(port) };
}

prove('a sessionLimit of 1, and two ISIDs', async () => {
  const other = `${TARGET_NAME}-other`;
  await using target = await serve({}, { targets: [targetOf({ sessionLimit: 1 }), targetOf({ name: other })] });
  const first = await admitted(target.port);
  expect(await loginStatus(target.port)).toBe('0302');
  expect(await loginStatus(target.port, { target: other })).toBe('0000');
  // The same ISID takes the place of the session that has it.
  const { isid } = first.session;
  const second = await admitted(target.port, { isid });
  await first.expectClose();
  await second.logOut();
  expect(await loginStatus(target.port)).toBe('0000');
});

prove(
  'I/O memory of the worker is used up',
  async () => {
    await using target = await serve(ROOMY, { tuning: { ...PATIENT, slabMiB: 8, queueDepth: 1 } });
    const { initiators, status } = await openAll(target.port, 2000);
    expect(status).toBe('0302');
    await initiators.shift()!.logOut();
    initiators.push(await vi.waitFor(() => admitted(target.port), A_MOMENT));
    for (const initiator of initiators) initiator[Symbol.dispose]();
  },
  120_000,
);

prove('descriptors are exhausted', async () => {
  await using target = await TargetProcess.start(fileOf(ROOMY, { tuning: PATIENT }), { descriptors: 256 });
  const { initiators, status } = await openAll(target.port, 256);
  expect(status).toBe('0302');
  await target.logged(/"received":"hardly a descriptor is left"/);
  await initiators.shift()!.logOut();
  initiators.push(await vi.waitFor(() => admitted(target.port), A_MOMENT));
  expect(await loginStatus(target.port)).toBe('0302');
  for (const initiator of initiators) await initiator.ping();
  for (const initiator of initiators) await initiator.logOut();
});

prove(
  'logins under way are too many',
  async () => {
    await using target = await serve({}, { tuning: PATIENT });
    const pending: RawInitiator[] = [];
    while (pending.length < PENDING_LOGINS_MAX) {
      const initiator = await knock(target.port);
      expect(await takeSteps(initiator, [{ stage: 0, next: 1, pairs: namesAnd() }])).toBe('0000');
      pending.push(initiator);
    }
    expect(await loginStatus(target.port)).toBe('0302');
    // Who was let in is not sent away for it.
    expect(await takeSteps(pending.pop()!, [{ stage: 1, next: 3 }])).toBe('0000');
    expect(await loginStatus(target.port)).toBe('0000');
    for (const initiator of pending) initiator[Symbol.dispose]();
  },
  120_000,
);

describe('beside them', () => {
  test('discovery sessions use nothing up: when another begins, the one that was silent for longest goes', async () => {
    await using target = await TargetProcess.start(fileOf({}, { tuning: PATIENT }), { descriptors: 160 });
    const idle: RawInitiator[] = [];
    const talkative = await admitted(target.port, { sessionType: 'Discovery' });
    const ask = async () => expect((await talkative.text({ SendTargets: 'All' }))?.get('TargetName')).toBe(TARGET_NAME);
    while (idle.length < 160) {
      idle.push(await admitted(target.port, { sessionType: 'Discovery' }));
      if (idle.length % 20 === 0) await ask();
    }
    expect(await loginStatus(target.port)).toBe('0000');
    await idle[0]!.expectClose();
    await ask();
    await talkative.logOut();
    for (const initiator of idle) initiator[Symbol.dispose]();
  }, 120_000);

  test('silence uses nothing up: who says nothing makes room for who does', async () => {
    await using target = await serve();
    const silent: RawInitiator[] = [];
    while (silent.length < PENDING_LOGINS_MAX + 50) silent.push(await RawInitiator.connect(target.port));
    expect(await loginStatus(target.port)).toBe('0000');
    await silent[0]!.expectClose();
    for (const initiator of silent) initiator[Symbol.dispose]();
  }, 120_000);

  test('nor does it where descriptors are few, and sessions have most of them', async () => {
    const [descriptors, sessions] = [256, 128];
    await using target = await TargetProcess.start(fileOf(ROOMY, { tuning: PATIENT }), { descriptors });
    const { initiators } = await openAll(target.port, sessions);
    const silent: RawInitiator[] = [];
    while (silent.length < descriptors) silent.push(await RawInitiator.connect(target.port));
    expect(await loginStatus(target.port)).toBe('0000');
    for (const initiator of initiators) await initiator.logOut();
    for (const initiator of silent) initiator[Symbol.dispose]();
  }, 120_000);
});
