// The steady state of the data path allocates nothing that the garbage collector has to see: counted, over many commands, on the real
// session, SCSI and backend code. What a command costs in time is bench/micro/command.ts's.

import { PerformanceObserver, performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { REPLAY_BYTES, ReplayBench } from '../support/replay-bench.ts';
import { SimLun } from '../support/session-bench.ts';

const COMMANDS_PER_TURN = 16;
/** Until the optimising compiler has seen everything. */
const WARM_UP_TURNS = 20_000;
const TURNS = 100_000 / COMMANDS_PER_TURN;
/** The optimising compiler has threads of its own. While those wait for a CPU, code is not what it will be: it is looked at again then. */
const TRIES_MAX = 5;
/** Numbers that V8 puts into boxes when they pass between functions that it did not join: a few for each command at most. */
const BYTES_PER_COMMAND_MAX = 64;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that `work` leaves on the heap, garbage included. More than can be told when a collection came between: then nobody knows. */
async function allocatedBy(work: () => void): Promise<number> {
  const collections: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collections.push(startTime);
  });
  collectGarbage();
  await new Promise((resolve) => setImmediate(resolve));
  observer.observe({ entryTypes: ['gc'] });
  const from = performance.now();
  const before = process.memoryUsage().heapUsed;
  work();
  const bytes = process.memoryUsage().heapUsed - before;
  const until = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  // V8 may also collect before or after, of its own accord.
  return collections.some((start) => start >= from && start <= until) ? Number.POSITIVE_INFINITY : bytes;
}

/** As {@link allocatedBy}, once that is no more than `most`, or after the last try. */
async function settledAllocation(work: () => void, most: number): Promise<number> {
  let bytes = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES_MAX && bytes > most; tries++) bytes = await allocatedBy(work);
  return bytes;
}

describe.each([
  ['READ(10)', 'read', 'memory', SimLun.MEMORY],
  ['READ(10)', 'read', 'null', SimLun.NULL],
  ['WRITE(10)', 'write', 'null', SimLun.NULL],
] as const)('100,000 times %s of 4 KiB', (_command, direction, unit, lun) => {
  it(`on a ${unit} unit leaves next to nothing on the heap`, async () => {
    const bench = new ReplayBench(direction, lun, COMMANDS_PER_TURN);
    const run = (turns: number) => {
      for (let turn = 0; turn < turns; turn++) bench.turn();
    };
    run(WARM_UP_TURNS);
    const commands = TURNS * COMMANDS_PER_TURN;
    let sent = 0;
    const work = () => {
      const before = bench.sentBytes;
      run(TURNS);
      sent = bench.sentBytes - before;
    };
    const bytes = await settledAllocation(work, commands * BYTES_PER_COMMAND_MAX);
    expect(bytes / commands).toBeLessThan(BYTES_PER_COMMAND_MAX);
    // It did the work: a header for each, and the data.
    const each = 48 + (direction === 'read' ? REPLAY_BYTES : 0);
    expect(sent).toBe(commands * each);
  });
});
