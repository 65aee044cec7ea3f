// Commands that are over a limit: they wait in their order, start when it is their time, and go when they are aborted.
// The arithmetic is test/ring/meters.test.ts's.

import { describe, expect, it } from 'vitest';
import { Status, type Task } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const READ = '28 00 00000000 00 0001 00';
const WRITE = '2a 00 00000000 00 0001 00';
const TEST_UNIT_READY = '00 00 000000 00';
/** Ten a second, and one that was saved up. */
const LIMITS = { iops: 10, bandwidth: 0, burstMs: 10 };
const BLOCK = 512;

/** A unit that is limited. */
function limited(limits = LIMITS): ScsiBench {
  const bench = new ScsiBench({ kind: 'memory' });
  bench.unit.meter = bench.meters.open(limits);
  return bench;
}

/** Moves the clock, a millisecond at a time, and answers how many of `tasks` have ended then. */
function pass(bench: ScsiBench, milliseconds: number, tasks: readonly Task[]): number {
  for (let passed = 0; passed < milliseconds; passed++) {
    bench.engine.clock++;
    bench.engine.settle();
  }
  return tasks.filter(({ completed }) => completed).length;
}

function begin(bench: ScsiBench, count: number, cdb = READ): Task[] {
  return Array.from({ length: count }, () =>
    bench.begin(cdb, cdb === WRITE ? { data: Buffer.alloc(BLOCK) } : { expected: BLOCK }),
  );
}

describe('a unit with a limit', () => {
  it.each([READ, WRITE])('starts %s when it is within the limit, in the order of arrival', (cdb) => {
    const bench = limited();
    const tasks = begin(bench, 5, cdb);
    bench.engine.settle();
    expect(tasks.map(({ completed }) => completed)).toEqual([true, false, false, false, false]);
    for (let ended = 2; ended <= 5; ended++) {
      expect(pass(bench, 100, tasks)).toBe(ended);
      expect(tasks.map(({ completed }) => completed)).toEqual(tasks.map((_, index) => index < ended));
    }
    expect(tasks.every(({ status }) => status === Status.GOOD)).toBe(true);
    expect(bench.unit.taskCount).toBe(0);
  });

  it('lets everything else pass', () => {
    const bench = limited();
    begin(bench, 3);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
    expect(bench.run('12 00 00 0024 00', { expected: 36 }).status).toBe(Status.GOOD);
    expect(bench.run('25 00 00000000 0000 00 00', { expected: 8 }).status).toBe(Status.GOOD);
  });

  it('has an ORDERED command wait for those that wait, and those that follow for it', () => {
    const ORDERED = 2;
    const bench = limited();
    const before = begin(bench, 2);
    const ordered = bench.begin(TEST_UNIT_READY, { attribute: ORDERED });
    const after = bench.begin(TEST_UNIT_READY);
    bench.engine.settle();
    expect([ordered.completed, after.completed]).toEqual([false, false]);
    expect(pass(bench, 100, [...before, ordered, after])).toBe(4);
  });

  it('gives the turn of an aborted command to the next', () => {
    const bench = limited();
    const tasks = begin(bench, 4);
    bench.engine.settle();
    bench.processor.abort(tasks[1]!);
    expect(tasks[1]!.completed).toBe(true);
    expect(pass(bench, 100, [tasks[2]!])).toBe(1);
    bench.processor.abort(tasks[3]!);
    expect(pass(bench, 500, tasks)).toBe(4);
    expect(bench.unit.taskCount).toBe(0);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('holds up no other initiator by one that has a limit of its own', () => {
    const bench = new ScsiBench({ kind: 'memory' });
    bench.nexus.meter = bench.meters.open(LIMITS);
    const slow = begin(bench, 3);
    const other = bench.addNexus(2);
    const quick = Array.from({ length: 3 }, () => bench.begin(READ, { expected: BLOCK, nexus: other }));
    bench.engine.settle();
    expect(quick.every(({ completed }) => completed)).toBe(true);
    expect(slow.map(({ completed }) => completed)).toEqual([true, false, false]);
    expect(pass(bench, 200, slow)).toBe(3);
  });

  it('holds a command to the limits of unit and initiator, whichever is the stricter', () => {
    const bench = limited({ iops: 10, bandwidth: 0, burstMs: 10 });
    bench.nexus.meter = bench.meters.open({ iops: 0, bandwidth: 1280, burstMs: 10 });
    const tasks = begin(bench, 3);
    bench.engine.settle();
    // A block each 400 ms, of which 10 ms may be saved up.
    expect(pass(bench, 389, tasks)).toBe(1);
    expect(pass(bench, 2, tasks)).toBe(2);
    expect(pass(bench, 398, tasks)).toBe(2);
    expect(pass(bench, 2, tasks)).toBe(3);
  });

  it('sets no more alarms than there are that wait, however long they do', () => {
    const bench = limited({ iops: 40, bandwidth: 0, burstMs: 10 });
    const nexuses = [bench.nexus, bench.addNexus(2), bench.addNexus(3)];
    const tasks = nexuses.flatMap((nexus) =>
      Array.from({ length: 10 }, () => bench.begin(READ, { expected: BLOCK, nexus })),
    );
    let most = 0;
    for (let passed = 0; passed < 1000; passed++) {
      pass(bench, 1, tasks);
      most = Math.max(most, bench.engine.alarms.length);
    }
    expect(tasks.every(({ completed }) => completed)).toBe(true);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(nexuses.length);
  });

  it('takes over other limits for those that wait already', () => {
    const bench = limited({ iops: 10, bandwidth: 0, burstMs: 10 });
    const tasks = begin(bench, 6);
    bench.engine.settle();
    bench.meters.set(bench.unit.meter, { iops: 1000, bandwidth: 0, burstMs: 10 });
    bench.processor.pacer.review();
    expect(pass(bench, 6, tasks)).toBe(6);

    const more = begin(bench, 30);
    bench.engine.settle();
    expect(more.filter(({ completed }) => completed).length).toBeLessThan(30);
    bench.meters.close(bench.unit.meter);
    bench.unit.meter = -1;
    bench.processor.pacer.review();
    bench.engine.settle();
    expect(more.every(({ completed }) => completed)).toBe(true);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });
});
