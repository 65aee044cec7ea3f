// The workers as the control plane sees them: somebody to send messages to, who may be running or not.
// Threads, rings and restarts are supervisor.ts's; what the messages say is ring/messages.ts's.

import type { BufferParcel } from '../../workers/io-worker.ts';
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
  /** Gives a worker a memory unit's buffer, which the unit's snapshot then names by `handle`. */
  sendBuffer(worker: number, parcel: BufferParcel): void;
  /** Connects a worker with the disk of a custom unit, whose snapshot then names the connection by `handle`. */
  connectDisk(worker: number, handle: number, disk: CustomDisk): void;
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
