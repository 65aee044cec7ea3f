// Who may read, change and write back blocks of a unit: one command at a time, first come first served (COMPARE AND WRITE, ORWRITE).
// READs and WRITEs do not ask: what they do to blocks under such a command is the initiators' business, as it is on a disk.

import type { Task } from './task.ts';

/** The turn of one unit's read-modify-write commands. */
export class Exclusion {
  #holder: Task | null = null;
  readonly #waiting: Task[] = [];

  /** Whether `task` has the turn now; otherwise it will be named by a later {@link leave}. */
  enter(task: Task): boolean {
    task.excludes = true;
    if (this.#holder !== null) {
      this.#waiting.push(task);
      return false;
    }
    this.#holder = task;
    return true;
  }

  /** Ends the turn of `task`, or its wait for one. The task whose turn it is now, if it has just become so. */
  leave(task: Task): Task | null {
    task.excludes = false;
    if (this.#holder !== task) {
      this.#waiting.splice(this.#waiting.indexOf(task), 1);
      return null;
    }
    this.#holder = this.#waiting.shift() ?? null;
    return this.#holder;
  }
}
