// Who waits for I/O memory on this worker, first come first served.
// Hands nothing out itself: a waiter is asked to try again when memory has come back.

import type { Task } from './task.ts';

/** Tasks that could not get a slot. Intrusive: a task waits at most once. */
export class MemoryQueue {
  #first: Task | null = null;
  #last: Task | null = null;

  get empty(): boolean {
    return this.#first === null;
  }

  /** Allocates nothing. */
  push(task: Task): void {
    if (task.waiting) return;
    task.waiting = true;
    task.nextWaiting = null;
    if (this.#last === null) this.#first = task;
    else this.#last.nextWaiting = task;
    this.#last = task;
  }

  /** The task that has waited longest, or null. Allocates nothing. */
  shift(): Task | null {
    const task = this.#first;
    if (task === null) return null;
    this.#first = task.nextWaiting;
    if (this.#first === null) this.#last = null;
    task.nextWaiting = null;
    task.waiting = false;
    return task;
  }

  /** Takes an aborted task out. */
  remove(task: Task): void {
    if (!task.waiting) return;
    let previous: Task | null = null;
    for (let at = this.#first; at !== null && at !== task; at = at.nextWaiting) previous = at;
    if (previous === null) this.#first = task.nextWaiting;
    else previous.nextWaiting = task.nextWaiting;
    if (this.#last === task) this.#last = previous;
    task.nextWaiting = null;
    task.waiting = false;
  }
}
