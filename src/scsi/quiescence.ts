// Waits for a unit's medium to be left alone, for SANITIZE and FORMAT UNIT, and when the unit is removed: ends tasks, and says when the rest has ended.
// Whose state changes, and when, is the processor's business.

import { notReadySense } from './condition.ts';
import type { DetachedWork } from './detached-work.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { AdditionalSense, failWith, type Sense, SenseKey, senseOf } from './sense.ts';
import { Status, type Task } from './task.ts';

/** Of a unit that was removed. Not LOGICAL UNIT NOT SUPPORTED, as a part of it may have been done, and another unit may be about to take its place: hosts try again. */
const REMOVED = senseOf(SenseKey.ABORTED_COMMAND, AdditionalSense.COMMANDS_CLEARED_BY_DEVICE_SERVER);

/** Who waits at a unit is its `whenIdle`. */
export class Quiescence {
  readonly #detached: DetachedWork;
  readonly #finishWhenIdle: (task: Task) => void;

  constructor(detached: DetachedWork, finishWhenIdle: (task: Task) => void) {
    this.#detached = detached;
    this.#finishWhenIdle = finishWhenIdle;
  }

  /** Ends the unit's tasks with NOT READY; those that have begun their own steps end by themselves. `then` runs when all are done with the medium. */
  begin(unit: LogicalUnit, then: () => void): void {
    this.#end(unit, notReadySense(unit), (task) => task.steps === null, then);
  }

  /** Ends all tasks of a unit that is removed; those that have begun their own steps take none any more. `then` runs when all are done with the medium. */
  vacate(unit: LogicalUnit, then: () => void): void {
    this.#end(unit, REMOVED, () => true, then);
  }

  #end(unit: LogicalUnit, sense: Sense, concerned: (task: Task) => boolean, then: () => void): void {
    const tasks: Task[] = [];
    for (let task = unit.firstTask; task !== null; task = task.nextInSet) {
      if (!task.aborted && concerned(task)) tasks.push(task);
    }
    // All of them first: the end of one may be another's turn to start, and with that its end.
    for (const task of tasks) {
      failWith(task, sense);
      task.steps = null;
    }
    for (const task of tasks) if (task.inSet) this.#finishWhenIdle(task);
    // Not before: the end of the first would say that all are done, those that are yet to be answered too.
    unit.callWhenIdle(then);
    this.check(unit);
  }

  /** A task or a guest has ended. The command that asked for the wait is still there, and is not waited for: it waits for this itself. */
  check(unit: LogicalUnit): void {
    if (unit.guests.size !== 0) return;
    for (let task = unit.firstTask; task !== null; task = task.nextInSet) {
      if (!isSpent(task) && !this.#detached.isAsker(task)) return;
    }
    const then = unit.whenIdle;
    unit.whenIdle = null;
    then?.();
  }
}

/** It has failed or was aborted, and is there only until the initiator has sent what it owes: it touches the medium no more. */
function isSpent(task: Task): boolean {
  return task.piecesInFlight === 0 && (task.aborted || (task.status !== Status.GOOD && task.steps === null));
}
