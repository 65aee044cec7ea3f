// Small files that are replaced as a whole: a crash at any moment leaves the old one or the new one, and what was answered stays.
// What is in them is their owners' business.

import { closeSync, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Only the owner reads them: who may write to a disk is in there. */
const MODE = 0o600;

function syncDirectory(path: string): void {
  const fd = openSync(dirname(path), 'r');
  try {
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

/** Makes a file what another was. Only root may give it to another user, and others only to a group that they are in. */
function resemble(fd: number, { uid, gid, mode }: Ownership): void {
  const given = permitted(() => fchownSync(fd, uid, gid)) || permitted(() => fchownSync(fd, process.geteuid!(), gid));
  // What was for one group is not for another.
  fchmodSync(fd, mode & (given ? PERMISSIONS : PERMISSIONS & ~GROUP_PERMISSIONS));
}

/**
 * Puts `text` in the place of the file at `path`. With `like` it has the permissions of that, and its owner and group as far as this
 * process may give files away; otherwise its owner alone may read it. On stable storage when it returns. Throws as node:fs does; nothing
 * has changed then.
 */
export function replaceDurably(path: string, text: string, like?: Ownership): void {
  const fresh = `${path}.new`;
  // Left by a crash.
  rmSync(fresh, { force: true });
  const fd = openSync(fresh, 'wx', MODE);
  try {
    try {
      if (like !== undefined) resemble(fd, like);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
  syncDirectory(path);
}

/** Removes the file at `path`, if it is there. On stable storage when it returns. */
export function removeDurably(path: string): void {
  rmSync(path, { force: true });
  syncDirectory(path);
}
