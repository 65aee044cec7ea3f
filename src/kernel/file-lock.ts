// Advisory locks on open files (flock(2)), so that two processes that both ask do not write one file.
// Who asks, and what a refusal means, is decided in control/.

import { Errno } from './errno.ts';
import { libc } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Locks `fd`, alone or with other readers, for as long as it is open. Answers false when another process has it. File systems that know no
 * locks let everybody have one. Throws where the C library can't be reached.
 */
export function tryLock(fd: number, exclusive: boolean): boolean {
  if (libc().flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0) return true;
  return libc().errno() !== Errno.EAGAIN;
}
