// What a page is told of a second: differences to the second before, of whoever is there, and of the busiest alone when there are many.

import { describe, expect, it } from 'vitest';
import type { Readings } from '../../src/control/readings.ts';
import { LISTED_MAX, Sampler } from '../../src/metrics/sampler.ts';
import { COUNTERS_PER_BLOCK, Counter } from '../../src/ring/counters.ts';
import { Figure, privateFigures, sumFigures } from '../../src/ring/figures.ts';

const AT = Date.parse('2026-11-28T17:20:01Z');

/** A target whose units do what the test says. */
class World {
  readonly units = new Map<number, Float64Array>();
  readonly counters = new Float64Array(COUNTERS_PER_BLOCK);
  readonly readings: Readings;

  constructor(units: number) {
    for (let id = 0; id < units; id++) this.units.set(id, privateFigures());
    this.counters[Counter.threadId] = process.pid;
    const each = () => [...this.units].map(([id, figures]) => ({ id, figures: figures.slice() }));
    const about = {
      targetName: 'iqn.x:t',
      initiatorName: 'iqn.x:i',
      initiatorAlias: 'a',
      worker: 0,
      since: new Date(0),
    };
    const readings = {
      draining: false,
      refusalCount: 2,
      sessionCount: units,
      logins: new Map(),
      targets: () => [],
      units: () => each().map(({ id, figures }) => ({ id, targetName: 'iqn.x:t', lun: id, bytes: 512, figures })),
      sessions: () => each().map(({ id, figures }) => ({ ...about, tsih: id, peers: ['192.0.2.1:4'], figures })),
      workers: () => [{ worker: 0, running: true, restarts: 0, channel: { out: 0, in: 0 }, counters: this.counters }],
      unitTotals: () => [sumFigures(this.units.values())],
    } satisfies { [Name in keyof Readings]: unknown };
    this.readings = readings as unknown as Readings;
  }

  read(unit: number, count: number): void {
    const figures = this.units.get(unit)!;
    figures[Figure.reads]! += count;
    figures[Figure.bytesRead]! += count * 4096;
  }
}

describe('a sample', () => {
  it('tells what has come since the one before, of the whole and of each', () => {
    const world = new World(2);
    world.read(0, 1000);
    const sampler = new Sampler(world.readings, 0);
    world.read(0, 50);
    world.read(1, 10);
    const { total, refusalCount, units, sessions, workers } = sampler.sample(2001, AT);
    expect(refusalCount).toBe(2);
    expect(total).toMatchObject({ readIops: 30, readBytes: 30 * 4096 });
    expect(units.map(({ readIops }) => readIops)).toEqual([25, 5]);
    expect(sessions.map(({ readIops }) => readIops)).toEqual([25, 5]);
    expect(workers).toMatchObject([{ worker: 0, running: true, readIops: 30 }]);
    expect(workers[0]!.cpu).toBeGreaterThanOrEqual(0);
    expect(sampler.sample(3001, AT).total.readIops).toBe(0);
  });

  it('takes the time of day for a label, wherever it steps', () => {
    const world = new World(1);
    const sampler = new Sampler(world.readings, 0);
    for (const [second, at] of [AT, AT - 3_600_000, AT + 3_600_000].entries()) {
      world.read(0, 100);
      const status = sampler.sample(1001 + 1000 * second, at);
      expect(status).toMatchObject({ at, total: { readIops: 100 } });
      expect(status.workers[0]!.cpu).toBeLessThan(100);
    }
  });

  it('tells nothing of what was there before it was, and forgets what has gone', () => {
    const world = new World(1);
    const sampler = new Sampler(world.readings, 0);
    world.units.set(7, privateFigures());
    world.read(7, 100);
    expect(sampler.sample(1001, AT).units.map(({ readIops }) => readIops)).toEqual([0, 0]);
    world.read(7, 100);
    expect(sampler.sample(2001, AT).units[1]!.readIops).toBe(100);
    world.units.delete(7);
    expect(sampler.sample(3001, AT).units).toHaveLength(1);
  });

  it('lists the busiest when there are many', () => {
    const world = new World(LISTED_MAX + 50);
    const sampler = new Sampler(world.readings, 0);
    world.read(LISTED_MAX + 20, 9);
    const { units, unitCount, sessions } = sampler.sample(1001, AT);
    expect(unitCount).toBe(LISTED_MAX + 50);
    expect(units).toHaveLength(LISTED_MAX);
    expect(sessions).toHaveLength(LISTED_MAX);
    expect(units.some(({ lun }) => lun === LISTED_MAX + 20)).toBe(true);
  });

  it('goes on listing the same of many that are about as busy, until others are twice as busy', () => {
    const world = new World(LISTED_MAX + 50);
    const sampler = new Sampler(world.readings, 0);
    const all = [...world.units.keys()];
    const busy = all.slice(50);
    const second = (at: number, countOf: (unit: number) => number) => {
      for (const unit of all) world.read(unit, countOf(unit));
      const { units, sessions } = sampler.sample(at, AT);
      return [units.map(({ lun }) => lun), sessions.map(({ tsih }) => tsih)];
    };
    expect(second(1001, (unit) => (unit < 50 ? 40 : 100))).toEqual([busy, busy]);
    expect(second(2001, (unit) => (unit < 50 ? 190 : 100))).toEqual([busy, busy]);
    expect(second(3001, (unit) => (unit < 50 ? 210 : 100))[0]!.slice(0, 50)).toEqual(all.slice(0, 50));
  });

  it('lists what has commands and ends none before the busiest', () => {
    const world = new World(LISTED_MAX + 50);
    const sampler = new Sampler(world.readings, 0);
    for (let unit = 0; unit < LISTED_MAX + 20; unit++) world.read(unit, 1000);
    world.units.get(LISTED_MAX + 30)![Figure.inFlight] = 1;
    const { units, sessions, normalSessionCount } = sampler.sample(1001, AT);
    expect(units.some(({ lun }) => lun === LISTED_MAX + 30)).toBe(true);
    expect(sessions.some(({ tsih }) => tsih === LISTED_MAX + 30)).toBe(true);
    expect([sessions.length, normalSessionCount]).toEqual([LISTED_MAX, LISTED_MAX + 50]);
  });
});
