// What the target has counted, for whoever watches it: read from shared memory and main's own books, so that no worker hears of it.
// How it is told to people and monitoring is for the layers above.

import type { TargetSettings } from '../config/settings.ts';
import type { Figures } from '../ring/figures.ts';
import type { Admittance } from './admittance.ts';
import type { Catalog } from './catalog.ts';
import type { Refusals } from './refusals.ts';
import { ON_MAIN, type Sessions } from './sessions.ts';
import type { Supervisor, WorkerReading } from './supervisor.ts';

/** A unit and its figures over all workers (ring/figures.ts); those of units that are not counted are zeroes. */
export interface UnitReading {
  /** No other unit has it meanwhile. */
  readonly id: number;
  readonly targetName: string;
  readonly lun: number;
  readonly bytes: number;
  /** A sync of its storage has failed. */
  readonly lostWrites: boolean;
  readonly figures: Float64Array;
}

/** A session that a worker serves, and its figures. */
export interface SessionReading {
  readonly targetName: string;
  readonly initiatorName: string;
  readonly initiatorAlias: string;
  readonly tsih: number;
  readonly worker: number;
  readonly since: Date;
  /** Of its connections, each `address:port`. */
  readonly peers: readonly string[];
  readonly figures: Float64Array;
}

/** A target, and how many use it. */
export interface TargetReading {
  readonly name: string;
  readonly state: TargetSettings['state'];
  readonly sessions: number;
  readonly connections: number;
}

/** What is read. */
export interface ReadingsContext {
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly supervisor: Supervisor;
  readonly unitFigures: Figures;
  readonly refusals: Refusals;
  readonly admittance: Admittance;
}

/** The figures of a running target. Every call reads anew. */
export class Readings {
  readonly #context: ReadingsContext;

  constructor(context: ReadingsContext) {
    this.#context = context;
  }

  /** Whether logins are refused because the target drains. */
  get draining(): boolean {
    return this.#context.admittance.draining !== '';
  }

  /** Logins by status code, those that succeeded under `0000`. */
  get logins(): ReadonlyMap<string, number> {
    return this.#context.refusals.counts();
  }

  /** Logins that were refused. */
  get refusalCount(): number {
    return this.#context.refusals.total;
  }

  get sessionCount(): number {
    return this.#context.sessions.size;
  }

  targets(): TargetReading[] {
    const { catalog, sessions } = this.#context;
    return catalog.targets.map(({ name, settings: { state } }) => ({ name, state, ...sessions.countOf(name) }));
  }

  units(): UnitReading[] {
    const { catalog, unitFigures } = this.#context;
    return catalog.units.map((unit) => ({
      id: unit.id,
      targetName: unit.targetName,
      lun: unit.lun,
      bytes: unit.blockSize * unit.blockCount,
      lostWrites: catalog.store.lossOf(unit) !== 0,
      figures: unitFigures.total(unit.figures),
    }));
  }

  /** Discovery sessions, which main serves itself, left out. */
  sessions(): SessionReading[] {
    const { sessions } = this.#context;
    return [...sessions.all()]
      .filter(({ worker }) => worker !== ON_MAIN)
      .map(({ identity, initiatorAlias, tsih, worker, since, connections, figures }) => ({
        targetName: identity.targetName,
        initiatorName: identity.initiatorName,
        initiatorAlias,
        tsih,
        worker,
        since,
        peers: [...connections.values()].map(({ peerAddress }) => peerAddress),
        figures: sessions.figures.total(figures),
      }));
  }

  workers(): WorkerReading[] {
    const { supervisor } = this.#context;
    return Array.from({ length: supervisor.count }, (_, worker) => supervisor.reading(worker));
  }

  /** What each worker has counted of all units together, those that are gone included. */
  unitTotals(): Float64Array[] {
    const { unitFigures } = this.#context;
    return Array.from({ length: unitFigures.writers }, (_, worker) => unitFigures.totalOf(worker));
  }
}
