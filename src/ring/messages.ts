// What main and the workers say to each other over the rings. One union each way; every message is plain data.
// How they travel is channel.ts's; who acts on them is control/control-plane.ts on main and session/session-host.ts on the other side.

import type { ConnectionParameters, SessionParameters } from '../pdu/parameters.ts';
import type { NexusName, ReservationNews, ReservationSnapshot, ReserveOrder, ReserveResult } from './reservations.ts';
import type { StateNews, StateOrder, StateResult, UnitState } from './unit-state.ts';

/** Where a logical unit's bytes are. Descriptors are process-wide, so main opens a file once and all workers use its number. */
export type BackendSnapshot =
  | {
      readonly kind: 'file';
      readonly fd: number;
      readonly path: string;
      readonly direct: boolean;
      readonly canPunch: boolean;
    }
  /** In the memory that the unit's parcel (parcel.ts) has brought. */
  | { readonly kind: 'memory'; readonly atomic: boolean }
  | { readonly kind: 'null' }
  /** Another thread's: its parcel has brought the exchange with that. */
  | { readonly kind: 'custom'; readonly timeoutMs: number };

/** All that a worker needs to know of a logical unit. Main is the authority; a newer snapshot with the same id replaces it. */
export interface UnitSnapshot {
  /** Below UNITS_MAX of turns.ts. No other unit has it as long as a worker may know this one. */
  readonly id: number;
  readonly targetName: string;
  readonly lun: number;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  /** Whether an acknowledged WRITE may still be in a volatile cache: what the caching mode page's WCE says. */
  readonly writeCache: boolean;
  /** Unit serial number, at most 32 ASCII characters; stable over restarts. */
  readonly serial: string;
  /** NAA IEEE registered extended or locally assigned identifier: 16 or 32 hex digits. */
  readonly naa: string;
  /** How the files begin in which reservations (APTPL) and saved mode parameters outlast a restart, and no other unit's do; null: nothing does. */
  readonly statePath: string | null;
  /** Whether unmapped blocks read as zeroes and give their space back. */
  readonly thin: boolean;
  /** Its meter (meters.ts); -1: it is not limited. */
  readonly meter: number;
  /** Its slot among the figures of units (figures.ts); -1: it is not counted. */
  readonly figures: number;
  /** Tags of the portal groups that serve it: its target port groups, each of one port. */
  readonly portalGroups: readonly number[];
  readonly backend: BackendSnapshot;
}

/** A logged-in connection on its way to a worker: everything the login phase found out, in one record. */
export interface Handoff {
  readonly type: 'handoff';
  /** Unique; the answer carries it. */
  readonly id: number;
  /** The socket's descriptor, duplicated for the worker. It is the worker's from acceptance on. */
  readonly fd: number;
  readonly initiatorName: string;
  readonly targetName: string;
  /** The six ISID bytes in hex. */
  readonly isid: string;
  readonly tsih: number;
  readonly cid: number;
  readonly portalGroupTag: number;
  readonly peerAddress: string;
  /** The next CmdSN that the session expects. */
  readonly expCmdSN: number;
  /** The StatSN that follows the final Login Response's. */
  readonly statSN: number;
  /** ExpStatSN of the first Login Request: of the connection that this one restarts, if it does (RFC 7143 §11.12.9). */
  readonly expStatSN: number;
  readonly session: SessionParameters;
  readonly connection: ConnectionParameters;
  /** LUN number and unit id, in LUN order; -1: that unit is about to come. */
  readonly luns: readonly (readonly [lun: number, unit: number])[];
  /** This I_T nexus has not been here since the target was started: it is told so by unit attention. */
  readonly afterPowerOn: boolean;
  /** The answer to SendTargets inside this session: `TargetName=…` and its addresses, NUL-terminated pairs. */
  readonly sendTargets: string;
  /** The final Login Response, headers and text, in base64. The worker sends it as its first bytes. */
  readonly finalResponse: string;
  /** Bytes that had arrived behind the final Login Request, in base64. */
  readonly received: string;
  /** The connection joins a session that its worker must still have. */
  readonly joins: boolean;
  /** Commands that one session may have outstanding. */
  readonly queueDepth: number;
  /** After this long without a PDU, ask with a NOP-In; after as long again, drop the connection. 0: never. */
  readonly nopIntervalMs: number;
  /** The initiator's meter (meters.ts); -1: it is not limited. */
  readonly meter: number;
  /** The session's slot among the figures of sessions (figures.ts); -1: it is not counted. */
  readonly figures: number;
}

/** Why a worker does not take a connection. */
export const RefusalReason = {
  /** No I/O memory for another connection. */
  memory: 'memory',
  /** No commands are left to promise to another session. */
  commands: 'commands',
  stopping: 'stopping',
  /** The session that the connection was to join has just ended. */
  sessionEnded: 'sessionEnded',
} as const;
export type RefusalReason = (typeof RefusalReason)[keyof typeof RefusalReason];

/** A task management function that reaches beyond one session, so that every worker must apply it. */
export interface SharedReset {
  readonly kind: 'logicalUnit' | 'target' | 'clearTaskSet';
  /** Units concerned, by id. */
  readonly units: readonly number[];
  /** TSIH of the session that asked: it is told by the response, the others by unit attention. */
  readonly byTsih: number;
  /** TARGET COLD RESET: connections of the target close as well. */
  readonly closeConnections: boolean;
}

/** Main to worker. */
export type ToWorker =
  | Handoff
  | { readonly type: 'unit'; readonly unit: UnitSnapshot }
  /** `replaced`: another is about to come under its number. Apply, then answer with `done`. */
  | { readonly type: 'unitRemoved'; readonly id: number; readonly request: number; readonly replaced?: boolean }
  /** The thread of a custom disk has ended: nothing is answered any more. */
  | { readonly type: 'diskLost'; readonly unit: number }
  /** Sessions of a target address these units (-1: about to come) from now on, and hear of it. Apply, then answer with `done`. */
  | {
      readonly type: 'lunMap';
      readonly request: number;
      readonly targetName: string;
      readonly luns: readonly (readonly [lun: number, unit: number])[];
    }
  /** Apply, then answer with `done`. */
  | { readonly type: 'reset'; readonly request: number; readonly reset: SharedReset }
  /** The reservations of a unit are these now; some hear of it, and some lose their tasks. Apply, then answer with `done`. */
  | {
      readonly type: 'reservation';
      readonly request: number;
      readonly unit: number;
      readonly state: ReservationSnapshot;
      readonly news: readonly { readonly nexus: NexusName; readonly news: ReservationNews }[];
      readonly abort: readonly NexusName[];
    }
  /** The turn at a unit that this worker waits for may be free. */
  | { readonly type: 'turn'; readonly unit: number }
  /** The order that this worker passed on is carried out, everywhere. */
  | { readonly type: 'reserved'; readonly request: number; readonly result: ReserveResult }
  /** What initiators have made of a unit is this now; everybody but `by` (a nexus' key) hears of it. Apply, then answer with `done`. */
  | {
      readonly type: 'unitState';
      readonly request: number;
      readonly unit: number;
      readonly state: UnitState;
      readonly news: StateNews | null;
      readonly by: string | null;
    }
  /** The change that this worker passed on is made, everywhere. */
  | { readonly type: 'stateChanged'; readonly request: number; readonly result: StateResult }
  /** The reset that this worker asked for is applied everywhere. */
  | { readonly type: 'resetDone'; readonly request: number }
  /** The initiator of a session is limited by this meter from now on; -1: by none. */
  | { readonly type: 'sessionMeter'; readonly tsih: number; readonly meter: number }
  /** Ends one session (reinstatement, administration), its tasks with it; answer with `done`. */
  | {
      readonly type: 'endSession';
      readonly request: number;
      readonly tsih: number;
      readonly reason: string;
      /** The initiator is told beforehand (Async Message). */
      readonly announced: boolean;
    }
  /** Ends one connection (its CID logs in anew, or main gave up on it): answer with `done`. */
  | {
      readonly type: 'endConnection';
      readonly request: number;
      readonly tsih: number;
      readonly cid: number;
      readonly reason: string;
      /** Another connection follows in its place: the session stays, even if this was its last. */
      readonly replaced: boolean;
    }
  /** Ask every initiator to log out (Async Message), after `graceMs` finish what can end without them, and return. Main syncs. */
  | { readonly type: 'stop'; readonly graceMs: number };

/** A unit whose storage fails; see session/disk-failures.ts. */
export interface UnitFailure {
  readonly targetName: string;
  readonly lun: number;
  /** Empty: the unit is in no file. */
  readonly path: string;
  /** Its name, as in `EIO`. */
  readonly errno: string;
  /** What the last operation was that failed. Left out: a sync failed, and writes that were acknowledged may be lost. */
  readonly operation?: string;
  /** The block that failed; null: the operation is about none. Beside `operation`, like the next. */
  readonly lba?: number | null;
  /** Operations that failed since the unit was last told of: this one, or the last of so many. */
  readonly failures?: number;
}

/** Worker to main. */
export type FromWorker =
  | { readonly type: 'ready'; readonly engine: string; readonly description: string }
  | { readonly type: 'accepted'; readonly id: number }
  | { readonly type: 'refused'; readonly id: number; readonly reason: RefusalReason; readonly detail: string }
  /** The connection takes no part in its session any more. `id` is that of the hand-off that brought it; -1: only the session has ended. */
  | {
      readonly type: 'connectionEnded';
      readonly id: number;
      readonly tsih: number;
      readonly cid: number;
      readonly reason: string;
      readonly sessionEnded: boolean;
    }
  /** The initiator has declared another MaxRecvDataSegmentLength for this connection (RFC 7143 §13.12). */
  | {
      readonly type: 'redeclared';
      readonly tsih: number;
      readonly cid: number;
      readonly maxXmitDataSegmentLength: number;
    }
  | { readonly type: 'reset'; readonly request: number; readonly reset: SharedReset }
  /** Another worker has the turn at a unit, or may have it before this one; or this one gave it back, and others want it. */
  | { readonly type: 'turnWanted' | 'turnFreed'; readonly unit: number }
  /** An order of a command; `generation` is PRGENERATION as the worker knows it. */
  | {
      readonly type: 'reserve';
      readonly request: number;
      readonly order: ReserveOrder;
      readonly generation: number;
    }
  | { readonly type: 'changeState'; readonly request: number; readonly order: StateOrder }
  | { readonly type: 'done'; readonly request: number }
  | { readonly type: 'unitFailure'; readonly message: string; readonly failure: UnitFailure }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Record<string, unknown>;
    };
