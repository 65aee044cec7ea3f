// Where sessions begin: many at once spread, and busy ones are kept apart.

import { describe, expect, test } from 'vitest';
import { type SessionEntry, Sessions } from '../../src/control/sessions.ts';
import { WorkerLoad } from '../../src/control/worker-load.ts';
import { Figure } from '../../src/ring/figures.ts';

const WORKERS = [0, 1, 2];

class World {
  readonly sessions = new Sessions();
  nowMs = 0;
  readonly load = new WorkerLoad(this.sessions, () => this.nowMs);

  /** A session of `connections` connections. */
  begin(worker: number, connections = 1): SessionEntry {
    const tsih = this.sessions.nextTsih()!;
    const entry = {
      tsih,
      worker,
      identity: {
        initiatorName: `iqn.2026-11.test:${tsih}`,
        isid: '',
        targetName: 'iqn.2026-11.test:t',
        portalGroupTag: 1,
      },
      connections: new Map(Array.from({ length: connections }, (_, cid) => [cid, {}])),
      figures: this.sessions.figures.open(),
    } as unknown as SessionEntry;
    this.sessions.add(entry);
    return entry;
  }

  /** It has done `commands` commands more. */
  work(entry: SessionEntry, commands: number): void {
    this.sessions.figures.block(0, entry.figures)[Figure.reads]! += commands;
  }

  least(workers: readonly number[] = WORKERS): number | undefined {
    return this.load.least(workers);
  }
}

describe('the worker with least to do', () => {
  test('is nobody where nobody is asked', () => {
    expect(new World().least([])).toBeUndefined();
  });

  test('has the fewest connections, while nothing is done', () => {
    const world = new World();
    world.begin(0, 2);
    world.begin(1);
    world.begin(2, 3);
    expect(world.least()).toBe(1);
    expect(world.least([0, 2])).toBe(0);
  });

  test('many logins at once come out even', () => {
    const world = new World();
    for (let count = 0; count < 30; count++) world.begin(world.least()!);
    const workers = [...world.sessions.all()].map(({ worker }) => worker);
    for (const worker of WORKERS) expect(workers.filter((each) => each === worker)).toHaveLength(10);
  });

  test('is not the one that works, though it has fewer connections', () => {
    const world = new World();
    const busy = world.begin(0);
    for (let count = 0; count < 2; count++) world.begin(1);
    for (let count = 0; count < 2; count++) world.begin(2);
    expect(world.least()).toBe(0);
    world.work(busy, 100_000);
    expect(world.least()).toBe(1);
  });

  test('a few commands, as after a login, make nobody busy', () => {
    const world = new World();
    for (let count = 0; count < 30; count++) world.work(world.begin(world.least()!), count % 7);
    const workers = [...world.sessions.all()].map(({ worker }) => worker);
    for (const worker of WORKERS) expect(workers.filter((each) => each === worker)).toHaveLength(10);
  });

  test('what was done long ago counts for nothing', () => {
    const world = new World();
    const once = world.begin(0);
    world.begin(1, 2);
    world.begin(2, 2);
    world.work(once, 100_000);
    // Two logins, each more than a window after the one before: from then on only what came since the first of them counts.
    for (let count = 0; count < 2; count++) {
      world.nowMs += 20_000;
      world.least();
    }
    expect(world.least()).toBe(0);
  });

  test('a session that is not counted weighs as its connections do', () => {
    const world = new World();
    const entry = { ...world.begin(0), figures: -1 };
    world.sessions.remove(entry.tsih, 'over');
    world.sessions.add(entry);
    expect(world.least()).toBe(1);
  });
});
