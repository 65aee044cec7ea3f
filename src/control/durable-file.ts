// Changes to files that outlast a failure of power: names in directories, and small files that are replaced as a whole, so that a crash
// at any moment leaves the old one or the new one. What is in them is their owners' business.

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Only the owner reads them: who may write to a disk is in there. */
const MODE = 0o600;

/** Makes a change to the directory of `path`, which is on stable storage when this returns. Nothing has changed where the directory can't be opened. Throws as node:fs does. */
export function changeDirectory(path: string, change: () => void): void {
  const fd = openSync(dirname(path), 'r');
  try {
    change();
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Whose a file is, and who may read and write it; what statSync answers will do. */
export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

const PERMISSIONS = 0o777;
const GROUP_PERMISSIONS = 0o070;

/** Whether `change` may be made. */
function permitted(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') return false;
    throw error;
  }
}

/**
 * Makes a file what another was. Only root may give it to another user, and others only to a group that they are in; a confined service may
 * not give it to anybody, but a new file has its group from the start.
 */
function resemble(fd: number, { uid, gid, mode }: Ownership): void {
  const given =
    permitted(() => fchownSync(fd, uid, gid)) ||
    fstatSync(fd).gid === gid ||
    permitted(() => fchownSync(fd, process.geteuid!(), gid));
  // What was for one group is not for another.
  fchmodSync(fd, mode & (given ? PERMISSIONS : PERMISSIONS & ~GROUP_PERMISSIONS));
}

const RANDOM_BYTES = 8;
const FRESH_END = /^[0-9a-f]{16}\.new$/;
/** What is written in no time was left by a crash when it is as old as this. */
const LEFTOVER_MS = 60 * 60 * 1000;

/** Beside the file, under a name that nobody else thinks of: what is there already is never touched. */
function freshName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(RANDOM_BYTES).toString('hex')}.new`);
}

/** Removes what crashes have left of {@link freshName}; what another process is just writing is younger. */
function sweep(path: string): void {
  const start = `.${basename(path)}.`;
  const ours = (name: string): boolean => name.startsWith(start) && FRESH_END.test(name.slice(start.length));
  for (const name of readdirSync(dirname(path)).filter(ours)) {
    const leftover = join(dirname(path), name);
    const age = Date.now() - (statSync(leftover, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN);
    if (age > LEFTOVER_MS) rmSync(leftover, { force: true });
  }
}

/** Writes what is to take the place of the file at `path`, as {@link replaceDurably} says; answers where it is. */
function writeFresh(path: string, text: string, like?: Ownership): string {
  const fresh = freshName(path);
  const fd = openSync(fresh, 'wx', MODE);
  try {
    try {
      if (like !== undefined) resemble(fd, like);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  return fresh;
}

/**
 * Puts `text` in the place of the file at `path`. With `like` it has the permissions of that, and its owner and group as far as this
 * process may give files away; otherwise its owner alone may read it. On stable storage when it returns. Throws as node:fs does; nothing
 * has changed then, unless all that failed was the sync of the directory (EIO): `text` is in the file, until a failure of power at least.
 */
export function replaceDurably(path: string, text: string, like?: Ownership): void {
  const fresh = writeFresh(path, text, like);
  try {
    changeDirectory(path, () => renameSync(fresh, path));
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  try {
    sweep(path);
  } catch {
    // What stays is in nobody's way.
  }
}

/** Does what {@link replaceDurably} does, but for putting it in the place of the file. Throws as that would. */
export function rehearseReplacement(path: string, text: string, like?: Ownership): void {
  rmSync(writeFresh(path, text, like));
}

/** Removes the file at `path`, if it is there. On stable storage when it returns. Throws as {@link replaceDurably} does. */
export function removeDurably(path: string): void {
  changeDirectory(path, () => rmSync(path, { force: true }));
}
