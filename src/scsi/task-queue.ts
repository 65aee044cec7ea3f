// Tasks that wait, first come first served: for I/O memory, or until limits let them start.
// Hands nothing out itself: who owns the queue says when a waiter is to try again.

import type { Task } from './task.ts';

/** Intrusive: a task waits in one queue at most, and once. */
export class TaskQueue {
  #first: Task | null = null;
  #last: Task | null = null;

  get empty(): boolean {
    return this.#first === null;
  }

  /** The task that has waited longest, or null. */
  get first(): Task | null {
    return this.#first;
  }

  /** Allocates nothing. */
  push(task: Task): void {
    if (task.waitsIn !== null) return;
    task.waitsIn = this;
    task.nextWaiting = null;
    if (this.#last === null) this.#first = task;
    else this.#last.nextWaiting = task;
    this.#last = task;
  }

  /** Puts a task that waits here before all others: it was first, tried again, and found too little. */
  moveToFront(task: Task): void {
    if (this.#first === task) return;
    this.remove(task);
    task.waitsIn = this;
    task.nextWaiting = this.#first;
    this.#first = task;
    this.#last ??= task;
  }

  /** Takes a task that waits here out. */
  remove(task: Task): void {
    let previous: Task | null = null;
    for (let at = this.#first; at !== null && at !== task; at = at.nextWaiting) previous = at;
    if (previous === null) this.#first = task.nextWaiting;
    else previous.nextWaiting = task.nextWaiting;
    if (this.#last === task) this.#last = previous;
    task.nextWaiting = null;
    task.waitsIn = null;
  }
}
