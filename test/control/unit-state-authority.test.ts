// The authority over units' state: every worker knows before the one that asked hears, and nobody is told twice.

import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it, test } from 'vitest';
import { ISCSI_NAME_BYTES_MAX, SESSION_LIMIT_MAX } from '../../src/config/limits.ts';
import type { Catalog } from '../../src/control/catalog.ts';
import type { Requests } from '../../src/control/requests.ts';
import type { Supervisor } from '../../src/control/supervisor.ts';
import { UnitStateAuthority } from '../../src/control/unit-state-authority.ts';
import { allocateChannel, Channel } from '../../src/ring/channel.ts';
import type { ToWorker, UnitSnapshot } from '../../src/ring/messages.ts';
import { type NexusName, nexusKey } from '../../src/ring/reservations.ts';
import { FRESH_STATE } from '../../src/ring/unit-state.ts';
import { Scratch } from '../support/scratch.ts';

const UNIT = 3;
const TARGET = 'iqn.2026-11.io.lunaring:disk0';
const A: NexusName = { initiatorName: 'iqn.a', isid: '00023d000001', portalGroupTag: 1 };
const B: NexusName = { ...A, initiatorName: 'iqn.b' };

/** Two workers that apply what they are told when the test lets them. */
function rig(units: object[] = [{ id: UNIT, targetName: TARGET, statePath: null }]): {
  authority: UnitStateAuthority;
  /** The second worker fails, and another takes its place. */
  replace(): void;
  sent: { worker: number; message: ToWorker }[];
  apply(): Promise<void>;
} {
  const sent: { worker: number; message: ToWorker }[] = [];
  const waiting: (() => void)[] = [];
  let life = 0;
  const supervisor = {
    running: () => [0, 1],
    send: (worker: number, message: ToWorker) => sent.push({ worker, message }),
    answering: (worker: number) => {
      const asked = life;
      return (message: ToWorker) => asked === life && sent.push({ worker, message });
    },
  } as unknown as Supervisor;
  const requests = {
    ask: (workers: number[], send: (worker: number, request: number) => void) => {
      for (const worker of workers) send(worker, 1);
      return new Promise<void>((resolve) => waiting.push(resolve));
    },
  } as unknown as Requests;
  const known = units as { id: number; targetName: string }[];
  const unitsOf = (targetName: string) => known.filter((unit) => unit.targetName === targetName);
  const unit = (id: number) => known.find((each) => each.id === id);
  const catalog = { units, unitsOf, unit } as unknown as Catalog;
  return {
    authority: new UnitStateAuthority(catalog, supervisor, requests, pino({ level: 'silent' })),
    sent,
    replace: () => life++,
    apply: async () => {
      for (const resolve of waiting.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('an order', () => {
  it('is answered when every worker has applied it', async () => {
    const { authority, sent, apply } = rig();
    const answered = authority.order(1, 77, { unit: UNIT, by: A, change: { kind: 'eject' } });
    expect(sent.map(({ worker, message }) => [worker, message.type])).toEqual([
      [0, 'unitState'],
      [1, 'unitState'],
    ]);
    expect(sent[0]!.message).toMatchObject({ unit: UNIT, state: { loaded: false }, news: null, by: nexusKey(A) });
    await apply();
    await answered;
    expect(sent.at(-1)).toEqual({ worker: 1, message: { type: 'stateChanged', request: 77, result: 'good' } });
  });

  it('is not answered to the worker that has taken the place of the one that gave it', async () => {
    const { authority, sent, apply, replace } = rig();
    const answered = authority.order(1, 77, { unit: UNIT, by: A, change: { kind: 'eject' } });
    replace();
    await apply();
    await answered;
    expect(sent.map(({ message }) => message.type)).not.toContain('stateChanged');
  });

  it('that changes nothing is answered without asking anybody', async () => {
    const { authority, sent } = rig();
    await authority.order(0, 5, { unit: UNIT, by: A, change: { kind: 'load' } });
    expect(sent).toEqual([{ worker: 0, message: { type: 'stateChanged', request: 5, result: 'good' } }]);
  });

  it('is decided by what the one before it led to, applied or not', async () => {
    const { authority, sent, apply } = rig();
    const first = authority.order(0, 1, { unit: UNIT, by: A, change: { kind: 'prevent' } });
    const second = authority.order(1, 2, { unit: UNIT, by: B, change: { kind: 'eject' } });
    await apply();
    await Promise.all([first, second]);
    expect(sent.map(({ message }) => message)).toContainEqual({
      type: 'stateChanged',
      request: 2,
      result: 'prevented',
    });
  });
});

test('who holds a medium is told to no worker, be it thousands', async () => {
  const { authority, sent, apply } = rig();
  const initiatorName = `iqn.${'x'.repeat(ISCSI_NAME_BYTES_MAX - 4)}`;
  const preventers = Array.from({ length: SESSION_LIMIT_MAX }, (_, index) => ({
    ...A,
    initiatorName,
    portalGroupTag: index,
  }));
  authority.load({ id: UNIT, statePath: null } as UnitSnapshot, { ...FRESH_STATE, preventers });
  authority.tell(1, UNIT);
  const order = authority.order(0, 1, { unit: UNIT, by: A, change: { kind: 'prevent' } });
  await apply();
  await order;
  const { toWorker, fromWorker } = allocateChannel();
  const channel = new Channel<ToWorker, never>(toWorker, fromWorker, () => {});
  for (const { message } of sent) channel.send(message);
  expect(sent.map(({ message }) => message.type)).toEqual(['unitState', 'unitState', 'unitState', 'stateChanged']);
  await authority.order(0, 2, { unit: UNIT, by: A, change: { kind: 'eject' } });
  expect(sent.at(-1)!.message).toMatchObject({ type: 'stateChanged', result: 'prevented' });
});

describe('SANITIZE', () => {
  const occupy = { kind: 'occupy', condition: 'sanitizing', exitAllowed: true } as const;
  const stored = (path: string) => [{ id: UNIT, targetName: TARGET, statePath: path, backend: { kind: 'file' } }];

  it('that the end of the target cuts short has failed for the next', async () => {
    using scratch = new Scratch('unit-state');
    const path = scratch.file('disk');
    const { authority, apply } = rig(stored(path));
    void authority.order(1, 1, { unit: UNIT, by: A, change: occupy });
    const next = rig(stored(path));
    next.authority.tell(0, UNIT);
    expect(next.sent[0]!.message).toMatchObject({ state: { condition: 'sanitizeFailed', exitAllowed: true } });
    await apply();
    void authority.order(1, 2, { unit: UNIT, by: A, change: { kind: 'release', failed: false } });
    const last = rig(stored(path));
    last.authority.tell(0, UNIT);
    expect(last.sent).toEqual([]);
  });

  it('of what is in memory is not spoken of after the end: nothing is left to erase', async () => {
    using scratch = new Scratch('unit-state');
    const memory = [{ ...stored(scratch.file('unit'))[0]!, backend: { kind: 'memory' } }];
    const { authority, sent, apply } = rig(memory);
    const control = { kind: 'control', save: true, descriptorSense: true, writeProtected: false } as const;
    const saved = authority.order(1, 1, { unit: UNIT, by: A, change: control });
    await apply();
    await saved;
    void authority.order(1, 2, { unit: UNIT, by: A, change: occupy });
    expect(sent.at(-1)!.message).toMatchObject({ state: { condition: 'sanitizing' } });
    const next = rig(memory);
    next.authority.tell(0, UNIT);
    expect(next.sent[0]!.message).toMatchObject({ state: { condition: 'usable', descriptorSense: true } });
  });

  it('does not begin where the next could not know of it', async () => {
    using scratch = new Scratch('unit-state');
    const { authority, sent } = rig(stored(join(scratch.path, 'gone', 'disk')));
    await authority.order(1, 1, { unit: UNIT, by: A, change: occupy });
    expect(sent).toEqual([{ worker: 1, message: { type: 'stateChanged', request: 1, result: 'notSaved' } }]);
  });
});

describe('a worker that is lost', () => {
  const occupy = { kind: 'occupy', condition: 'sanitizing', exitAllowed: false } as const;

  it('leaves what it sanitized in pieces', async () => {
    const { authority, sent, apply } = rig();
    void authority.order(1, 1, { unit: UNIT, by: A, change: occupy });
    await apply();
    sent.length = 0;
    authority.workerLost(0);
    expect(sent).toEqual([]);
    authority.workerLost(1);
    expect(sent[0]!.message).toMatchObject({ type: 'unitState', state: { condition: 'sanitizeFailed' }, news: null });
    sent.length = 0;
    authority.workerLost(1);
    expect(sent).toEqual([]);
  });

  it('leaves what it had done with as it is', async () => {
    const { authority, sent, apply } = rig();
    void authority.order(1, 1, { unit: UNIT, by: A, change: occupy });
    void authority.order(0, 2, { unit: UNIT, by: B, change: occupy });
    void authority.order(1, 3, { unit: UNIT, by: A, change: { kind: 'release', failed: false } });
    await apply();
    sent.length = 0;
    authority.workerLost(0);
    authority.workerLost(1);
    expect(sent).toEqual([]);
  });
});

describe('a unit that is taken out', () => {
  it.each([
    ['sanitizing', 'sanitizeFailed'],
    ['formatting', 'usable'],
  ] as const)('while a command works on all of it, %s, comes back as that has left it: %s', async (condition, left) => {
    const { authority, apply, sent } = rig();
    void authority.order(1, 1, { unit: UNIT, by: A, change: { kind: 'occupy', condition, exitAllowed: false } });
    await apply();
    expect(authority.forget(UNIT)).toMatchObject({ condition: left });
    sent.length = 0;
    authority.workerLost(1);
    authority.tell(0, UNIT);
    expect(sent).toEqual([]);
  });
});

describe('what a nexus held', () => {
  it('is free when its session has ended', async () => {
    const { authority, sent, apply } = rig();
    void authority.order(0, 1, { unit: UNIT, by: A, change: { kind: 'prevent' } });
    await apply();
    sent.length = 0;
    authority.nexusLost('iqn.2026-11.io.lunaring:other', A);
    expect(sent).toEqual([]);
    authority.nexusLost(TARGET, A);
    expect(sent[0]!.message).toMatchObject({ type: 'unitState', state: { preventers: [] }, news: null });
  });

  it('is free after a reset, which waits for every worker to know', async () => {
    const { authority, apply } = rig();
    void authority.order(0, 1, { unit: UNIT, by: A, change: { kind: 'prevent' } });
    await apply();
    let done = false;
    const reset = authority.reset([UNIT]).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    await apply();
    await reset;
  });
});

describe('a worker that has just started', () => {
  it('learns of what is not as it was at first', async () => {
    const { authority, sent, apply } = rig();
    authority.tell(1, UNIT);
    expect(sent).toEqual([]);
    void authority.order(0, 1, { unit: UNIT, by: A, change: { kind: 'eject' } });
    await apply();
    sent.length = 0;
    authority.tell(1, UNIT);
    expect(sent.map(({ worker, message }) => [worker, message.type])).toEqual([[1, 'unitState']]);
  });
});
