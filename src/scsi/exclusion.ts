// Who may read, change and write back blocks of a unit: one command at a time, first come first served (COMPARE AND WRITE, ORWRITE, WRITE ATOMIC).
// READs and WRITEs do not ask: what they do to blocks under such a command is the initiators' business, as it is on a disk.

import type { Task } from './task.ts';

/** The unit's turn among all workers; see ring/turns.ts. */
export interface SharedTurn {
  /** False: another worker has it; {@link Exclusion.turnCame} follows. */
  take(): boolean;
  /** Asks for it behind those that wait already; {@link Exclusion.turnCame} follows. */
  want(): void;
  /** True: other workers wait for it. */
  give(): boolean;
}

/** The turn of one unit's read-modify-write commands. */
export class Exclusion {
  readonly #shared: SharedTurn;
  #holder: Task | null = null;
  /** This worker has the turn. The holder may be waiting for it. */
  #ours = false;
  /** Other workers waited when it was given back: they come before the next of this one. */
  #givesWay = false;
  readonly #waiting: Task[] = [];

  constructor(shared: SharedTurn) {
    this.#shared = shared;
  }

  /** Whether `task` has the turn now; otherwise it will be named by a later {@link leave} or {@link turnCame}. */
  enter(task: Task): boolean {
    task.excludes = true;
    if (this.#holder !== null) {
      this.#waiting.push(task);
      return false;
    }
    this.#holder = task;
    this.#ours = this.#ask();
    return this.#ours;
  }

  /** Ends the turn of `task`, or its wait for one. The task whose turn it is now, if it has just become so. */
  leave(task: Task): Task | null {
    task.excludes = false;
    if (this.#holder !== task) {
      this.#waiting.splice(this.#waiting.indexOf(task), 1);
      return null;
    }
    this.#holder = this.#waiting.shift() ?? null;
    if (this.#ours) this.#givesWay = this.#shared.give();
    this.#ours = this.#holder !== null && this.#ask();
    return this.#ours ? this.#holder : null;
  }

  /**
   * Whether the turn is this worker's now. If others waited when it gave the turn back, they go first: they have yet to hear that it is free,
   * and this worker would always be faster, for as long as it has commands.
   */
  #ask(): boolean {
    if (!this.#givesWay) return this.#shared.take();
    this.#givesWay = false;
    this.#shared.want();
    return false;
  }

  /** The turn may be free: takes it, if it is wanted still. The task whose turn it is now, if it has just become so. */
  turnCame(): Task | null {
    if (this.#holder === null || this.#ours) return null;
    this.#ours = this.#shared.take();
    return this.#ours ? this.#holder : null;
  }
}
