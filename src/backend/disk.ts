// A disk whose blocks a program keeps: the functions that it brings, and the errors by which they say what an initiator is to hear.
// Who calls the functions is control/disk-server.ts; what the errors mean on the wire is scsi/sense.ts's.

import { constants } from 'node:os';
import { LunaringError } from '../base/error.ts';
import { Errno } from '../kernel/errno.ts';

/**
 * The functions of a disk. Each may answer at once or with a promise; several operations may be under way, and they may end in any order.
 * Those that overlap are not under way together, unless they only read. Offsets and lengths are bytes, whole blocks within the disk. The
 * disk's functions are called on one thread, whichever worker asks.
 */
export interface Disk {
  /**
   * Fills `buffer` with the bytes at `offset`. It comes filled with zeroes; what is not written to it reads as zeroes. At most 256 KiB, and
   * the disk's only until the promise settles: then the memory is used again. It lies in shared memory, which a few functions of the web
   * (TextDecoder, crypto.getRandomValues) refuse.
   */
  read(buffer: Uint8Array, offset: number): void | Promise<void>;
  /** Keeps `data`, which is the disk's until the promise settles. Without this function the disk is read-only. */
  write?(data: Uint8Array, offset: number): void | Promise<void>;
  /**
   * Everything that was written before is on stable storage afterwards. Without this function every write is when it ends. Once it has failed,
   * with another error than `notReady` or `aborted`, nothing is promised to last any more.
   */
  flush?(): void | Promise<void>;
  /** The range reads as zeroes from now on, and its space may be used for something else. Without this function zeroes are written. */
  unmap?(offset: number, length: number): void | Promise<void>;
  /** Nothing is asked any more, and nothing changes blocks. Called once for the unit, after the last flush. */
  close?(): void | Promise<void>;
}

/** Which functions a disk has. */
export interface DiskAbilities {
  readonly canWrite: boolean;
  readonly canFlush: boolean;
  readonly canUnmap: boolean;
}

/** Throws a TypeError for what is no disk. */
export function abilitiesOf(disk: Disk): DiskAbilities {
  const has = (name: keyof Disk): boolean => {
    const value: unknown = (disk as Disk | null | undefined)?.[name];
    if (value !== undefined && typeof value !== 'function') throw new TypeError(`a disk's ${name} is a function`);
    return value !== undefined;
  };
  if (!has('read')) throw new TypeError('a disk has a function read');
  has('close');
  return { canWrite: has('write'), canFlush: has('flush'), canUnmap: has('write') && has('unmap') };
}

/** What an initiator hears, by the kind of the error. */
const ERRNO_OF_KIND = {
  /** MEDIUM ERROR, with the LBA of the block: this block is lost, others are not. */
  medium: Errno.EIO,
  /** NOT READY, BECOMING READY: initiators ask again for a while. */
  notReady: Errno.EBUSY,
  /** NOT READY, MEDIUM NOT PRESENT. */
  noMedium: Errno.ENOMEDIUM,
  /** DATA PROTECT, WRITE PROTECTED. */
  writeProtected: Errno.EROFS,
  /** DATA PROTECT, SPACE ALLOCATION FAILED WRITE PROTECT: initiators stop writing until somebody has made room. */
  space: Errno.ENOSPC,
  /** HARDWARE ERROR, LOGICAL UNIT FAILURE: there is no point in asking again. */
  hardware: Errno.ENXIO,
  /** ABORTED COMMAND: initiators ask again at once, a few times. */
  aborted: Errno.ECANCELED,
} as const;
/** Errors of system calls that say more to an initiator than that the medium failed. */
const TELLING: ReadonlySet<number> = new Set([
  ...Object.values(ERRNO_OF_KIND),
  Errno.EDQUOT,
  Errno.ENODEV,
  Errno.EPERM,
]);
/** See {@link DiskError}. */
export type DiskErrorKind = keyof typeof ERRNO_OF_KIND;

/** Options of a {@link DiskError}. */
export interface DiskErrorOptions extends ErrorOptions {
  /** `medium`: where the block begins that can't be read or written, in bytes from the disk's start. Left out: the operation's first. */
  readonly offset?: number;
}

/** Thrown by a disk's function: the operation fails, and the initiator hears what `kind` says. */
export class DiskError extends LunaringError {
  readonly kind: DiskErrorKind;
  readonly offset: number | undefined;

  constructor(kind: DiskErrorKind, message: string, { offset, ...options }: DiskErrorOptions = {}) {
    super('LUNARING_DISK', message, options);
    this.name = 'DiskError';
    this.kind = kind;
    this.offset = offset;
  }
}

/** What became of an operation whose function threw. */
export interface DiskFailure {
  /** Positive. */
  readonly errno: number;
  /** Where the block that failed begins, in bytes from the disk's start; undefined: nobody said, or what is no such number. */
  readonly offset: number | undefined;
  /** The disk meant it, and need not be told of it. */
  readonly meant: boolean;
}

/**
 * What an error says. A {@link DiskError} is known by its fields, so that one of another copy of this package counts as well; errors of
 * Node's for which there is a sense (ENOSPC, EROFS …) count as that. Everything else is a failure of the medium, and so is what can't be
 * looked at: functions throw what they like.
 */
export function failureOf(error: unknown): DiskFailure {
  try {
    return readFailure(error);
  } catch {
    return { errno: Errno.EIO, offset: undefined, meant: false };
  }
}

function readFailure(error: unknown): DiskFailure {
  const { code, kind, offset } = (typeof error === 'object' && error !== null ? error : {}) as Partial<DiskError>;
  if (code === 'LUNARING_DISK' && kind !== undefined && Object.hasOwn(ERRNO_OF_KIND, kind)) {
    return { errno: ERRNO_OF_KIND[kind], offset: Number.isSafeInteger(offset) ? offset : undefined, meant: true };
  }
  const errno = (constants.errno as Record<string, number>)[String(code)] ?? Errno.EIO;
  return { errno: TELLING.has(errno) ? errno : Errno.EIO, offset: undefined, meant: false };
}
