// What a worker finds out about looking before it sleeps, with a machine and initiators of the test's own making.

import { describe, expect, test } from 'vitest';
import { PollingTrials } from '../../src/engine/polling-trials.ts';
import { Counter, privateCounters } from '../../src/ring/counters.ts';

/** What one command takes, in microseconds. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

interface Load {
  readonly asleep: Cost;
  readonly awake: Cost;
  /** Commands that a worker which sleeps finds at a time; none: one. */
  readonly queue?: number;
}

/** Sleeping is dear, and initiators wait for each answer: as in a guest whose CPUs halt at once. */
const DEAR_SLEEP: Load = { asleep: { wall: 160, cpu: 68 }, awake: { wall: 60, cpu: 61 } };
/** Initiators have long queues: what looking saves of a sleep, it spends on waiting. */
const QUEUES: Load = { asleep: { wall: 13, cpu: 8 }, awake: { wall: 12, cpu: 11.5 }, queue: 5 };
/** Initiators have queues that are short: commands come sooner for no more CPU time. */
const SHORT_QUEUES: Load = { asleep: { wall: 30, cpu: 14 }, awake: { wall: 14, cpu: 13 }, queue: 4 };
/** A disk has the queue most of the time: commands come sooner, for half as much CPU time again. */
const DISK_QUEUES: Load = { asleep: { wall: 50, cpu: 20 }, awake: { wall: 35, cpu: 30 }, queue: 2 };
/** A sleep is cheap, and most of the time is the network's. */
const FAR_AWAY: Load = { asleep: { wall: 130, cpu: 15 }, awake: { wall: 120, cpu: 120 } };
/** Commands come a little sooner. */
const LITTLE_GAIN: Load = { asleep: { wall: 100, cpu: 50 }, awake: { wall: 85, cpu: 50 } };
/** Commands come much sooner, for as much more CPU time. */
const DEAR_LOOKING: Load = { asleep: { wall: 100, cpu: 24 }, awake: { wall: 45, cpu: 45 } };

/** A worker, and its time. */
class Machine {
  nowMs = 1000;
  cpuMs = 0;
  clockReadings = 0;
  /** It has served before. */
  readonly counters = privateCounters().fill(1e6, Counter.commands, Counter.commands + 1);
  readonly trials: PollingTrials;

  constructor() {
    const now = () => {
      this.clockReadings++;
      return this.nowMs;
    };
    this.trials = new PollingTrials({ now, cpu: () => this.cpuMs }, this.counters);
  }

  get polls(): boolean {
    return this.counters[Counter.polling] === 1;
  }

  /** Nothing is hot yet: how long commands take is no guide to the future. */
  cold(): this {
    this.counters[Counter.commands] = 0;
    return this;
  }

  /** Serves `load` for so many milliseconds, a command at a time. Says for how many of them it looked. */
  serve(load: Load, milliseconds: number): number {
    const endMs = this.nowMs + milliseconds;
    let looked = 0;
    while (this.nowMs < endMs) {
      const looks = this.trials.next();
      const { wall, cpu } = looks ? load.awake : load.asleep;
      this.nowMs += wall / 1000;
      this.cpuMs += cpu / 1000;
      if (looks) looked += wall / 1000;
      this.counters[Counter.commands]!++;
      this.counters[Counter.turns]! += looks ? 1 : 1 / (load.queue ?? 1);
    }
    return looked;
  }

  /** Nothing comes for so long but the tick of each second. */
  idle(milliseconds: number): void {
    for (const endMs = this.nowMs + milliseconds; this.nowMs < endMs; this.nowMs += 1000) this.trials.next();
  }
}

/** Within this a worker has tried, and decided. */
const ROUND_MS = 2100;

describe('a worker looks before it sleeps', () => {
  test('where sleeping costs as much, and commands come sooner', () => {
    const machine = new Machine();
    machine.serve(DEAR_SLEEP, ROUND_MS);
    expect(machine.polls).toBe(true);
    expect(machine.serve(DEAR_SLEEP, 20 * ROUND_MS) / (20 * ROUND_MS)).toBeGreaterThan(0.95);
  });

  test('and a disk that is slow to answer is no pause', () => {
    const machine = new Machine();
    machine.serve({ asleep: { wall: 1400, cpu: 130 }, awake: { wall: 1000, cpu: 150 } }, ROUND_MS + 300);
    expect(machine.polls).toBe(true);
  });

  test('where commands come sooner and initiators wait for each, for half as much CPU time again', () => {
    const machine = new Machine();
    machine.serve({ ...DISK_QUEUES, queue: 1 }, ROUND_MS);
    expect(machine.polls).toBe(true);
  });

  test('where initiators have queues, if that takes no more CPU time', () => {
    const machine = new Machine();
    machine.serve(SHORT_QUEUES, ROUND_MS);
    expect(machine.polls).toBe(true);
    machine.serve(DISK_QUEUES, 2 * ROUND_MS);
    expect(machine.polls).toBe(false);
  });

  test.each([
    ['where initiators have queues', QUEUES],
    ['where they have, and commands come sooner for more CPU time', DISK_QUEUES],
    ['where most of the time is not spent on waking', FAR_AWAY],
    ['for little gain', LITTLE_GAIN],
    ['for almost twice the CPU time', DEAR_LOOKING],
  ])('but not %s; then it tries for less than a fortieth of the time', (_where, load) => {
    const machine = new Machine();
    const looked = machine.serve(load, 20 * ROUND_MS);
    expect(machine.polls).toBe(false);
    expect(looked).toBeGreaterThan(0);
    expect(looked / (20 * ROUND_MS)).toBeLessThan(0.025);
  });

  test('until the load is another one', () => {
    const machine = new Machine();
    machine.serve(DEAR_SLEEP, ROUND_MS);
    machine.serve(QUEUES, 2 * ROUND_MS);
    expect(machine.polls).toBe(false);
    machine.serve(DEAR_SLEEP, 2 * ROUND_MS);
    expect(machine.polls).toBe(true);
  });

  test('for little gain as well, once it does', () => {
    const machine = new Machine();
    machine.serve(DEAR_SLEEP, ROUND_MS);
    machine.serve(LITTLE_GAIN, 10 * ROUND_MS);
    expect(machine.polls).toBe(true);
    machine.serve(DEAR_LOOKING, 10 * ROUND_MS);
    expect(machine.polls).toBe(true);
  });

  test('and a noisy moment, whenever it comes, changes nothing', () => {
    for (let afterMs = 0; afterMs < ROUND_MS; afterMs += 50) {
      const machine = new Machine();
      machine.serve(DEAR_SLEEP, 2 * ROUND_MS + afterMs);
      machine.serve(QUEUES, 120);
      expect(machine.polls, `${afterMs} ms`).toBe(true);
      machine.serve(DEAR_SLEEP, 300);
      expect(machine.polls, `${afterMs} ms`).toBe(true);
    }
  });

  test('soon, when it has just started and was slow at first', () => {
    const machine = new Machine().cold();
    machine.serve(LITTLE_GAIN, 600);
    expect(machine.polls).toBe(false);
    machine.serve(DEAR_SLEEP, 250);
    expect(machine.polls).toBe(true);
  });

  test('after a pause it judges by what it finds then', () => {
    const machine = new Machine();
    machine.serve(DEAR_SLEEP, 4 * ROUND_MS);
    machine.idle(60_000);
    machine.serve(QUEUES, 100);
    expect(machine.polls).toBe(false);
  });

  test('a login and a pause behind it do not keep it from trying', () => {
    const machine = new Machine();
    machine.idle(60_000);
    machine.serve(DEAR_SLEEP, 4);
    machine.nowMs += 300;
    machine.serve(DEAR_SLEEP, 250);
    expect(machine.polls).toBe(true);
  });

  test('nothing is decided from trials in which initiators paused', () => {
    const machine = new Machine();
    const pausing: Load = { asleep: { wall: 10_000, cpu: 50 }, awake: { wall: 3000, cpu: 50 } };
    machine.serve(DEAR_SLEEP, ROUND_MS);
    machine.serve(pausing, 10 * ROUND_MS);
    expect(machine.polls).toBe(false);
  });
});

test('waits are not delayed by clocks: of sixteen, one looks at it', () => {
  const machine = new Machine();
  const before = machine.clockReadings;
  for (let wait = 0; wait < 160; wait++) machine.trials.next();
  expect(machine.clockReadings - before).toBe(10);
});
