// What the control plane asks of the machine: time, chance, descriptors to be closed, and what takes its time on a disk.
// One object for all of it, so that another can stand in its place and say what time it is.

import { randomBytes } from 'node:crypto';
import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';
import { close } from '../kernel/libc.ts';

/** See the file's head. */
export interface Machine {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** Runs `then` once, in `delayMs` milliseconds, and after what has come by then was heard; what it returns calls that off. */
  after(delayMs: number, then: () => void): () => void;
  /** `length` bytes that nobody can guess. */
  random(length: number): Uint8Array;
  /** Closes a connection's descriptor that no worker has taken. */
  close(fd: number): void;
  /** Resolves when all that was written to a file is on stable storage (fdatasync). Rejects as node:fs does. */
  sync(fd: number): Promise<void>;
}

/** The one that the process runs on. */
export const THIS_MACHINE: Machine = {
  now: () => performance.now(),
  after: (delayMs, then) => {
    let heard: NodeJS.Immediate | undefined;
    // Node runs timers before it looks for what has come: to a thread that was held up, answers that were in time would be late.
    const timer = setTimeout(() => {
      heard = setImmediate(then);
    }, delayMs);
    return () => {
      clearTimeout(timer);
      clearImmediate(heard);
    };
  },
  random: randomBytes,
  close,
  sync: promisify(fdatasync),
};
