// One io_uring instance, in every mode: entries go in, completions come out, each once.
// What the engine makes of it is test/engine's.

import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Errno, KernelError } from '../../src/kernel/errno.ts';
import { PageMemory } from '../../src/kernel/memory.ts';
import { EntryFlag, Operation } from '../../src/kernel/sqe.ts';
import { Uring } from '../../src/kernel/uring.ts';
import type { UringMode } from '../../src/kernel/uring-setup.ts';
import { Scratch } from '../support/scratch.ts';

const MODES = ['DEFER_TASKRUN', 'COOP_TASKRUN', 'plain', 'SQPOLL'] as const;
const UNKNOWN_OPERATION = 250;

/** Keeps what it hears: user_data and result. */
class Recorder {
  readonly heard: [userLow: number, userHigh: number, result: number][] = [];
  readonly previewed: [userLow: number, userHigh: number][] = [];
  preview(userLow: number, userHigh: number): void {
    this.previewed.push([userLow, userHigh]);
  }
  complete(userLow: number, userHigh: number, result: number): void {
    this.heard.push([userLow, userHigh, result]);
  }
}

/** An operation that ends as it is submitted: a read from a descriptor that is none. */
function pushFailing(uring: Uring, index: number): void {
  uring.push(Operation.READ, -1, 0, 0, 0, 0, 0, index, index + 1000);
}

function openRings(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('io_uring');
    } catch {
      return false;
    }
  }).length;
}

describe.each(MODES)('a ring in mode %s', (mode) => {
  it('completes every entry once, with its user data', () => {
    const uring = new Uring(8, { mode });
    const recorder = new Recorder();
    expect(uring.mode.name).toBe(mode);
    // Several times around both rings, in batches of every size that fits.
    let index = 0;
    for (let batch = 1; batch <= 8; batch++) {
      for (let count = 0; count < batch; count++) pushFailing(uring, index++);
      expect([uring.pending, uring.inFlight]).toEqual([batch, batch]);
      uring.enter(batch);
      expect(uring.reap(recorder)).toBe(batch);
      // A thread of the kernel shows completions a moment before it says that it took their entries.
      uring.submit();
      expect([uring.pending, uring.inFlight]).toEqual([0, 0]);
    }
    expect(recorder.heard).toEqual(Array.from({ length: index }, (_, number) => [number, number + 1000, -Errno.EBADF]));
    uring.close();
  });

  it('submits by itself when its entries are used up, and loses no completion that overflows', () => {
    const uring = new Uring(8, { mode });
    const recorder = new Recorder();
    const count = 1000;
    for (let index = 0; index < count; index++) pushFailing(uring, index);
    while (uring.inFlight > 0) {
      uring.enter(1);
      uring.reap(recorder);
    }
    expect(recorder.heard.map(([userLow]) => userLow)).toEqual(Array.from({ length: count }, (_, index) => index));
    uring.close();
  });

  it('passes a completion on once, even if the handler throws', () => {
    const uring = new Uring(8, { mode });
    for (let index = 0; index < 3; index++) pushFailing(uring, index);
    uring.enter(3);
    const throwing = {
      preview: () => {},
      complete: () => {
        throw new Error('a fault of the handler');
      },
    };
    expect(() => uring.reap(throwing)).toThrow('a fault of the handler');
    const recorder = new Recorder();
    expect(uring.reap(recorder)).toBe(2);
    expect(recorder.heard.map(([userLow]) => userLow)).toEqual([1, 2]);
    expect(uring.inFlight).toBe(0);
    uring.close();
  });

  it('shows completions before they are reaped', () => {
    const uring = new Uring(8, { mode });
    const recorder = new Recorder();
    for (let index = 0; index < 3; index++) pushFailing(uring, index);
    uring.enter(3);
    uring.preview(recorder);
    uring.preview(recorder);
    expect(uring.reap(recorder)).toBe(3);
    const seen = recorder.heard.map(([userLow, userHigh]) => [userLow, userHigh]);
    expect(recorder.previewed).toEqual([...seen, ...seen]);
    uring.preview(recorder);
    expect(recorder.previewed).toHaveLength(6);
    uring.close();
  });

  it('is silent about successes that it was asked to be silent about, and about those only', () => {
    using scratch = new Scratch('uring');
    const fd = openSync(scratch.noise('file', 4096), 'r');
    const uring = new Uring(8, { mode });
    expect(uring.canSkipSuccess).toBe(true);
    const memory = new PageMemory(4096);
    const quietRead = Operation.READ | EntryFlag.CQE_SKIP_SUCCESS;
    const recorder = new Recorder();
    uring.push(quietRead, fd, 0, memory.address, 4096, 0, 0, 1, 0);
    uring.push(quietRead, -1, 0, memory.address, 4096, 0, 0, 2, 0);
    pushFailing(uring, 3);
    uring.enter(2);
    uring.reap(recorder);
    uring.skipped();
    expect(recorder.heard.map(([userLow]) => userLow)).toEqual([2, 3]);
    expect([uring.inFlight, uring.overflowed]).toEqual([0, false]);
    uring.close();
    closeSync(fd);
  });

  it('knows when completions overflow', () => {
    const uring = new Uring(8, { mode });
    for (let index = 0; index < 100; index++) {
      pushFailing(uring, index);
      if (index % 8 === 7) uring.submit();
    }
    expect(uring.overflowed).toBe(true);
    const recorder = new Recorder();
    while (uring.inFlight > 0) {
      uring.enter(1);
      uring.reap(recorder);
    }
    uring.enter(0);
    expect([recorder.heard.length, uring.overflowed]).toEqual([100, false]);
    uring.close();
  });

  it('knows what the kernel supports', () => {
    const uring = new Uring(8, { mode });
    expect(uring.supports(Object.values(Operation))).toBe(true);
    expect(uring.supports([Operation.READ, UNKNOWN_OPERATION])).toBe(false);
    uring.close();
  });

  it('reads into a registered buffer, and not outside of it', () => {
    using scratch = new Scratch('uring');
    const fd = openSync(scratch.noise('file', 8192), 'r');
    const uring = new Uring(8, { mode });
    const memory = new PageMemory(8192);
    expect(uring.registerBuffers(memory.address, 4096)).toBe(0);
    const recorder = new Recorder();
    uring.push(Operation.READ_FIXED, fd, 0, memory.address, 4096, 0, 0, 1, 0);
    uring.push(Operation.READ_FIXED, fd, 0, memory.address + 4096, 4096, 0, 0, 2, 0);
    uring.enter(2);
    uring.reap(recorder);
    // A read that can't be answered at once ends after one that is refused.
    expect(recorder.heard.sort(([a], [b]) => a - b)).toEqual([
      [1, 0, 4096],
      [2, 0, -Errno.EFAULT],
    ]);
    uring.close();
    closeSync(fd);
  });
});

/** Linux 6.12 and later. */
function canWaitUnhurried(mode?: UringMode['name']): boolean {
  const uring = new Uring(8, { mode });
  const can = uring.canWaitUnhurried;
  uring.close();
  return can;
}

describe.runIf(canWaitUnhurried())('a wait that is in no hurry', () => {
  const MILLISECOND_US = 1000;

  /** A completion in so many milliseconds. */
  function pushTimeout(uring: Uring, page: PageMemory, milliseconds: number): void {
    page.words[2] = milliseconds * 1_000_000;
    uring.push(Operation.TIMEOUT, -1, 0, page.address, 1, 0, 0, 7, 7);
  }

  it.each(['DEFER_TASKRUN', 'COOP_TASKRUN', 'plain'] as const)(
    'is over with what it is for, or with less when its time is over, in mode %s',
    (mode) => {
      const uring = new Uring(8, { mode });
      const recorder = new Recorder();
      pushFailing(uring, 0);
      pushFailing(uring, 1);
      uring.enterUnhurried(2, MILLISECOND_US);
      expect(uring.reap(recorder)).toBe(2);
      pushFailing(uring, 2);
      uring.enterUnhurried(2, MILLISECOND_US);
      expect(uring.reap(recorder)).toBe(1);
      expect([uring.pending, uring.inFlight]).toEqual([0, 0]);
      uring.close();
    },
  );

  it('goes on until there is something', () => {
    const uring = new Uring(8);
    const recorder = new Recorder();
    const page = new PageMemory(16);
    pushTimeout(uring, page, 30);
    uring.enterUnhurried(2, MILLISECOND_US);
    uring.reap(recorder);
    expect(recorder.heard).toEqual([[7, 7, -Errno.ETIME]]);
    uring.close();
  });

  it('is not to be had from a thread of the kernel', () => {
    expect(canWaitUnhurried('SQPOLL')).toBe(false);
  });
});

describe('a ring that can’t be made', () => {
  it('is an error that names the call', () => {
    const make = (): Uring => new Uring(0);
    expect(make).toThrow(KernelError);
    expect(make).toThrow('io_uring_setup: EINVAL');
  });

  it('leaves no descriptor behind, made or not', () => {
    const before = openRings();
    for (let count = 0; count < 10; count++) new Uring(8).close();
    expect(openRings()).toBe(before);
  });
});
