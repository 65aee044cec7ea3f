// START STOP UNIT and PREVENT ALLOW MEDIUM REMOVAL (SBC-4, SPC-5): ejecting and loading the medium of a removable unit.
// Where it is, and who holds it there, is for main to say (control/unit-state.ts); every command that needs it asks for itself.

import { type ColdCommand, type CommandServices, NO_DATA, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkReady } from './medium.ts';
import { AdditionalSense, fail, failField, SenseKey } from './sense.ts';
import { synchronize } from './sync-cache.ts';
import { Status, type Task } from './task.ts';

/** Byte 4 of START STOP UNIT. */
const START = 0x01;
const LOEJ = 0x02;
const NO_FLUSH = 0x04;
const POWER_CONDITION = 0xf0;
/** Power conditions in which a medium that stops can't be accessed: STANDBY and FORCE_STANDBY_0. */
const STANDBY: readonly number[] = [0x30, 0xb0];

const PREVENT = 0x01;

/**
 * There is nothing to spin down, and a host that shuts down stops the disks it shares with others: START 0 by itself only empties
 * the cache, as standby does (SBC-4, NO_FLUSH), and a power condition, which makes START and LOEJ mean nothing, is taken as reached.
 */
function* startStop(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  const flags = task.cdb.getUint8(4);
  const power = flags & POWER_CONDITION;
  const flushes = (flags & NO_FLUSH) === 0 && unit.ready;
  if (power !== 0) {
    if (STANDBY.includes(power) && flushes) yield* synchronize(task, unit, services);
    return;
  }
  const start = (flags & START) !== 0;
  const moves = (flags & LOEJ) !== 0;
  if (moves && !unit.snapshot.removable) {
    failField(task, 4);
    return;
  }
  if (start && !moves) {
    checkReady(task, unit);
    return;
  }
  if (!start && flushes) yield* synchronize(task, unit, services);
  if (!moves || task.status !== Status.GOOD) return;
  // Only main is sure to know of a nexus that is just gone, and of what it held.
  services.changeState(task, { kind: start ? 'load' : 'eject' });
  yield;
  if (task.stateResult === 'prevented') {
    fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.MEDIUM_REMOVAL_PREVENTED);
  }
}

export const startStopUnit: ColdCommand = { ...NO_DATA, name: 'START STOP UNIT', run: startStop };

/** Each nexus holds the medium for itself; it is free when all have let go. What can't be removed needs no holding. */
function* preventAllow(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  if (!unit.snapshot.removable) return;
  const prevents = (task.cdb.getUint8(4) & PREVENT) !== 0;
  services.changeState(task, { kind: prevents ? 'prevent' : 'allow' });
  yield;
}

export const preventAllowMediumRemoval: ColdCommand = {
  ...NO_DATA,
  name: 'PREVENT ALLOW MEDIUM REMOVAL',
  run: preventAllow,
};
