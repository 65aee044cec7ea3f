// The steady state of the data path allocates nothing that the garbage collector has to see: counted, over many commands, on the real
// session, SCSI and backend code. What a command costs in time is bench/micro/command.ts's.

import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { REPLAY_BYTES, ReplayBench } from '../support/replay-bench.ts';
import { SimLun } from '../support/session-bench.ts';

const COMMANDS_PER_TURN = 16;
/** Until the optimising compiler has seen everything. */
const WARM_UP_TURNS = 20_000;
const TURNS = 100_000 / COMMANDS_PER_TURN;
/** Numbers that V8 puts into boxes when they pass between functions that it did not join: a few for each command at most. */
const BYTES_PER_COMMAND_MAX = 64;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that `work` leaves on the heap, garbage included. Throws when a collection came between: then nobody knows. */
async function allocatedBy(work: () => void): Promise<number> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  collectGarbage();
  await new Promise((resolve) => setImmediate(resolve));
  observer.observe({ entryTypes: ['gc'] });
  const before = process.memoryUsage().heapUsed;
  work();
  const bytes = process.memoryUsage().heapUsed - before;
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  if (collections > 0)
    throw new Error(`${collections} collections of garbage: there was more than fits the young generation`);
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
    const sentBefore = bench.sentBytes;
    const bytes = await allocatedBy(() => run(TURNS));
    expect(bytes / (TURNS * COMMANDS_PER_TURN)).toBeLessThan(BYTES_PER_COMMAND_MAX);
    // It did the work: a header for each, and the data.
    const each = 48 + (direction === 'read' ? REPLAY_BYTES : 0);
    expect(bench.sentBytes - sentBefore).toBe(TURNS * COMMANDS_PER_TURN * each);
  });
});
