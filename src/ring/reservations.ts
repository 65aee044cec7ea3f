// What main and the workers say to each other about persistent reservations: orders, their results, and the state they lead to.
// The rules are control/reservations.ts's; what a command may do under a reservation is scsi/reservation.ts's.

/** An I_T nexus by name: initiator port and target port (portal group). */
export interface NexusName {
  readonly initiatorName: string;
  /** Six bytes in hex; empty: every ISID of that initiator (an iSCSI TransportID without one, SPC-5). */
  readonly isid: string;
  readonly portalGroupTag: number;
}

/** PERSISTENT RESERVE OUT service actions, SPC-5; and RESERVE(6) and RELEASE(6), SPC-2, under numbers of our own. */
export const ReserveAction = {
  REGISTER: 0x00,
  RESERVE: 0x01,
  RELEASE: 0x02,
  CLEAR: 0x03,
  PREEMPT: 0x04,
  PREEMPT_AND_ABORT: 0x05,
  REGISTER_AND_IGNORE_EXISTING_KEY: 0x06,
  REGISTER_AND_MOVE: 0x07,
  RESERVE_6: 0x100,
  RELEASE_6: 0x101,
} as const;
export type ReserveAction = (typeof ReserveAction)[keyof typeof ReserveAction];

/** Reservation types, SPC-5. */
export const ReservationType = {
  none: 0,
  WRITE_EXCLUSIVE: 1,
  EXCLUSIVE_ACCESS: 3,
  WRITE_EXCLUSIVE_REGISTRANTS_ONLY: 5,
  EXCLUSIVE_ACCESS_REGISTRANTS_ONLY: 6,
  WRITE_EXCLUSIVE_ALL_REGISTRANTS: 7,
  EXCLUSIVE_ACCESS_ALL_REGISTRANTS: 8,
} as const;
export type ReservationType = (typeof ReservationType)[keyof typeof ReservationType];

/** The key of who is not registered; as the new key of a registration it ends that. */
export const NO_KEY = '0'.repeat(16);

/** A PERSISTENT RESERVE OUT, checked as far as one worker can. Keys are 16 hex digits. */
export interface ReserveOrder {
  readonly unit: number;
  readonly action: ReserveAction;
  readonly nexus: NexusName;
  readonly key: string;
  readonly serviceActionKey: string;
  /** `none` where the CDB names no scope and type that exist. */
  readonly type: ReservationType;
  /** SPEC_I_PT: initiators to register as well, {@link REGISTRATIONS_MAX} at most. ISIDs may be empty. */
  readonly others: readonly NexusName[];
  /** ALL_TG_PT: through every portal group of the target. */
  readonly allTargetPorts: boolean;
  readonly aptpl: boolean;
  /** REGISTER AND MOVE: who gets the reservation, and whether the asker's registration ends. */
  readonly moveTo: NexusName | null;
  readonly unregister: boolean;
}

/** How an order ended. */
export type ReserveResult = 'good' | 'conflict' | 'invalidRelease' | 'invalidType' | 'invalidParameter' | 'noResources';

/** What a nexus hears by unit attention. */
export type ReservationNews = 'reservationsPreempted' | 'reservationsReleased' | 'registrationsPreempted';

/** Registrations of one unit: hosts of a large cluster over several paths. */
export const REGISTRATIONS_MAX = 256;

/** One registration. */
export interface Registration {
  readonly nexus: NexusName;
  readonly key: string;
  /** Registered with ALL_TG_PT. */
  readonly allTargetPorts: boolean;
}

/** The reservations of a unit, as workers hold them. */
export interface ReservationSnapshot {
  /** PRGENERATION. */
  readonly generation: number;
  readonly type: ReservationType;
  /** Index into the registrations; -1: there is no reservation, or all registrants hold it. */
  readonly holder: number;
  readonly registrations: readonly Registration[];
  /** Who has reserved the unit with RESERVE(6); never together with registrations. */
  readonly reservedBy: NexusName | null;
  /** APTPL of the last registration: what REPORT CAPABILITIES says (PTPL_A), and whether all of this outlasts a restart. */
  readonly aptpl: boolean;
}

/** Nobody is registered. */
export const NO_RESERVATIONS: ReservationSnapshot = {
  generation: 0,
  type: ReservationType.none,
  holder: -1,
  registrations: [],
  reservedBy: null,
  aptpl: false,
};

/** A nexus as one string: to compare and to index by. */
export function nexusKey({ initiatorName, isid, portalGroupTag }: NexusName): string {
  return `${initiatorName},i,0x${isid},t,0x${portalGroupTag.toString(16)}`;
}

/** Whether a nexus is the one that reservations name, or one of those they name: without an ISID it is every one of that initiator. */
export function covers(named: NexusName, { initiatorName, isid, portalGroupTag }: NexusName): boolean {
  return (
    named.initiatorName === initiatorName &&
    named.portalGroupTag === portalGroupTag &&
    (named.isid === '' || named.isid === isid)
  );
}

/** Every registrant holds the reservation. */
export function isAllRegistrants(type: ReservationType): boolean {
  return (
    type === ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS ||
    type === ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS
  );
}

/** Every registrant may do what the holder may. */
export function isForRegistrants(type: ReservationType): boolean {
  return (
    isAllRegistrants(type) ||
    type === ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY ||
    type === ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY
  );
}
