// The settings of a unit whose blocks a program keeps. No configuration file has them: only a program can bring the functions.
// What a disk is, and how it is reached, is for the layers above; here is what main has to know of it.

import type { MessagePort } from 'node:worker_threads';
import type { NullLunSettings } from './settings.ts';

/** One worker's way to a disk; see control/disk-server.ts. */
export interface CustomDiskLink {
  readonly memory: SharedArrayBuffer;
  readonly port: MessagePort;
  readonly wakeFd: number;
}

/** A disk that is open: on main, or in a thread of its own. Whoever opened it closes it. */
export interface CustomDisk {
  /** What its functions make of it. */
  readonly canWrite: boolean;
  readonly canFlush: boolean;
  readonly canUnmap: boolean;
  /** Operations that one worker may have with it at a time. */
  readonly concurrency: number;
  /** An operation that takes longer has failed. */
  readonly timeoutMs: number;
  /** Lets a worker use it, which closes the port when it does no more. */
  connect(link: CustomDiskLink): void;
  /**
   * Calls `then` if its thread ends before it is closed, at once if it has ended: nothing is answered any more. There is one `then` for each
   * worker; that of a worker that was started again takes the place of the one before.
   */
  onLost(worker: number, then: () => void): void;
}

/** A unit on such a disk. */
export type CustomLunSettings = Omit<NullLunSettings, 'backend'> & {
  readonly backend: 'custom';
  readonly disk: CustomDisk;
};
