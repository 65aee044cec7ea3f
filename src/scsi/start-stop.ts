// START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL (SBC-4, SPC-5): ejecting and loading the medium of a removable unit.
// That it is gone is the unit's `ready`; every command that needs the medium asks for itself.

import type { ColdCommand, CommandServices } from './cold-command.ts';
import { checkReady } from './medium.ts';
import { NO_DATA } from './reply.ts';
import { AdditionalSense, fail, failField, SenseKey } from './sense.ts';
import { synchronize } from './sync-cache.ts';
import { Status, type Task } from './task.ts';

/** Byte 4 of START STOP UNIT. */
const START = 0x01;
const LOEJ = 0x02;
const NO_FLUSH = 0x04;
const POWER_CONDITION = 0xf0;

const PREVENT = 0x01;

/**
 * There is nothing to spin down, and a host that shuts down stops the disks it shares with others: START 0 by itself only empties
 * the cache, and a power condition, which makes START and LOEJ mean nothing, is taken as reached.
 */
function* startStop(task: Task, services: CommandServices): Generator<void, void, number> {
  const unit = task.unit!;
  const flags = task.cdb.getUint8(4);
  if ((flags & POWER_CONDITION) !== 0) return;
  const start = (flags & START) !== 0;
  const moves = (flags & LOEJ) !== 0;
  if (moves && !unit.snapshot.removable) {
    failField(task, 4);
    return;
  }
  if (moves && unit.preventers.size !== 0) {
    fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.MEDIUM_REMOVAL_PREVENTED);
    return;
  }
  if (start && !moves) {
    checkReady(task, unit);
    return;
  }
  if (!start && unit.ready && (flags & NO_FLUSH) === 0) yield* synchronize(task, services);
  if (moves && task.status === Status.GOOD) unit.ready = start;
}

export const startStopUnit: ColdCommand = { ...NO_DATA, name: 'START STOP UNIT', run: startStop };

/** Each nexus holds the medium for itself; it is free when all have let go. */
export const preventAllowMediumRemoval: ColdCommand = {
  ...NO_DATA,
  name: 'PREVENT ALLOW MEDIUM REMOVAL',
  run: (task) => {
    const unit = task.unit!;
    if ((task.cdb.getUint8(4) & PREVENT) !== 0) unit.preventers.add(task.nexus!);
    else unit.preventers.delete(task.nexus!);
  },
};
