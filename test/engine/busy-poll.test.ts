// When the engine looks and when it sleeps: a ring of the test's own tells which of the two it was asked for.

import { describe, expect, test } from 'vitest';
import { BusyPoll, busyPoll } from '../../src/engine/busy-poll.ts';
import type { PollingTrials } from '../../src/engine/polling-trials.ts';
import type { Uring } from '../../src/kernel/uring.ts';
import { Counter, privateCounters } from '../../src/ring/counters.ts';

/** Soon over, for looks in vain. */
const LIMIT_US = 20_000;
/** Not over before a look finds what it is to find, whoever else has the CPU meanwhile. */
const LONG_LIMIT_US = 60_000_000;
/** Over in a while, and longer than it takes to come back from a sleep of no time at all. */
const SLEEP_LIMIT_US = 1_000_000;

/** A ring whose completion is there at the `readyAt`th look, or only after a sleep. */
class FakeRing {
  /** Calls into the kernel that don't wait. */
  calls = 0;
  sleeps = 0;
  /** Glances at the ring's memory. */
  glances = 0;
  /** The glance that finds that a call would be worth it; 0: none. */
  beckonsAt = 0;
  /** The call that brings a completion; 0: none. */
  readyAt = 0;
  sleepMs = 0;

  get beckoning(): boolean {
    this.glances++;
    return this.beckonsAt !== 0 && this.glances >= this.beckonsAt;
  }

  get ready(): boolean {
    return this.readyAt !== 0 && this.calls >= this.readyAt;
  }

  enter(completions: number): void {
    if (completions === 0) {
      this.calls++;
      return;
    }
    this.sleeps++;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.sleepMs);
  }

  /** What one wait asked for. */
  during(poll: BusyPoll): { calls: number; glances: number; sleeps: number } {
    this.calls = 0;
    this.glances = 0;
    this.sleeps = 0;
    poll.wait();
    const { calls, glances, sleeps } = this;
    return { calls, glances, sleeps };
  }
}

function made(limitUs: number): { ring: FakeRing; poll: BusyPoll } {
  const ring = new FakeRing();
  return { ring, poll: new BusyPoll(ring as unknown as Uring, limitUs) };
}

describe('waiting', () => {
  test('without a limit it sleeps, and never looks', () => {
    const { ring, poll } = made(0);
    expect(ring.during(poll)).toEqual({ calls: 0, glances: 0, sleeps: 1 });
  });

  test('what is there when it hands its entries over is found without a look', () => {
    const { ring, poll } = made(LONG_LIMIT_US);
    ring.readyAt = 1;
    expect(ring.during(poll)).toEqual({ calls: 1, glances: 0, sleeps: 0 });
  });

  test('it looks at memory, calls the kernel when that says so, and then does not sleep', () => {
    const { ring, poll } = made(LONG_LIMIT_US);
    ring.readyAt = 2;
    ring.beckonsAt = 100;
    expect(ring.during(poll)).toEqual({ calls: 2, glances: 100, sleeps: 0 });
  });

  test('a call in vain does not end the looking', () => {
    const { ring, poll } = made(LONG_LIMIT_US);
    ring.readyAt = 3;
    ring.beckonsAt = 7;
    expect(ring.during(poll)).toEqual({ calls: 3, glances: 8, sleeps: 0 });
  });

  test('it sleeps when it has looked in vain, and at once the next time', () => {
    const { ring, poll } = made(LIMIT_US);
    const first = ring.during(poll);
    expect(first.glances).toBeGreaterThan(0);
    expect(first.sleeps).toBe(1);
    ring.sleepMs = (2 * LIMIT_US) / 1000;
    expect(ring.during(poll)).toEqual({ calls: 0, glances: 0, sleeps: 1 });
  });

  test('it looks again once a sleep was short', () => {
    const { ring, poll } = made(SLEEP_LIMIT_US);
    ring.during(poll);
    ring.during(poll);
    ring.readyAt = 1;
    expect(ring.during(poll)).toEqual({ calls: 1, glances: 0, sleeps: 0 });
  });

  test('trials have the say, where there are some', () => {
    const ring = new FakeRing();
    let pays = false;
    const trials = { next: () => pays } as PollingTrials;
    const poll = new BusyPoll(ring as unknown as Uring, LONG_LIMIT_US, trials);
    expect(ring.during(poll)).toEqual({ calls: 0, glances: 0, sleeps: 1 });
    pays = true;
    ring.readyAt = 2;
    ring.beckonsAt = 100;
    expect(ring.during(poll)).toEqual({ calls: 2, glances: 100, sleeps: 0 });
  });
});

describe('as configured', () => {
  test.each([
    { limitUs: 0, polling: 0 },
    { limitUs: 100, polling: 1 },
    { limitUs: 'auto' as const, polling: 0 },
  ])('$limitUs: the counters say so from the start', ({ limitUs, polling }) => {
    const counters = privateCounters();
    const poll = busyPoll(new FakeRing() as unknown as Uring, limitUs, counters);
    expect(counters[Counter.polling]).toBe(polling);
    expect(poll).toBeInstanceOf(BusyPoll);
  });
});
