// A logical unit as one worker sees it: its geometry and identity (main's snapshot), its storage, its task set.
// Main is the authority over everything but the task set; a changed snapshot arrives through `update`.

import type { Backend } from '../backend/backend.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import type { Nexus } from './nexus.ts';
import type { Piece, Task } from './task.ts';

/** A logical unit. */
export class LogicalUnit {
  snapshot: UnitSnapshot;
  readonly backend: Backend<Piece>;
  // Copies of what the data path asks for on every command.
  blockSize: number;
  /** log2 of the block size: LBAs and counts are shifted only where the result is known to stay below 2^31. */
  blockCount: number;
  readOnly: boolean;
  /** START STOP UNIT took the medium away (removable units) or stopped the unit. */
  ready = true;
  /** Tasks accepted and not yet ended, in order of arrival. */
  firstTask: Task | null = null;
  lastTask: Task | null = null;
  taskCount = 0;
  /** Unit attention conditions waiting to be reported, by nexus: ASC/ASCQ numbers, oldest first. Empty on the fast path. */
  readonly attentions = new Map<Nexus, number[]>();

  constructor(snapshot: UnitSnapshot, backend: Backend<Piece>) {
    this.snapshot = snapshot;
    this.backend = backend;
    this.blockSize = snapshot.blockSize;
    this.blockCount = snapshot.blockCount;
    this.readOnly = snapshot.readOnly;
  }

  /** Takes over a newer snapshot of the same unit. */
  update(snapshot: UnitSnapshot): void {
    this.snapshot = snapshot;
    this.blockSize = snapshot.blockSize;
    this.blockCount = snapshot.blockCount;
    this.readOnly = snapshot.readOnly;
  }

  /** Puts a task at the end of the task set. Allocates nothing. */
  enter(task: Task): void {
    task.previousInSet = this.lastTask;
    if (this.lastTask === null) this.firstTask = task;
    else this.lastTask.nextInSet = task;
    this.lastTask = task;
    this.taskCount++;
  }

  /** Takes a task out of the task set. Allocates nothing. */
  leave(task: Task): void {
    if (task.previousInSet === null) this.firstTask = task.nextInSet;
    else task.previousInSet.nextInSet = task.nextInSet;
    if (task.nextInSet === null) this.lastTask = task.previousInSet;
    else task.nextInSet.previousInSet = task.previousInSet;
    task.previousInSet = null;
    task.nextInSet = null;
    this.taskCount--;
  }

  /** A unit attention for `nexus`; the same condition waits once only. */
  attention(nexus: Nexus, additionalSense: number): void {
    const waiting = this.attentions.get(nexus);
    if (waiting === undefined) this.attentions.set(nexus, [additionalSense]);
    else if (!waiting.includes(additionalSense)) waiting.push(additionalSense);
  }
}
