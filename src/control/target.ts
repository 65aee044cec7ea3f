// The running target on main: what `lunaring serve` starts, watches and stops.
// Puts the parts of control/ together and carries the workers' messages to them; what each does is in its own file.

import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import { probeEngine } from '../engine/choose.ts';
import type { SessionIdentity } from '../login/policy.ts';
import { Figures, UNIT_FIGURES_MAX } from '../ring/figures.ts';
import type { FromWorker, SharedReset } from '../ring/messages.ts';
import { Meters } from '../ring/meters.ts';
import type { Administration } from './administration.ts';
import { Catalog } from './catalog.ts';
import { Logins } from './logins.ts';
import { MeterBook } from './meter-book.ts';
import { Portal } from './portal.ts';
import { Requests } from './requests.ts';
import { ReservationAuthority } from './reservation-authority.ts';
import { Sessions } from './sessions.ts';
import { syncStorage } from './storage.ts';
import { Supervisor } from './supervisor.ts';
import { TurnCalls } from './turn-calls.ts';
import { UnitStateAuthority } from './unit-state-authority.ts';

/** A portal that is listened on; `port` is the real one where 0 was configured. */
export interface RunningPortal {
  readonly address: string;
  readonly port: number;
  readonly tag: number;
}

/** A target that takes logins. */
export interface RunningTarget {
  readonly portals: readonly RunningPortal[];
  /** The engine in use, and why it was taken. */
  readonly engine: string;
  readonly engineReason: string;
  readonly workers: number;
  /** What an operator may do while it runs. */
  readonly administration: Administration;
  /** Drains: new logins are refused, sessions asked to log out, data synced. Resolves when every thread has ended. */
  stop(): Promise<void>;
  /** Resolves when the target can't go on; never otherwise. */
  readonly failed: Promise<Error>;
}

/** Sessions that are asked to log out have this long before they are ended. */
const DRAIN_GRACE_MS = 5000;
const MIB = 1024 * 1024;

/** Starts serving. Throws ConfigurationError for what the settings say, LunaringError for what the machine does not allow. */
export async function startTarget(settings: Settings, log: Logger): Promise<RunningTarget> {
  const target = new Target(settings, log);
  try {
    await target.start();
  } catch (error) {
    await target.abandon();
    throw error;
  }
  return target;
}

class Target implements RunningTarget {
  readonly engine: string;
  readonly engineReason: string;
  readonly workers: number;
  readonly failed: Promise<Error>;
  readonly #log: Logger;
  readonly #catalog: Catalog;
  readonly #unitFigures: Figures;
  readonly #sessions = new Sessions();
  readonly #requests = new Requests();
  readonly #supervisor: Supervisor;
  readonly #logins: Logins;
  readonly #reservations: ReservationAuthority;
  readonly #unitStates: UnitStateAuthority;
  readonly #turnCalls: TurnCalls;
  readonly #portals: readonly Portal[];
  #fail!: (error: Error) => void;

  constructor(settings: Settings, log: Logger) {
    this.#log = log;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    const { tuning } = settings;
    const { engine, reason } = probeEngine(tuning.engine);
    this.engine = engine;
    this.engineReason = reason;
    this.workers = tuning.workers;
    log.info({ engine }, `engine: ${reason}`);
    const meters = Meters.create();
    const meterBook = new MeterBook(meters, () => this.#sessions.identities());
    this.#unitFigures = Figures.create(tuning.workers, UNIT_FIGURES_MAX);
    this.#catalog = new Catalog(settings, { meters: meterBook, figures: this.#unitFigures });
    for (const path of this.#catalog.created) log.info({ path }, 'made a file that was missing, sparse');
    const supervisorOptions = {
      workers: tuning.workers,
      engine,
      slabBytes: tuning.slabMiB * MIB,
      cpus: tuning.cpus,
      meters,
      unitFigures: this.#unitFigures,
      sessionFigures: this.#sessions.figures,
    };
    this.#supervisor = new Supervisor(
      supervisorOptions,
      {
        message: (worker, message) => this.#takeMessage(worker, message),
        started: (worker) => this.#introduce(worker),
        lost: (worker, error) => this.#workerLost(worker, error),
        hopeless: (error) => this.#fail(error),
      },
      log,
    );
    this.#turnCalls = new TurnCalls(this.#supervisor.turns, (worker, unit) =>
      this.#supervisor.send(worker, { type: 'turn', unit }),
    );
    this.#reservations = new ReservationAuthority(this.#catalog, this.#supervisor, this.#requests, log);
    this.#unitStates = new UnitStateAuthority(this.#catalog, this.#supervisor, this.#requests, log);
    this.#logins = new Logins({
      settings,
      catalog: this.#catalog,
      sessions: this.#sessions,
      supervisor: this.#supervisor,
      requests: this.#requests,
      meterBook,
      portals: () => this.portals,
      log,
    });
    this.#portals = settings.portals.map((portal) => new Portal(portal, this.#logins.context));
  }

  get portals(): readonly RunningPortal[] {
    return this.#portals.map(({ settings: { address, tag }, port }) => ({ address, port, tag }));
  }

  get administration(): Administration {
    return this.#logins.administration;
  }

  async start(): Promise<void> {
    await this.#supervisor.start();
    for (const portal of this.#portals) await portal.listen();
  }

  /** What was started of a start that failed ends. */
  async abandon(): Promise<void> {
    await Promise.all(this.#portals.map((portal) => portal.close()));
    await this.#supervisor.stop(0);
    this.#catalog.close();
  }

  async stop(): Promise<void> {
    this.#logins.admittance.draining = 'the target is stopping';
    await this.#supervisor.stop(DRAIN_GRACE_MS);
    await Promise.all(this.#portals.map((portal) => portal.close()));
    syncStorage(this.#catalog.units, this.#log);
    this.#catalog.close();
  }

  // Workers

  /** A worker that has just started learns of every unit. */
  #introduce(worker: number): void {
    for (const [handle, memory] of this.#catalog.memories) this.#supervisor.sendBuffer(worker, { handle, memory });
    for (const unit of this.#catalog.units) this.#supervisor.send(worker, { type: 'unit', unit });
    this.#reservations.introduce(worker);
    this.#unitStates.introduce(worker);
  }

  #takeMessage(worker: number, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#log.info({ worker }, `worker: ${message.description}`);
        return;
      case 'accepted':
      case 'refused':
        this.#logins.handoffs.answered(message);
        return;
      case 'connectionEnded':
        this.#connectionEnded(message);
        return;
      case 'reset':
        void this.#reset(worker, message.request, message.reset);
        return;
      case 'turnWanted':
        this.#turnCalls.wanted(worker, message.unit);
        return;
      case 'turnFreed':
        this.#turnCalls.freed(message.unit);
        return;
      case 'reserve':
        this.#reservations.order(worker, message.request, message.order);
        return;
      case 'changeState':
        void this.#unitStates.order(worker, message.request, message.order);
        return;
      case 'done':
        this.#requests.done(worker, message.request);
        return;
      case 'log':
        this.#log[message.level]({ worker, ...message.fields }, message.message);
    }
  }

  #connectionEnded({ tsih, cid, id, sessionEnded }: Extract<FromWorker, { type: 'connectionEnded' }>): void {
    const identity = this.#sessions.find(tsih)?.identity;
    this.#logins.endings.connectionEnded(tsih, cid, id);
    if (sessionEnded && identity !== undefined) this.#nexusLost(identity);
  }

  /** A session has ended: what its I_T nexus held for as long as it lasts is free. */
  #nexusLost(identity: SessionIdentity): void {
    this.#reservations.nexusLost(identity.targetName, identity);
    this.#unitStates.nexusLost(identity.targetName, identity);
  }

  /** A reset reaches every worker before the one that asked hears that it is done. */
  async #reset(asker: number, askersRequest: number, reset: SharedReset): Promise<void> {
    const supervisor = this.#supervisor;
    await this.#requests.ask(supervisor.running(), (worker, request) =>
      supervisor.send(worker, { type: 'reset', request, reset }),
    );
    if (reset.kind !== 'clearTaskSet') {
      await this.#reservations.reset(reset.units);
      await this.#unitStates.reset(reset.units);
    }
    supervisor.send(asker, { type: 'resetDone', request: askersRequest });
  }

  #workerLost(worker: number, error: Error): void {
    const lost = this.#sessions.removeWorker(worker);
    this.#log.error({ worker, err: error, sessions: lost.length }, 'a worker failed; its sessions are gone');
    this.#logins.handoffs.lost(worker);
    this.#requests.lost(worker);
    this.#unitStates.workerLost(worker);
    for (const { identity } of lost) this.#nexusLost(identity);
    for (const unit of this.#supervisor.turns.release(worker)) this.#turnCalls.freed(unit);
  }
}
