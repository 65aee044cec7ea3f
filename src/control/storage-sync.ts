// Has the disks keep what was written to units that nobody writes to any more: before they are closed, and at the end of the process.
// A failure is logged: there is nobody left to tell, unless the unit comes back.

import { fdatasyncSync } from 'node:fs';
import type { Logger } from 'pino';
import { Errno } from '../kernel/errno.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import type { Machine } from './machine.ts';

type FileUnit = UnitSnapshot & { readonly backend: { readonly kind: 'file' } };

/** Whether the disk may lack something of what was written to the unit. */
function mayLack(unit: UnitSnapshot): unit is FileUnit {
  return unit.backend.kind === 'file' && !unit.readOnly;
}

function sayUnsynced({ targetName, lun, backend }: FileUnit, err: unknown, log: Logger): void {
  log.error({ err, targetName, lun, path: backend.path }, 'what was written last may not be on the disk');
}

/**
 * Resolves when the disks have it, or have failed: with the errnos of those, positive, by the ids of their units. They may take their time,
 * or hang, and main goes on meanwhile; one after another, as libuv's threads are few, and serve workers as well.
 */
export async function syncStorage(
  units: readonly UnitSnapshot[],
  machine: Machine,
  log: Logger,
): Promise<ReadonlyMap<number, number>> {
  const failed = new Map<number, number>();
  for (const unit of units) {
    if (!mayLack(unit)) continue;
    try {
      await machine.sync(unit.backend.fd);
    } catch (err) {
      failed.set(unit.id, Math.abs((err as NodeJS.ErrnoException).errno ?? Errno.EIO));
      sayUnsynced(unit, err, log);
    }
  }
  return failed;
}

/** The same at the end of the process, when nothing else is left to do. */
export function syncStorageAtEnd(units: readonly UnitSnapshot[], log: Logger): void {
  for (const unit of units) {
    if (!mayLack(unit)) continue;
    try {
      fdatasyncSync(unit.backend.fd);
    } catch (err) {
      sayUnsynced(unit, err, log);
    }
  }
}
