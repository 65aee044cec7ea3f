// RESERVE(6), (10), RELEASE(6) and (10) (SPC-2): the whole unit for one initiator, until it lets go, is gone, or the unit is reset.
// The rules, and how they go together with persistent reservations, are control/reservations.ts.

import { NO_KEY, ReservationType, ReserveAction, type ReserveOrder } from '../ring/reservations.ts';
import { Cdb10, OperationCode } from './cdb.ts';
import { type ColdCommand, type CommandServices, NO_DATA, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { failField } from './sense.ts';
import { Status, type Task } from './task.ts';

/** Third-party reservation and extents, byte 1: long obsolete, and not supported. */
const OBSOLETE = 0x1f;

function isLong(task: Task): boolean {
  return task.cdb.getUint8(0) >= OperationCode.RESERVE_10;
}

function* carryOut(task: Task, unit: LogicalUnit, services: CommandServices, action: ReserveAction): Steps {
  if ((task.cdb.getUint8(1) & OBSOLETE) !== 0) {
    failField(task, 1);
    return;
  }
  // A parameter list is what only third parties and extents would need.
  if (isLong(task) && Cdb10.transferLength.get(task.cdb, 0) !== 0) {
    failField(task, Cdb10.transferLength.offset);
    return;
  }
  const order: ReserveOrder = {
    unit: unit.snapshot.id,
    action,
    nexus: task.nexus!.name,
    key: NO_KEY,
    serviceActionKey: NO_KEY,
    type: ReservationType.none,
    others: [],
    allTargetPorts: false,
    aptpl: false,
    moveTo: null,
    unregister: false,
  };
  services.reserve(task, order);
  yield;
  if (task.reserveResult !== 'good') task.status = Status.RESERVATION_CONFLICT;
}

export const reserve6: ColdCommand = {
  ...NO_DATA,
  name: 'RESERVE(6)',
  run: (task, unit, services) => carryOut(task, unit, services, ReserveAction.RESERVE_6),
};

export const release6: ColdCommand = {
  ...NO_DATA,
  name: 'RELEASE(6)',
  run: (task, unit, services) => carryOut(task, unit, services, ReserveAction.RELEASE_6),
};

export const reserve10: ColdCommand = { ...reserve6, name: 'RESERVE(10)' };
export const release10: ColdCommand = { ...release6, name: 'RELEASE(10)' };
