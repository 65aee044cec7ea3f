// PERSISTENT RESERVE OUT (SPC-5): reads and checks the parameter list, and has main carry the order out.
// The rules of registrations and reservations are control/reservations.ts.

import { bytes, layout, reserved, u8, u16, u32 } from '../base/layout.ts';
import {
  type NexusName,
  REGISTRATIONS_MAX,
  ReservationType,
  ReserveAction,
  type ReserveOrder,
} from '../ring/reservations.ts';
import { SERVICE_ACTION_MASK, serviceActionOf } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { portalGroupOf } from './nexus.ts';
import { AdditionalSense, fail, failField, failListLength, failParameter, SenseKey } from './sense.ts';
import { Status, type Task } from './task.ts';
import { readTransportId } from './transport-id.ts';

/** The parameter list of all service actions but REGISTER AND MOVE. */
const Parameters = layout(24, {
  reservationKey: bytes(0, 8),
  serviceActionReservationKey: bytes(8, 8),
  reserved16: reserved(16, 4),
  flags: u8(20),
  reserved21: reserved(21, 3),
});
const SPEC_I_PT = 0x08;
const ALL_TG_PT = 0x04;
const APTPL = 0x01;

/** The parameter list of REGISTER AND MOVE, before its TransportID. */
const MoveParameters = layout(24, {
  reservationKey: bytes(0, 8),
  serviceActionReservationKey: bytes(8, 8),
  reserved16: reserved(16, 1),
  flags: u8(17),
  relativeTargetPort: u16(18),
  transportIdLength: u32(20),
});
const UNREG = 0x02;

const SCOPE_AND_TYPE_AT = 2;
const PARAMETER_LIST_LENGTH_AT = 5;
const TYPES: readonly number[] = Object.values(ReservationType).filter((type) => type !== ReservationType.none);
const ACTIONS: readonly number[] = Object.values(ReserveAction).filter((action) => action <= SERVICE_ACTION_MASK);

const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** The type of reservation that the CDB names, of the only scope there is, LU_SCOPE; `none` when that is no type or another scope. */
function typeOf(cdb: DataView): ReservationType {
  const scopeAndType = cdb.getUint8(SCOPE_AND_TYPE_AT);
  return TYPES.includes(scopeAndType) ? (scopeAndType as ReservationType) : ReservationType.none;
}

/** What the CDB alone says; false when it is refused. */
function checkCdb(task: Task): boolean {
  const action = serviceActionOf(task.cdb);
  // Whether PREEMPT makes a reservation, and looks at the type, depends on whose key it names.
  const reserves = action === ReserveAction.RESERVE || action === ReserveAction.RELEASE;
  if (!ACTIONS.includes(action)) failField(task, 1);
  else if (reserves && typeOf(task.cdb) === ReservationType.none) failField(task, SCOPE_AND_TYPE_AT);
  return task.status === Status.GOOD;
}

/** The order that the list spells out; null when it is refused. */
function readOrder(task: Task, unit: LogicalUnit, view: DataView): ReserveOrder | null {
  const action = serviceActionOf(task.cdb) as ReserveAction;
  const moves = action === ReserveAction.REGISTER_AND_MOVE;
  const at = task.at;
  const registers = action === ReserveAction.REGISTER || action === ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY;
  const flags = moves ? MoveParameters.flags.get(view, at) : Parameters.flags.get(view, at);
  // Without SPEC_I_PT the list is 24 bytes, no more and no less.
  const long = moves || (registers && (flags & SPEC_I_PT) !== 0);
  if (
    task.dataLength < Parameters.size ||
    task.dataLength < task.transferLength ||
    (!long && task.dataLength > Parameters.size)
  ) {
    failListLength(task);
    return null;
  }
  const aptpl = (flags & APTPL) !== 0 && (registers || moves);
  if (aptpl && unit.snapshot.statePath === null) {
    failParameter(task, moves ? MoveParameters.flags.offset : Parameters.flags.offset);
    return null;
  }
  const order = {
    unit: unit.snapshot.id,
    action,
    nexus: task.nexus!.name,
    key: hex(Parameters.reservationKey.copy(view, at)),
    serviceActionKey: hex(Parameters.serviceActionReservationKey.copy(view, at)),
    type: typeOf(task.cdb),
    others: [],
    allTargetPorts: registers && (flags & ALL_TG_PT) !== 0,
    aptpl,
    moveTo: null,
    unregister: moves && (flags & UNREG) !== 0,
  };
  if (moves) {
    const moveTo = readMoveTo(task, unit, view);
    return moveTo === null ? null : { ...order, moveTo };
  }
  if (!long) return order;
  const others = readOthers(task, view);
  return others === null ? null : { ...order, others };
}

function failResources(task: Task): void {
  fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INSUFFICIENT_REGISTRATION_RESOURCES);
}

/** SPEC_I_PT: four bytes of length, then TransportIDs. */
function readOthers(task: Task, view: DataView): NexusName[] | null {
  const start = task.at + Parameters.size;
  const end = task.at + task.dataLength;
  if (start + 4 > end || start + 4 + view.getUint32(start) > end) {
    failListLength(task);
    return null;
  }
  const others: NexusName[] = [];
  for (let at = start + 4; at < start + 4 + view.getUint32(start); ) {
    const read = readTransportId(view, at, end);
    if (read === null) {
      failParameter(task, at - task.at);
      return null;
    }
    // The list has room for thousands: more than a message to main, and none of them could be registered.
    if (others.length === REGISTRATIONS_MAX) {
      failResources(task);
      return null;
    }
    others.push({ ...task.nexus!.name, initiatorName: read.initiatorName, isid: read.isid });
    at = read.end;
  }
  return others;
}

function readMoveTo(task: Task, unit: LogicalUnit, view: DataView): NexusName | null {
  const start = task.at + MoveParameters.size;
  const end = start + MoveParameters.transportIdLength.get(view, task.at);
  const read = end > task.at + task.dataLength ? null : readTransportId(view, start, end);
  if (read === null) {
    failParameter(task, MoveParameters.size);
    return null;
  }
  const { portalGroups } = unit.snapshot;
  const portalGroupTag = portalGroupOf(MoveParameters.relativeTargetPort.get(view, task.at), portalGroups);
  if (portalGroupTag === undefined) {
    failParameter(task, MoveParameters.relativeTargetPort.offset);
    return null;
  }
  return { initiatorName: read.initiatorName, isid: read.isid, portalGroupTag };
}

function* carryOut(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  if (!checkCdb(task)) return;
  const order = readOrder(task, unit, services.view);
  if (order === null) return;
  services.reserve(task, order);
  yield;
  switch (task.reserveResult) {
    case 'good':
      return;
    case 'conflict':
      task.status = Status.RESERVATION_CONFLICT;
      return;
    case 'invalidRelease':
      fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_RELEASE_OF_PERSISTENT_RESERVATION);
      return;
    case 'invalidType':
      failField(task, SCOPE_AND_TYPE_AT);
      return;
    case 'invalidParameter':
      failParameter(task, Parameters.serviceActionReservationKey.offset);
      return;
    case 'noResources':
      failResources(task);
  }
}

/** The command. */
export const persistentReserveOut: ColdCommand = {
  ...LIST,
  name: 'PERSISTENT RESERVE OUT',
  decode: (task: Task) => task.cdb.getUint32(PARAMETER_LIST_LENGTH_AT),
  run: carryOut,
};
