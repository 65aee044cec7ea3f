// Linux error numbers by name, and the error that a failed call into the kernel becomes in cold code.
// What a number means to an initiator is decided elsewhere: sense data in scsi/, closing a connection in session/.

import { constants } from 'node:os';
import { LunaringError } from '../base/error.ts';

/** The numbers this program tests for, as positive values. The same on every architecture that Node runs on. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ENOSYS: 38,
  ETIME: 62,
  EOPNOTSUPP: 95,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ETIMEDOUT: 110,
  EDQUOT: 122,
  ENOMEDIUM: 123,
  ECANCELED: 125,
  ENOTRECOVERABLE: 131,
} as const;
export type Errno = (typeof Errno)[keyof typeof Errno];

const names = new Map<number, string>();
// Some numbers have two names; the first stays. ENOTSUP is EOPNOTSUPP on Linux, and the latter is what man pages say.
for (const [name, number] of Object.entries({ ...Errno, ...constants.errno })) {
  if (!names.has(number)) names.set(number, name);
}

/** `EIO` for 5; the sign does not matter. Numbers without a name read as `errno 4711`. */
export function errnoName(errno: number): string {
  const number = Math.abs(errno);
  return names.get(number) ?? `errno ${number}`;
}

/** A system call failed. */
export class KernelError extends LunaringError {
  readonly call: string;
  /** Positive; 0 when the kernel could not be asked at all. */
  readonly errno: number;

  constructor(call: string, errno: number) {
    super(`LUNARING_${errnoName(errno).replace(' ', '_').toUpperCase()}`, `${call}: ${errnoName(errno)}`);
    this.call = call;
    this.errno = errno;
  }
}
