// The directory where units that have no regular file keep what outlasts a restart; ours alone for as long as it is open.
// What is in its files, and how they are written, is that of the stores: reservation-store.ts, unit-state-store.ts.

import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../kernel/file-lock.ts';
import { StorageError } from './storage.ts';

const { O_DIRECTORY, O_RDONLY, R_OK, W_OK, X_OK } = constants;
const KEY = 'stateDirectory';
const DIRECTORY = 'a directory that this process may read and write';

function remedyFor(path: string, code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
      return `mkdir -p ${path}`;
    case 'EROFS':
      return 'choose one on a file system that can be written; for a service of systemd, name it in ReadWritePaths=';
    case 'ENOTDIR':
      return 'choose another';
    default:
      return 'change its owner or mode, or choose another';
  }
}

/** Throws {@link StorageError} where nothing could be kept in the directory at `path`. Answers a descriptor of it, which is the caller's to close. */
function openDirectory(path: string): number {
  let fd: number | null = null;
  try {
    fd = openSync(path, O_RDONLY | O_DIRECTORY);
    accessSync(path, R_OK | W_OK | X_OK);
    return fd;
  } catch (error) {
    if (fd !== null) closeSync(fd);
    const { code } = error as NodeJS.ErrnoException;
    throw new StorageError(KEY, `${path}: ${code}`, DIRECTORY, remedyFor(path, code), { cause: error as Error });
  }
}

/** Finds out whether units could keep something in the directory at `path`. Throws {@link StorageError}. */
export function rehearseStateDirectory(path: string): void {
  closeSync(openDirectory(path));
}

/** See the file's head. */
export class StateDirectory {
  readonly path: string;
  readonly #fd: number;

  /** Throws {@link StorageError} where nothing can be kept there, or another process has it. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openDirectory(path);
    if (tryLock(this.#fd, true)) return;
    closeSync(this.#fd);
    const remedy = `stop the process that fuser ${path} names, or choose another directory`;
    throw new StorageError(KEY, `${path}: locked`, 'a directory that no other process has', remedy);
  }

  /** How the files of a unit begin: with the name by which initiators know it, that no other unit has. */
  statePathOf({ naa }: { readonly naa: string }): string {
    return join(this.path, `naa.${naa}`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
