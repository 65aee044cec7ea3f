// The workers as the control plane sees them: somebody to send messages to, who may be running or not.
// Threads, rings and restarts are supervisor.ts's; what the messages say is ring/messages.ts's.

import type { CustomDisk } from '../config/custom-lun.ts';
import type { FromWorker, ToWorker } from '../ring/messages.ts';
import type { Turns } from '../ring/turns.ts';

/** All workers, by index. Messages to one arrive in the order in which they were sent. */
export interface Workers {
  /** Whose turn it is at each unit. */
  readonly turns: Turns;
  isRunning(worker: number): boolean;
  /** Indexes of those that serve now. */
  running(): number[];
  /** To one that does not run: nothing. */
  send(worker: number, message: ToWorker): void;
  broadcast(message: ToWorker): void;
  /**
   * What takes the answers to a question of the worker that runs now. They come to nothing once that one has failed: the one in its place
   * counts its own questions from the start, and would take them for answers to those.
   */
  answering(worker: number): (message: ToWorker) => void;
  /** Gives a worker the buffer of the memory unit with the id `unit`, before the unit's snapshot. */
  sendBuffer(worker: number, unit: number, memory: SharedArrayBuffer): void;
  /** Connects a worker with the disk of the custom unit with the id `unit`, before the unit's snapshot. */
  connectDisk(worker: number, unit: number, disk: CustomDisk): void;
}

/** What is heard of the workers. */
export interface WorkerEvents {
  message(worker: number, message: FromWorker): void;
  /** A worker started, or started anew: it knows nothing yet. */
  started(worker: number): void;
  /** A worker failed; its sessions are gone. Another takes its place. */
  lost(worker: number, error: Error): void;
  /** A worker has ended because the target stops: it answers nothing any more. */
  stopped(worker: number): void;
}
