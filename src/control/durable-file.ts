// Small files that are replaced as a whole: a crash at any moment leaves the old one or the new one, and what was answered stays.
// What is in them is their owners' business.

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
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

/** Puts `text` in the place of the file at `path`, readable by its owner alone unless `mode` says otherwise. On stable storage when it returns. Throws as node:fs does. */
export function replaceDurably(path: string, text: string, mode = MODE): void {
  const fresh = `${path}.new`;
  const fd = openSync(fresh, 'w', mode);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
  syncDirectory(path);
}

/** Removes the file at `path`, if it is there. On stable storage when it returns. */
export function removeDurably(path: string): void {
  rmSync(path, { force: true });
  syncDirectory(path);
}
