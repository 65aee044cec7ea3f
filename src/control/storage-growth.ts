// What a file unit is stored in, made longer while it is served.
// Opening it is storage.ts's; what initiators hear of the new size, administration.ts's.

import { closeSync, fstatSync, ftruncateSync } from 'node:fs';
import { formatSize } from '../config/size.ts';
import { blockDeviceGeometry } from '../kernel/libc.ts';
import { openNameless, StorageError } from './storage.ts';

/** What a unit is stored in, open. */
export interface GrowingStorage {
  readonly fd: number;
  readonly path: string;
  /** It is open for reading only. */
  readonly readOnly: boolean;
}

/** How long the file or device is, in bytes, and whether it can be made longer: only a regular file that may be written can. */
function measure({ fd, readOnly }: GrowingStorage): { readonly lengthens: boolean; readonly present: number } {
  const stats = fstatSync(fd);
  return stats.isFile()
    ? { lengthens: !readOnly, present: stats.size }
    : { lengthens: false, present: blockDeviceGeometry(fd).size };
}

function lengthen(fd: number, path: string, bytes: number): void {
  try {
    ftruncateSync(fd, bytes);
  } catch (error) {
    const received = `${path}: ${(error as NodeJS.ErrnoException).code}`;
    const remedy = 'choose a smaller size, or a file system with room for it';
    throw new StorageError('size', received, 'a size that the file system takes', remedy, { cause: error as Error });
  }
}

/** Answers `after` if it is no less than `before`, and the length of the whole file: the next start would refuse a unit that is shorter than its file. */
function whole(path: string, present: number, after: number, before: number): number {
  if (after === present && after >= before) return after;
  const least = Math.max(after, before, present);
  const remedy = present < least ? 'make the file or device longer first' : 'ask for what there is, or for more';
  throw new StorageError('size', `${path}: ${formatSize(present)}`, `${formatSize(least)} and more`, remedy);
}

/**
 * Makes a file `bytes` long; with null, and for a device or a file that is only read, takes the length that it has now. Answers the length in
 * bytes, which is never less than `before`. Throws {@link StorageError}.
 */
export function growStorage(storage: GrowingStorage, bytes: number | null, before: number): number {
  const { fd, path } = storage;
  const { lengthens, present } = measure(storage);
  if (bytes === null || !lengthens || present >= bytes) return whole(path, present, bytes ?? present, before);
  lengthen(fd, path, bytes);
  return bytes;
}

/** Finds out, as far as it can, whether {@link growStorage} would throw, and throws that; the file stays as it is. */
export function rehearseGrowth(storage: GrowingStorage, bytes: number, before: number): void {
  const { path } = storage;
  const { lengthens, present } = measure(storage);
  if (!lengthens || present >= bytes) {
    whole(path, present, bytes, before);
    return;
  }
  const nameless = namelessBeside(path);
  if (nameless === null) return;
  try {
    lengthen(nameless, path, bytes);
  } finally {
    closeSync(nameless);
  }
}

/** A file of no name on the same file system; null where none can be made: then only growing itself will tell. */
function namelessBeside(path: string): number | null {
  try {
    return openNameless(path, 0);
  } catch {
    return null;
  }
}
