// The authority over reservations: every worker obeys before the one that asked hears, and no order waits for another's answer.

import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/control/catalog.ts';
import { Requests } from '../../src/control/requests.ts';
import { ReservationAuthority } from '../../src/control/reservation-authority.ts';
import { reservationPath } from '../../src/control/reservation-store.ts';
import { UnitStateAuthority } from '../../src/control/unit-state-authority.ts';
import type { Workers } from '../../src/control/workers.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import { type NexusName, ReservationType, ReserveAction, type ReserveOrder } from '../../src/ring/reservations.ts';
import type { StateChange } from '../../src/ring/unit-state.ts';
import { Scratch } from '../support/scratch.ts';

const UNIT = 3;
const TARGET = 'iqn.2026-11.io.lunaring:disk0';
const WORKERS = [0, 1];
const A: NexusName = { initiatorName: 'iqn.a', isid: '00023d000001', portalGroupTag: 1 };
const B: NexusName = { ...A, initiatorName: 'iqn.b' };
const key = (value: number): string => String(value).padStart(16, '0');

const order = (action: ReserveAction, nexus: NexusName, own: number, service: number): ReserveOrder => ({
  unit: UNIT,
  action,
  nexus,
  key: key(own),
  serviceActionKey: key(service),
  type: ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
  others: [],
  allTargetPorts: false,
  aptpl: false,
  moveTo: null,
  unregister: false,
});

/** Two workers that do what they are told when the test lets them. */
class Bench {
  readonly authority: ReservationAuthority;
  readonly #unitStates: UnitStateAuthority;
  /** What each worker was sent and has not looked at. */
  readonly #sent: ToWorker[][] = WORKERS.map(() => []);
  /** PRGENERATION as each worker knows it. */
  readonly #known = WORKERS.map(() => 0);
  /** How often each was replaced. */
  readonly #lives = WORKERS.map(() => 0);
  readonly #requests = new Requests();
  /** Results by the number of the request. */
  readonly results = new Map<number, string>();
  /** Requests of workers that have yet to end tasks. */
  readonly #aborting: [worker: number, request: number][] = [];
  #nextRequest = 1;

  /** `path`: how the unit's files begin; without one nothing is kept. */
  constructor(path: string | null = null) {
    const send = (worker: number, message: ToWorker): void => {
      this.#sent[worker]!.push(message);
    };
    const workers = {
      running: () => WORKERS,
      send,
      answering: (worker: number) => {
        const life = this.#lives[worker];
        return (message: ToWorker) => {
          if (this.#lives[worker] === life) send(worker, message);
        };
      },
    } as unknown as Workers;
    const unit = { id: UNIT, targetName: TARGET, statePath: path };
    const catalog = {
      units: [unit],
      unitsOf: (targetName: string) => (targetName === TARGET ? [unit] : []),
      unit: (id: number) => (id === UNIT ? unit : undefined),
      find: () => ({ settings: { portalGroups: [1] } }),
    } as unknown as Catalog;
    const log = pino({ level: 'silent' });
    this.#unitStates = new UnitStateAuthority(catalog, workers, this.#requests, log);
    this.authority = new ReservationAuthority(catalog, workers, this.#requests, this.#unitStates, log);
  }

  /** A command on `worker` gives an order; answers its number. */
  give(worker: number, given: ReserveOrder): number {
    const request = this.#nextRequest++;
    void this.authority.order(worker, request, given, this.#known[worker]!);
    return request;
  }

  /** A command on `worker` changes the unit's state; answers the number of its order. */
  change(worker: number, by: NexusName, change: StateChange): number {
    const request = this.#nextRequest++;
    void this.#unitStates.order(worker, request, { unit: UNIT, by, change });
    return request;
  }

  /** A worker takes what it was sent; tasks that it is to end stay until {@link tasksEnd}. */
  async look(worker: number): Promise<void> {
    for (const message of this.#sent[worker]!.splice(0)) {
      if (message.type === 'reserved' || message.type === 'stateChanged') {
        this.results.set(message.request, message.result);
      }
      if (message.type === 'unitState') this.#requests.done(worker, message.request);
      if (message.type !== 'reservation') continue;
      this.#known[worker] = message.state.generation;
      if (message.abort.length === 0) this.#requests.done(worker, message.request);
      else this.#aborting.push([worker, message.request]);
    }
    await turn();
  }

  /** A worker fails, and another takes its place. */
  async replace(worker: number): Promise<void> {
    this.#sent[worker] = [];
    this.#lives[worker]!++;
    this.#requests.lost(worker);
    await turn();
  }

  /** The workers look at all that they are sent. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) for (const worker of WORKERS) await this.look(worker);
  }

  /** The tasks that workers were to end have ended. */
  async tasksEnd(): Promise<void> {
    for (const [worker, request] of this.#aborting.splice(0)) this.#requests.done(worker, request);
    await turn();
    await this.settle();
  }

  /** Carries an order out, with nothing else under way. */
  async do(given: ReserveOrder): Promise<string | undefined> {
    const request = this.give(0, given);
    await this.settle();
    await this.tasksEnd();
    return this.results.get(request);
  }

  /** The initiators that are registered. */
  registered(): string[] {
    this.authority.tell(0, UNIT);
    const told = this.#sent[0]!.pop();
    if (told?.type !== 'reservation') throw new Error('nothing was told');
    return told.state.registrations.map(({ nexus }) => nexus.initiatorName);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function twoRegistered(): Promise<Bench> {
  const bench = new Bench();
  expect(await bench.do(order(ReserveAction.REGISTER, A, 0, 1))).toBe('good');
  expect(await bench.do(order(ReserveAction.REGISTER, B, 0, 2))).toBe('good');
  return bench;
}

describe('an order', () => {
  it('is answered when every worker obeys it', async () => {
    const bench = new Bench();
    const request = bench.give(0, order(ReserveAction.REGISTER, A, 0, 1));
    await bench.look(0);
    await bench.look(0);
    expect(bench.results.size).toBe(0);
    await bench.settle();
    expect(bench.results.get(request)).toBe('good');
  });

  it('is decided by what the one before it led to, and answered though that one has yet to be', async () => {
    const bench = await twoRegistered();
    const first = bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    const second = bench.give(1, order(ReserveAction.PREEMPT_AND_ABORT, B, 2, 1));
    await bench.settle();
    expect([bench.results.get(first), bench.results.get(second)]).toEqual([undefined, 'conflict']);
    await bench.tasksEnd();
    expect(bench.results.get(first)).toBe('good');
    expect(bench.registered()).toEqual([A.initiatorName]);
  });

  it.each([
    { name: 'REGISTER', action: ReserveAction.REGISTER, own: 0 },
    { name: 'REGISTER AND IGNORE EXISTING KEY', action: ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, own: 0 },
  ])('of a task that PREEMPT AND ABORT ends is not carried out after it: $name', async ({ action, own }) => {
    const bench = await twoRegistered();
    const fence = bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    // The worker has not heard of it when the task gives its order.
    const late = bench.give(1, order(action, B, own, 5));
    await bench.settle();
    expect(bench.results.has(late)).toBe(true);
    await bench.tasksEnd();
    expect(bench.results.get(fence)).toBe('good');
    expect(bench.registered()).toEqual([A.initiatorName]);
  });

  it('of a task that came after PREEMPT AND ABORT counts, though older tasks have yet to end', async () => {
    const bench = await twoRegistered();
    const fence = bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    await bench.settle();
    const anew = bench.give(1, order(ReserveAction.REGISTER, B, 0, 5));
    await bench.settle();
    expect([bench.results.get(anew), bench.results.get(fence)]).toEqual(['good', undefined]);
    expect(bench.registered()).toEqual([A.initiatorName, B.initiatorName]);
  });

  it('is not answered to the worker that has taken the place of the one that gave it', async () => {
    const bench = await twoRegistered();
    const fence = bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    await bench.look(1);
    await bench.replace(0);
    await bench.tasksEnd();
    expect(bench.results.has(fence)).toBe(false);
    expect(bench.registered()).toEqual([A.initiatorName]);
  });

  it('of others, a reset and the end of a session wait for no tasks that PREEMPT AND ABORT ends', async () => {
    const bench = await twoRegistered();
    const C: NexusName = { ...A, initiatorName: 'iqn.c' };
    await bench.do(order(ReserveAction.REGISTER, C, 0, 3));
    bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    let reset = false;
    void bench.authority.reset([UNIT]).then(() => {
      reset = true;
    });
    bench.authority.nexusLost(TARGET, B);
    const clear = bench.give(1, order(ReserveAction.CLEAR, C, 3, 0));
    await bench.settle();
    expect([bench.results.get(clear), reset]).toEqual(['good', true]);
  });
});

describe('PREVENT ALLOW MEDIUM REMOVAL', () => {
  it.each([
    ['PREEMPT AND ABORT', ReserveAction.PREEMPT_AND_ABORT, 'good'],
    ['PREEMPT', ReserveAction.PREEMPT, 'prevented'],
  ])('of who is preempted, after %s: the medium can be ejected or not', async (_name, action, ejected) => {
    const bench = await twoRegistered();
    bench.change(1, B, { kind: 'prevent' });
    await bench.settle();
    expect(await bench.do(order(action, A, 1, 2))).toBe('good');
    const eject = bench.change(0, A, { kind: 'eject' });
    await bench.settle();
    expect(bench.results.get(eject)).toBe(ejected);
  });

  it('of a task that PREEMPT AND ABORT ends goes with it, and that of others stays', async () => {
    const bench = await twoRegistered();
    const fence = bench.give(0, order(ReserveAction.PREEMPT_AND_ABORT, A, 1, 2));
    // The worker has not heard of it when the task gives its order.
    bench.change(1, B, { kind: 'prevent' });
    bench.change(0, A, { kind: 'prevent' });
    await bench.settle();
    await bench.tasksEnd();
    expect(bench.results.get(fence)).toBe('good');
    const held = bench.change(0, A, { kind: 'eject' });
    bench.change(0, A, { kind: 'allow' });
    const free = bench.change(0, A, { kind: 'eject' });
    await bench.settle();
    expect([bench.results.get(held), bench.results.get(free)]).toEqual(['prevented', 'good']);
  });
});

describe('what is to outlast a restart (APTPL)', () => {
  const lasting = (given: ReserveOrder): ReserveOrder => ({ ...given, aptpl: true });

  it('is kept before anybody hears, and there for the next process', async () => {
    using scratch = new Scratch('authority');
    const path = scratch.file('disk');
    const bench = new Bench(path);
    const request = bench.give(0, lasting(order(ReserveAction.REGISTER, A, 0, 1)));
    expect(existsSync(reservationPath(path))).toBe(true);
    await bench.settle();
    expect(bench.results.get(request)).toBe('good');
    expect(new Bench(path).registered()).toEqual([A.initiatorName]);
  });

  it('is kept anew with every change, whoever makes it', async () => {
    using scratch = new Scratch('authority');
    const path = scratch.file('disk');
    const bench = new Bench(path);
    await bench.do(order(ReserveAction.REGISTER, B, 0, 2));
    await bench.do(lasting(order(ReserveAction.REGISTER, A, 0, 1)));
    expect(new Bench(path).registered()).toEqual([B.initiatorName, A.initiatorName]);
    await bench.do(order(ReserveAction.PREEMPT, A, 1, 2));
    expect(new Bench(path).registered()).toEqual([A.initiatorName]);
  });

  it.each([
    ['whoever registers last wants nothing kept', order(ReserveAction.REGISTER, B, 0, 2)],
    ['nobody is registered any more', lasting(order(ReserveAction.REGISTER, A, 1, 0))],
    ['all is cleared', order(ReserveAction.CLEAR, A, 1, 0)],
  ])('is forgotten when %s', async (_when, last) => {
    using scratch = new Scratch('authority');
    const path = scratch.file('disk');
    const bench = new Bench(path);
    await bench.do(lasting(order(ReserveAction.REGISTER, A, 0, 1)));
    expect(await bench.do(last)).toBe('good');
    expect(new Bench(path).registered()).toEqual([]);
  });

  it('and can not be kept is refused, and nothing has changed', async () => {
    using scratch = new Scratch('authority');
    const path = scratch.file('disk');
    const bench = new Bench(path);
    // Nothing can take the place of a directory.
    mkdirSync(reservationPath(path));
    expect(await bench.do(lasting(order(ReserveAction.REGISTER, A, 0, 1)))).toBe('noResources');
    expect(bench.registered()).toEqual([]);
    rmdirSync(reservationPath(path));
    expect(await bench.do(lasting(order(ReserveAction.REGISTER, A, 0, 1)))).toBe('good');
    expect(bench.registered()).toEqual([A.initiatorName]);
  });
});
