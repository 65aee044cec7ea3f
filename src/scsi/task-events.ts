// What SCSI asks of the layer above: what a task's data and end lead to, and what main must decide for every worker.
// Implemented by session/session-host.ts.

import type { ReserveOrder, ReserveResult } from '../ring/reservations.ts';
import type { StateOrder, StateResult } from '../ring/unit-state.ts';
import type { Task } from './task.ts';

/** What the session layer hears of its tasks. */
export interface TaskEvents {
  /** streamIn: pieces at the head of the chain are done. Send them in order; each goes back with `pieceSent`. */
  dataReady(task: Task): void;
  /** streamOut, listOut: the task runs, or memory has come back: ask the initiator for more. */
  dataWanted(task: Task): void;
  /** The task has ended: status and sense are set, a reply lies at `task.at`. It goes back with `releaseReply`. */
  complete(task: Task): void;
}

/** What main decides. `then` runs when every worker knows what came of it. */
export interface Orders {
  /** A reservation order. */
  reserve(order: ReserveOrder, then: (result: ReserveResult) => void): void;
  /** A change of a unit's state. */
  changeState(order: StateOrder, then: (result: StateResult) => void): void;
}
