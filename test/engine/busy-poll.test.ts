// When the engine looks and when it sleeps: a ring of the test's own tells which of the two it was asked for.

import { describe, expect, test } from 'vitest';
import { BusyPoll } from '../../src/engine/busy-poll.ts';
import type { Uring } from '../../src/kernel/uring.ts';

const LIMIT_US = 20_000;

/** A ring whose completion is there at the `readyAt`th look, or only after a sleep. */
class FakeRing {
  looks = 0;
  sleeps = 0;
  readyAt = 0;
  sleepMs = 0;

  get ready(): boolean {
    return this.readyAt !== 0 && this.looks >= this.readyAt;
  }

  enter(completions: number): void {
    if (completions === 0) {
      this.looks++;
      return;
    }
    this.sleeps++;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.sleepMs);
  }

  /** What one wait asked for. */
  during(poll: BusyPoll): { looks: number; sleeps: number } {
    this.looks = 0;
    this.sleeps = 0;
    poll.wait();
    return { looks: this.looks, sleeps: this.sleeps };
  }
}

function made(limitUs: number): { ring: FakeRing; poll: BusyPoll } {
  const ring = new FakeRing();
  return { ring, poll: new BusyPoll(ring as unknown as Uring, limitUs) };
}

describe('waiting', () => {
  test('without a limit it sleeps, and never looks', () => {
    const { ring, poll } = made(0);
    expect(ring.during(poll)).toEqual({ looks: 0, sleeps: 1 });
  });

  test('it looks until something is there, and then does not sleep', () => {
    const { ring, poll } = made(LIMIT_US);
    ring.readyAt = 3;
    expect(ring.during(poll)).toEqual({ looks: 3, sleeps: 0 });
  });

  test('it sleeps when it has looked in vain, and at once the next time', () => {
    const { ring, poll } = made(LIMIT_US);
    const first = ring.during(poll);
    expect(first.looks).toBeGreaterThan(0);
    expect(first.sleeps).toBe(1);
    ring.sleepMs = (2 * LIMIT_US) / 1000;
    expect(ring.during(poll)).toEqual({ looks: 0, sleeps: 1 });
  });

  test('it looks again once a sleep was short', () => {
    const { ring, poll } = made(LIMIT_US);
    ring.during(poll);
    ring.during(poll);
    ring.readyAt = 1;
    expect(ring.during(poll)).toEqual({ looks: 1, sleeps: 0 });
  });
});
