// Work on a unit that outlives the command that asked for it: no abort, no reset and no end of a session reaches it (SANITIZE, FORMAT UNIT).
// Each piece of work has a task of its own, in no task set; its steps are run by command-runner.ts.

import type { Countdown } from '../base/countdown.ts';
import { type ColdCommand, NO_DATA } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { Nexus } from './nexus.ts';
import { Task } from './task.ts';

interface Work {
  readonly asker: Task;
  /** While they are the asker's steps it still runs the command that asked: the task of one that has ended serves another. */
  readonly askerSteps: Task['steps'];
  /** Who waits for its end, once it is being stopped. */
  wait: Countdown | null;
}

/** The same nexus, of which nothing is counted: its session may end before the work does, and its figures be another session's from then on. */
function uncounted({ tsih, name, targetName }: Nexus): Nexus {
  return new Nexus(tsih, name.initiatorName, name.isid, targetName, name.portalGroupTag);
}

const DETACHED: ColdCommand = { ...NO_DATA, name: 'detached work', run: () => {} };

/** The work of one worker. */
export class DetachedWork {
  readonly #works = new Map<Task, Work>();

  /** The task of new work that `asker` wants done. */
  begin(asker: Task): Task {
    const task = new Task();
    task.nexus = uncounted(asker.nexus!);
    task.unit = asker.unit;
    task.command = DETACHED;
    this.#works.set(task, { asker, askerSteps: asker.steps, wait: null });
    return task;
  }

  has(task: Task): boolean {
    return this.#works.has(task);
  }

  /** Who asked for it, if that command is still there. */
  askerOf(task: Task): Task | null {
    const { asker, askerSteps } = this.#works.get(task)!;
    return !asker.completed && asker.steps === askerSteps ? asker : null;
  }

  /** Whether the task has work of this kind done. */
  isAsker(task: Task): boolean {
    return [...this.#works.keys()].some((work) => this.askerOf(work) === task);
  }

  /** The work is done, or was stopped. */
  end(task: Task): void {
    const work = this.#works.get(task)!;
    this.#works.delete(task);
    work.wait?.done();
  }

  /** Has the work at `unit` (null: all) go no further than the operation it waits for; it always waits for one. `wait` hears of each one's end. */
  stop(unit: LogicalUnit | null, wait: Countdown | null): void {
    for (const [task, work] of this.#works) {
      if (task.aborted || (unit !== null && task.unit !== unit)) continue;
      task.aborted = true;
      work.wait = wait;
      wait?.add();
    }
  }
}
