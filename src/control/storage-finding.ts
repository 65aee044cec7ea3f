// What is wrong with a unit's storage, as a finding: in the same words at the start, while the target runs, and in a rehearsal.
// What can be wrong is storage.ts's.

import type { LunaringError } from '../base/error.ts';
import { type Finding, formatPath } from '../config/finding.ts';
import { StorageError } from './storage.ts';

/** `path` leads to the unit's settings, `origin` says whose they are. What is no {@link StorageError} is what a call of the kernel's said. */
export function findingOf(error: LunaringError, path: readonly PropertyKey[], origin: string): Finding {
  const said =
    error instanceof StorageError
      ? error
      : {
          key: 'path',
          received: error.message,
          allowed: 'a file or block device that the kernel tells of',
          remedy: 'look at what the kernel has logged of it (dmesg)',
        };
  const { received, allowed, remedy } = said;
  return { severity: 'error', path: formatPath([...path, said.key]), origin, received, allowed, remedy };
}

/** What was kept of a unit can't be read: to serve without it would let everybody in. `key`: of its settings, what that is kept by. */
export function unreadable({ message }: Error, key: 'path' | 'lun'): StorageError {
  const allowed = 'reservations and mode parameters that can be read, or none';
  const remedy = 'mend the file that is named, or remove it: then nobody has reserved anything';
  return new StorageError(key, message, allowed, remedy);
}
