// The turn of a unit's read-modify-write commands, between workers: each is the real thing, and main calls them as control/turn-calls.ts has it.

import { describe, expect, it } from 'vitest';
import { TurnCalls } from '../../src/control/turn-calls.ts';
import { Turns } from '../../src/ring/turns.ts';
import { Exclusion } from '../../src/scsi/exclusion.ts';
import { Task } from '../../src/scsi/task.ts';

const UNIT = 3;
const ROUNDS = 1000;

/** A worker whose commands for the unit take a round each. */
class Worker {
  readonly exclusion: Exclusion;
  /** Has the turn. */
  running: Task | null = null;
  ended = 0;

  constructor(index: number, turns: Turns, calls: TurnCalls, messages: (() => void)[]) {
    const want = (): void => void messages.push(() => calls.wanted(index, UNIT));
    this.exclusion = new Exclusion({
      take: () => {
        const taken = turns.take(UNIT, index);
        if (!taken) want();
        return taken;
      },
      want,
      give: () => {
        const wanted = turns.give(UNIT, index);
        if (wanted) messages.push(() => calls.freed(UNIT));
        return wanted;
      },
    });
  }

  begin(): void {
    const task = new Task();
    if (this.exclusion.enter(task)) this.running = task;
  }

  turnCame(): void {
    this.running = this.exclusion.turnCame() ?? this.running;
  }

  /** The command that has the turn ends, and its initiator sends the next. */
  play(): void {
    if (this.running === null) return;
    this.ended++;
    this.running = this.exclusion.leave(this.running);
    this.begin();
  }
}

/** How many commands each worker ends that has so many at a time. */
function play(depths: readonly number[]): number[] {
  const turns = Turns.create();
  const messages: (() => void)[] = [];
  const calls = new TurnCalls(turns, (worker) => messages.push(() => workers[worker]!.turnCame()));
  const workers = depths.map((_, index) => new Worker(index, turns, calls, messages));
  for (const [index, depth] of depths.entries()) for (let count = 0; count < depth; count++) workers[index]!.begin();
  for (let round = 0; round < ROUNDS; round++) {
    for (const message of messages.splice(0)) message();
    expect(workers.filter(({ running }) => running !== null).length).toBeLessThanOrEqual(1);
    for (const worker of workers) worker.play();
  }
  return workers.map(({ ended }) => ended);
}

describe('the turn at a unit', () => {
  it('is the worker’s for as long as no other wants it', () => {
    expect(play([1])).toEqual([ROUNDS]);
    expect(play([8, 0])).toEqual([ROUNDS, 0]);
  });

  it.each([[[8, 1]], [[1, 1]], [[2, 8, 1]]])(
    'comes to everybody where workers have %j commands at a time',
    (depths) => {
      const ended = play(depths);
      const all = ended.reduce((sum, each) => sum + each, 0);
      expect(all).toBeGreaterThan(ROUNDS / 8);
      for (const each of ended) expect(each).toBeGreaterThan(all / (2 * depths.length));
    },
  );
});
