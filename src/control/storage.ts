// Opens what a file unit is stored in, a regular file or a block device, and finds out what it can do.
// Everything a kernel, a file system or an administrator may object to is said here in words; catalog.ts collects them.

import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { LunaringError } from '../base/error.ts';
import type { FileLunSettings } from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import { SLOT_ALIGNMENT } from '../engine/slab.ts';
import { directAlignment } from '../kernel/direct-io.ts';
import { tryLock } from '../kernel/file-lock.ts';
import { blockDeviceGeometry, punchesHole } from '../kernel/libc.ts';
import { changeDirectory } from './durable-file.ts';

/** A unit's storage can't be used as configured. */
export class StorageError extends LunaringError {
  /** Key of the LUN's settings that it is about. */
  readonly key: string;
  readonly received: string;
  readonly allowed: string;
  readonly remedy: string;

  constructor(key: string, received: string, allowed: string, remedy: string, options?: ErrorOptions) {
    super('LUNARING_STORAGE', `${received}; ${allowed}; ${remedy}`, options);
    this.key = key;
    this.received = received;
    this.allowed = allowed;
    this.remedy = remedy;
  }
}

/** A file or block device, open. The owner closes `fd`. */
export interface OpenedStorage {
  readonly fd: number;
  /** Bytes; a multiple of the block size. */
  readonly size: number;
  /** Ranges can be given back, and read as zeroes afterwards. */
  readonly canPunch: boolean;
  /** The file was made just now. */
  readonly created: boolean;
  /** A regular file, no device. */
  readonly regular: boolean;
}

const { O_CREAT, O_DIRECT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** The same text for every path that leads to the same file or device; null where there is none yet, or none that we may see: opening it says why. */
export function identifyStorage(path: string): string | null {
  try {
    return identify(statSync(path));
  } catch {
    return null;
  }
}

/** The same text for a descriptor, wherever its path leads by now. */
export const identifyOpenStorage = (fd: number): string => identify(fstatSync(fd));

function identify(stats: Stats): string {
  return stats.isBlockDevice() ? `device ${stats.rdev}` : `file ${stats.dev}:${stats.ino}`;
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** Whether the file is missing, and its size is configured. What a link leads to is elsewhere, and may not be there yet: nothing is made of it. */
function isToBeMade({ path, size, readOnly }: FileLunSettings): boolean {
  return size !== undefined && !readOnly && !existsSync(path) && !isLink(path);
}

/** Says what an open(2) that failed means here. */
function explainOpen(error: NodeJS.ErrnoException, lun: FileLunSettings): StorageError {
  const { path } = lun;
  const code = error.code ?? 'an error';
  const explain = (allowed: string, remedy: string, key = 'path') =>
    new StorageError(key, `${path}: ${code}`, allowed, remedy, { cause: error });
  switch (error.code) {
    case 'ENOENT':
      if (isLink(path)) return explain('a link to what exists', `mount or make what readlink -m ${path} names`);
      if (lun.size === undefined || lun.readOnly) {
        const remedy = lun.readOnly
          ? 'check the path'
          : 'check the path, or set size, such as size: 1GiB, to have the file made';
        return explain('a file or block device that exists', remedy);
      }
      return explain('a path in a directory that exists', `mkdir -p ${dirname(path)}`);
    case 'EACCES':
    case 'EPERM':
      return explain('a file this process may read and write', 'change its owner or mode, or set readOnly: true');
    case 'EROFS':
      return explain('a file on a file system that can be written', 'set readOnly: true');
    case 'EBUSY':
      return explain(
        'a block device that nothing else uses',
        'unmount it, or take it out of the RAID, LVM or swap that holds it',
      );
    case 'EINVAL':
      return explain('a file system that can bypass the page cache', 'set direct: false, or move the file', 'direct');
    case 'EFBIG':
      return explain('a size that the file system can give a file', 'set a smaller size, or move the file', 'size');
    default:
      return explain('a file or block device', 'see what the error says of the path');
  }
}

/** What is no error of our own yet is open(2)'s. */
const explained = (error: Error, lun: FileLunSettings): LunaringError =>
  error instanceof LunaringError ? error : explainOpen(error, lun);

/**
 * Makes a sparse file. Its name is on stable storage when it returns: what initiators sync later is worth nothing in a file that a failure
 * of power takes away. Without O_DIRECT: with it, some kernels make the file and then refuse to open it.
 */
function create(path: string, size: number): void {
  let made = false;
  try {
    changeDirectory(path, () => {
      const fd = openSync(path, O_CREAT | O_EXCL | O_WRONLY, 0o600);
      made = true;
      try {
        ftruncateSync(fd, size);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    });
  } catch (error) {
    if (made) unlinkSync(path);
    throw error;
  }
}

function checkKind(stats: Stats, path: string): void {
  if (stats.isFile() || stats.isBlockDevice()) return;
  throw new StorageError('path', `${path}: neither`, 'a regular file or a block device', 'check the path');
}

/** `own`: we hold the place already, and would be in our own way. */
function open(lun: FileLunSettings, own: boolean): number {
  const stats = statSync(lun.path, { throwIfNoEntry: false });
  // Before it is opened: of a pipe that would wait for a writer, and everybody with it, and a tape would be rewound.
  if (stats !== undefined) checkKind(stats, lun.path);
  const access = (lun.readOnly ? O_RDONLY : O_RDWR) | (lun.direct ? O_DIRECT : 0);
  // O_EXCL on a block device, without O_CREAT: nothing else may hold it, so a mounted disk is not written behind its file system's back.
  const device = stats?.isBlockDevice() === true;
  return openSync(lun.path, access | (device && !lun.readOnly && !own ? O_EXCL : 0));
}

function checkSize(size: number, lun: FileLunSettings, regular: boolean): void {
  const { path, blockSize } = lun;
  if (size === 0)
    throw new StorageError(
      'path',
      `${path}: empty`,
      'a size above 0',
      `truncate -s 1G ${path}, or remove the file and set size`,
    );
  if (lun.size !== undefined && lun.size !== size) {
    const asItIs = `set size: ${formatSize(size)}, or leave it out, to serve ${path} as it is`;
    // Only to lengthen a file: what makes it shorter cuts off data, of a disk that was grown and not saved for one.
    const remedy = regular && size < lun.size ? `${asItIs}; or truncate -s ${lun.size} ${path}` : asItIs;
    throw new StorageError(
      'size',
      `${path}: ${formatSize(size)}`,
      `a file of ${formatSize(lun.size)}, as size says`,
      remedy,
    );
  }
  if (size % blockSize !== 0) {
    const whole = Math.ceil(size / blockSize) * blockSize;
    const remedy = `truncate -s ${whole} ${path}`;
    throw new StorageError('path', `${path}: ${size} bytes`, `a multiple of the block size, ${blockSize}`, remedy);
  }
}

/** Refuses a block size, or memory alignment, below what O_DIRECT asks for on this file. */
function checkDirect(fd: number, lun: FileLunSettings): void {
  const alignment = directAlignment(fd);
  const where = `${lun.path}: blocks of ${lun.blockSize}`;
  if (alignment === null) {
    throw new StorageError(
      'direct',
      lun.path,
      'a file system that can bypass the page cache',
      'set direct: false, or move the file',
    );
  }
  if (alignment.offset > lun.blockSize) {
    const remedy = `set blockSize: ${alignment.offset} (before the disk holds data), or direct: false, or move the file to a device with smaller sectors`;
    throw new StorageError('blockSize', where, `at least ${alignment.offset} for direct I/O here`, remedy);
  }
  if (alignment.memory > SLOT_ALIGNMENT) {
    const received = `${lun.path}: memory aligned to ${alignment.memory}`;
    throw new StorageError(
      'direct',
      received,
      `devices that take memory aligned to ${SLOT_ALIGNMENT}`,
      'set direct: false',
    );
  }
}

/** A number from the device's queue in sysfs; of a partition, the whole disk's. 0 where there is none. */
function queueLimit(device: number, name: string): number {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  for (const queue of ['queue', '../queue']) {
    try {
      return Number(readFileSync(`/sys/dev/block/${major}:${minor}/${queue}/${name}`, 'utf8'));
    } catch {
      // The other place, then.
    }
  }
  return 0;
}

/** Whether a hole can be punched so that it reads as zeroes. Tried on a file beyond its end, where it changes nothing. */
function probePunch(fd: number, stats: Stats, size: number): boolean {
  if (stats.isBlockDevice()) {
    return queueLimit(stats.rdev, 'discard_max_bytes') > 0 && queueLimit(stats.rdev, 'write_zeroes_max_bytes') > 0;
  }
  return punchesHole(fd, size, SLOT_ALIGNMENT);
}

/** Keeps a second lunaring from serving the file as well: neither would know of the other's reservations and caches. */
function claim(fd: number, lun: FileLunSettings): void {
  if (tryLock(fd, !lun.readOnly)) return;
  const remedy = `stop the process that fuser ${lun.path} names, or serve another file`;
  throw new StorageError('path', `${lun.path}: locked`, 'a file that no other process serves', remedy);
}

function inspect(fd: number, created: boolean, lun: FileLunSettings, own: boolean): OpenedStorage {
  const stats = fstatSync(fd);
  checkKind(stats, lun.path);
  const size = stats.isFile() ? stats.size : blockDeviceGeometry(fd).size;
  checkSize(size, lun, stats.isFile());
  // Block devices were opened with O_EXCL; a lock on their node means something else, to udev.
  if (stats.isFile() && !own) claim(fd, lun);
  if (lun.direct) checkDirect(fd, lun);
  return { fd, size, canPunch: !lun.readOnly && probePunch(fd, stats, size), created, regular: stats.isFile() };
}

function openExisting(lun: FileLunSettings, created: boolean, own = false): OpenedStorage {
  let fd: number;
  try {
    fd = open(lun, own);
  } catch (error) {
    throw explained(error as Error, lun);
  }
  try {
    return inspect(fd, created, lun, own);
  } catch (error) {
    closeSync(fd);
    throw explained(error as Error, lun);
  }
}

/**
 * Opens a file unit's storage. A missing file is made, sparse, when its size is configured. Throws {@link StorageError}, or
 * {@link LunaringError} for what a call of the kernel's said; nothing stays open or behind then.
 */
export function openStorage(lun: FileLunSettings): OpenedStorage {
  if (!isToBeMade(lun)) return openExisting(lun, false);
  try {
    create(lun.path, lun.size!);
  } catch (error) {
    throw explainOpen(error as NodeJS.ErrnoException, lun);
  }
  try {
    return openExisting(lun, true);
  } catch (error) {
    unlinkSync(lun.path);
    throw error;
  }
}

/**
 * Opens a nameless file in the directory of `path`; null on file systems that have none, such as NFS. Throws what open(2) says otherwise.
 */
export function openNameless(path: string, flags: number): number | null {
  const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
  try {
    return openSync(dirname(path), O_TMPFILE | O_RDWR | flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTSUP') return null;
    throw error;
  }
}

/** How {@link openStorage} would fare with a file that is yet to be made. */
function rehearseCreation(lun: FileLunSettings, size: number): void {
  let fd: number | null;
  try {
    fd = openNameless(lun.path, lun.direct ? O_DIRECT : 0);
    if (fd === null) accessSync(dirname(lun.path), constants.W_OK);
  } catch (error) {
    throw explainOpen(error as NodeJS.ErrnoException, lun);
  }
  if (fd === null) return;
  try {
    ftruncateSync(fd, size);
    inspect(fd, false, lun, false);
  } catch (error) {
    throw explained(error as Error, lun);
  } finally {
    closeSync(fd);
  }
}

/**
 * Finds out what {@link openStorage} would answer, and leaves everything as it is: a file that is yet to be made is tried out as a
 * nameless one in the same directory. `own`: a unit of ours has it open, and will have let it go by then. Throws what it would throw.
 */
export function rehearseStorage(lun: FileLunSettings, own = false): void {
  if (isToBeMade(lun)) rehearseCreation(lun, lun.size!);
  else closeSync(openExisting(lun, false, own).fd);
}

/** Why the file behind an open descriptor is not what its path names any more; null while it is. */
export function lostStorage(fd: number, path: string): string | null {
  try {
    const opened = fstatSync(fd);
    const named = statSync(path);
    if (opened.isBlockDevice() ? named.rdev === opened.rdev : named.ino === opened.ino && named.dev === opened.dev) {
      return null;
    }
    return `${path} is another file by now`;
  } catch (error) {
    return `${path}: ${(error as NodeJS.ErrnoException).code}`;
  }
}
