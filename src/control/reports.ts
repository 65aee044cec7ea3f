// Targets, units and sessions as they are told to operators: plain data, with nothing in them that is secret.
// How they are printed or sent is for the layers above.

import type { LunSettings, TargetSettings } from '../config/settings.ts';
import { errnoName } from '../kernel/errno.ts';
import type { Redirect, SessionType } from '../login/policy.ts';
import type { SessionParameters } from '../pdu/parameters.ts';
import { Figure, type Figures } from '../ring/figures.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import type { Catalog, CatalogTarget } from './catalog.ts';
import type { ConnectionEntry, SessionEntry, Sessions } from './sessions.ts';

/** What was counted of a session, since it began. */
export interface SessionFigures {
  readonly reads: number;
  readonly writes: number;
  readonly others: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly errors: number;
  /** Current. */
  readonly inFlight: number;
}

/** A session, for a list of them. */
export interface SessionReport {
  readonly tsih: number;
  readonly sessionType: SessionType;
  readonly initiatorName: string;
  readonly initiatorAlias: string;
  /** 12 hex digits. */
  readonly isid: string;
  /** Empty: a discovery session. */
  readonly targetName: string;
  readonly portalGroupTag: number;
  /** Index of its worker; -1: main. */
  readonly worker: number;
  readonly since: Date;
  readonly parameters: SessionParameters;
  readonly connections: readonly ConnectionEntry[];
  readonly figures: SessionFigures;
}

/** A unit, for a list of them. */
export interface UnitReport {
  readonly lun: number;
  readonly backend: LunSettings['backend'];
  /** Empty: it has none. */
  readonly path: string;
  readonly bytes: number;
  readonly blockSize: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly serial: string;
  readonly naa: string;
  readonly limits: LunSettings['limits'] | null;
  /** The errno of a sync that failed, as in `EIO`: nothing is promised to last since then. Null: none has since the storage was opened. */
  readonly lostWrites: string | null;
}

/** A target, for a list of them. */
export interface TargetReport {
  readonly name: string;
  readonly alias: string;
  readonly state: TargetSettings['state'];
  readonly redirect: Redirect | null;
  readonly portalGroups: readonly number[];
  readonly sessions: number;
  readonly connections: number;
  readonly sessionLimit: number;
  readonly connectionLimit: number;
  readonly maxConnections: number;
  readonly digests: TargetSettings['digests'];
  /** The highest that is offered. */
  readonly errorRecoveryLevel: number;
  readonly acl: TargetSettings['acl'];
  /** How initiators prove who they are, and the names of those who can. */
  readonly auth: {
    readonly method: TargetSettings['auth']['method'];
    readonly users: readonly string[];
    readonly mutual: boolean;
  };
  /** Initiators that are sent elsewhere, and where. */
  readonly redirects: TargetSettings['redirects'];
  readonly initiatorLimits: TargetSettings['initiatorLimits'];
  readonly units: readonly UnitReport[];
}

export function sessionReport(entry: SessionEntry, figures: Figures): SessionReport {
  const { tsih, identity, sessionType, initiatorAlias, worker, since, parameters, connections } = entry;
  const total = figures.total(entry.figures);
  const of = (figure: Figure) => total[figure]!;
  return {
    tsih,
    ...identity,
    sessionType,
    initiatorAlias,
    worker,
    since,
    parameters,
    connections: [...connections.values()],
    figures: {
      reads: of(Figure.reads),
      writes: of(Figure.writes),
      others: of(Figure.others),
      bytesRead: of(Figure.bytesRead),
      bytesWritten: of(Figure.bytesWritten),
      errors: of(Figure.errors),
      inFlight: of(Figure.inFlight),
    },
  };
}

/** `lossErrno` is that of the sync by which it lost writes; 0: it has lost none. */
function unitReport(unit: UnitSnapshot, limits: LunSettings['limits'], lossErrno: number): UnitReport {
  const { lun, blockSize, blockCount, readOnly, removable, serial, naa, backend } = unit;
  return {
    lun,
    backend: backend.kind,
    path: backend.kind === 'file' ? backend.path : '',
    bytes: blockSize * blockCount,
    blockSize,
    readOnly,
    removable,
    serial,
    naa,
    limits: limits ?? null,
    lostWrites: lossErrno === 0 ? null : errnoName(lossErrno),
  };
}

export function targetReport(target: CatalogTarget, catalog: Catalog, sessions: Sessions): TargetReport {
  const { name, settings } = target;
  const {
    alias = '',
    state,
    redirect = null,
    portalGroups,
    sessionLimit,
    connectionLimit,
    maxConnections,
    digests,
    errorRecoveryLevel,
    acl,
    auth,
    redirects,
    initiatorLimits,
  } = settings;
  const users = auth.method === 'chap' ? auth.users.map((user) => user.name) : [];
  const mutual = auth.method === 'chap' && auth.mutual !== undefined;
  const limits = new Map(settings.luns.map((lun) => [lun.lun, lun.limits]));
  return {
    name,
    alias,
    state,
    redirect,
    portalGroups,
    ...sessions.countOf(name),
    sessionLimit,
    connectionLimit,
    maxConnections,
    digests,
    errorRecoveryLevel,
    acl,
    auth: { method: auth.method, users, mutual },
    redirects,
    initiatorLimits,
    units: catalog.unitsOf(name).map((unit) => unitReport(unit, limits.get(unit.lun), catalog.store.lossOf(unit))),
  };
}
