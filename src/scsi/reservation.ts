// What a persistent reservation forbids to those who do not hold it (SPC-5, SBC-4: the tables of commands under a reservation).
// Who holds it is main's word, in the unit's snapshot; the commands that change it are persistent-reserve-out.ts.

import {
  isForRegistrants,
  type NexusName,
  nexusKey,
  type ReservationSnapshot,
  ReservationType,
} from '../ring/reservations.ts';
import { Cdb32, MaintenanceIn, OperationCode, ServiceActionIn16, serviceActionOf, VariableLength } from './cdb.ts';
import type { Nexus } from './nexus.ts';
import type { Task } from './task.ts';

/** How a command touches what a reservation guards. */
const Access = { none: 0, read: 1, write: 2 } as const;
type Access = (typeof Access)[keyof typeof Access];

const READING_32: readonly number[] = [
  VariableLength.READ_32,
  VariableLength.VERIFY_32,
  VariableLength.GET_LBA_STATUS_32,
];

/** Of MAINTENANCE IN, those that tell nothing of the medium. */
const UNGUARDED_REPORTS: readonly number[] = [MaintenanceIn.REPORT_TARGET_PORT_GROUPS, MaintenanceIn.REPORT_TIMESTAMP];

/** START, and no power condition, byte 4 of START STOP UNIT: it takes nothing from anybody. */
function isStart(cdb: DataView): boolean {
  const START = 0x01;
  const POWER_CONDITION = 0xf0;
  return (cdb.getUint8(4) & (START | POWER_CONDITION)) === START;
}

/** PREVENT 0, byte 4 of PREVENT ALLOW MEDIUM REMOVAL. */
function isAllow(cdb: DataView): boolean {
  const PREVENT = 0x03;
  return (cdb.getUint8(4) & PREVENT) === 0;
}

/** Commands not named here change something. */
function accessOf(cdb: DataView): Access {
  switch (cdb.getUint8(0)) {
    case OperationCode.INQUIRY:
    case OperationCode.REPORT_LUNS:
    case OperationCode.REQUEST_SENSE:
    case OperationCode.TEST_UNIT_READY:
    case OperationCode.READ_CAPACITY_10:
    case OperationCode.LOG_SENSE:
    case OperationCode.PERSISTENT_RESERVE_IN:
    // Its own rules are stricter than a reservation's.
    case OperationCode.PERSISTENT_RESERVE_OUT:
    case OperationCode.RESERVE_6:
    case OperationCode.RELEASE_6:
    case OperationCode.RESERVE_10:
    case OperationCode.RELEASE_10:
      return Access.none;
    case OperationCode.SERVICE_ACTION_IN_16:
      return serviceActionOf(cdb) === ServiceActionIn16.READ_CAPACITY_16 ? Access.none : Access.read;
    case OperationCode.MAINTENANCE_IN:
      return UNGUARDED_REPORTS.includes(serviceActionOf(cdb)) ? Access.none : Access.read;
    case OperationCode.START_STOP_UNIT:
      return isStart(cdb) ? Access.none : Access.write;
    case OperationCode.PREVENT_ALLOW_MEDIUM_REMOVAL:
      return isAllow(cdb) ? Access.none : Access.write;
    case OperationCode.VARIABLE_LENGTH:
      return READING_32.includes(Cdb32.serviceAction.get(cdb, 0)) ? Access.read : Access.write;
    case OperationCode.READ_6:
    case OperationCode.READ_10:
    case OperationCode.READ_12:
    case OperationCode.READ_16:
    case OperationCode.VERIFY_10:
    case OperationCode.VERIFY_12:
    case OperationCode.VERIFY_16:
    case OperationCode.PRE_FETCH_10:
    case OperationCode.PRE_FETCH_16:
    case OperationCode.MODE_SENSE_6:
    case OperationCode.MODE_SENSE_10:
    case OperationCode.READ_DEFECT_DATA_10:
    case OperationCode.READ_DEFECT_DATA_12:
    case OperationCode.THIRD_PARTY_COPY_IN:
    case OperationCode.READ_BUFFER_10:
    case OperationCode.RECEIVE_DIAGNOSTIC_RESULTS:
      return Access.read;
    default:
      return Access.write;
  }
}

/** A reservation in force. */
export interface Restriction {
  /** Whether the task may run. */
  permits(task: Task): boolean;
  /** Whether a command sent to another unit may read, or write, blocks of this one. */
  permitsBlocks(nexus: Nexus, writing: boolean): boolean;
}

/** RESERVE(6), SPC-2: the unit is one initiator's, but for what tells others what it is, and takes nothing from anybody (annex B). */
class UnitReservation implements Restriction {
  readonly #holder: string;

  constructor(holder: NexusName) {
    this.#holder = nexusKey(holder);
  }

  permits(task: Task): boolean {
    if (task.nexus!.reservationKey === this.#holder) return true;
    const { cdb } = task;
    switch (cdb.getUint8(0)) {
      case OperationCode.INQUIRY:
      case OperationCode.REPORT_LUNS:
      case OperationCode.REQUEST_SENSE:
      case OperationCode.LOG_SENSE:
      case OperationCode.READ_CAPACITY_10:
      // Without effect for anybody but the holder, and no error.
      case OperationCode.RELEASE_6:
      case OperationCode.RELEASE_10:
        return true;
      case OperationCode.START_STOP_UNIT:
        return isStart(cdb);
      case OperationCode.PREVENT_ALLOW_MEDIUM_REMOVAL:
        return isAllow(cdb);
      default:
        return false;
    }
  }

  permitsBlocks(nexus: Nexus): boolean {
    return nexus.reservationKey === this.#holder;
  }
}

/** A persistent reservation. */
class PersistentReservation implements Restriction {
  readonly #writesOnly: boolean;
  /** Nexuses that it does not restrict; one without an ISID stands for all of its initiator. */
  readonly #exempt: ReadonlySet<string>;

  constructor(state: ReservationSnapshot) {
    this.#writesOnly =
      state.type === ReservationType.WRITE_EXCLUSIVE ||
      state.type === ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY ||
      state.type === ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS;
    const exempt = isForRegistrants(state.type)
      ? state.registrations
      : state.registrations.filter((_, index) => index === state.holder);
    this.#exempt = new Set(exempt.map(({ nexus }) => nexusKey(nexus)));
  }

  /** Whether the task may run. Allocates nothing for those who hold the reservation. */
  permits(task: Task): boolean {
    const nexus = task.nexus!;
    if (this.#exempt.has(nexus.reservationKey)) return true;
    const access = accessOf(task.cdb);
    if (access === Access.none || (access === Access.read && this.#writesOnly)) return true;
    return this.#exempt.has(anyIsid(nexus));
  }

  permitsBlocks(nexus: Nexus, writing: boolean): boolean {
    if (!writing && this.#writesOnly) return true;
    return this.#exempt.has(nexus.reservationKey) || this.#exempt.has(anyIsid(nexus));
  }
}

function anyIsid({ name }: Nexus): string {
  return nexusKey({ ...name, isid: '' });
}

/** The restriction that follows from a unit's reservations; null: none. */
export function restrictionOf(state: ReservationSnapshot): Restriction | null {
  if (state.reservedBy !== null) return new UnitReservation(state.reservedBy);
  return state.type === ReservationType.none ? null : new PersistentReservation(state);
}
