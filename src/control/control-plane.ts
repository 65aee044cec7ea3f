// The control plane: catalog, logins, sessions, reservations, unit states and administration, put together; all that main decides.
// Threads, rings and listening sockets are target.ts's, so that nothing in here knows whether they are real.

import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { SessionIdentity } from '../login/policy.ts';
import { Figures, UNIT_FIGURES_MAX } from '../ring/figures.ts';
import { LostWrites } from '../ring/lost-writes.ts';
import type { FromWorker, SharedReset } from '../ring/messages.ts';
import { Meters } from '../ring/meters.ts';
import { Administration } from './administration.ts';
import { Catalog } from './catalog.ts';
import { TargetEvents } from './events.ts';
import { introduceUnit } from './introduction.ts';
import { Logins, type LoginsOptions } from './logins.ts';
import type { Machine } from './machine.ts';
import { MeterBook } from './meter-book.ts';
import { sessionReport } from './reports.ts';
import { Requests } from './requests.ts';
import { ReservationAuthority } from './reservation-authority.ts';
import { Sessions } from './sessions.ts';
import { syncStorageAtEnd } from './storage-sync.ts';
import { TurnCalls } from './turn-calls.ts';
import { UnitStateAuthority } from './unit-state-authority.ts';
import type { WorkerEvents, Workers } from './workers.ts';

/** Memory that main and workers share, made by the control plane. */
export interface SharedMemory {
  /** What limits units and initiators. */
  readonly meters: Meters;
  /** What is counted of units and sessions. */
  readonly unitFigures: Figures;
  readonly sessionFigures: Figures;
  /** Units whose storage has lost writes. */
  readonly lostWrites: LostWrites;
}

/** What the control plane stands on. */
export interface ControlPlaneOptions {
  readonly settings: Settings;
  /** Makes the workers, none of them running yet. */
  readonly makeWorkers: (shared: SharedMemory, events: WorkerEvents) => Workers;
  /** The portals, with the ports that they really listen on. */
  readonly portals: LoginsOptions['portals'];
  readonly machine: Machine;
  readonly log: Logger;
}

/** See the file's head. Single-threaded; hears of the workers through {@link WorkerEvents}. */
export class ControlPlane implements WorkerEvents {
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly events: TargetEvents;
  readonly logins: Logins;
  readonly administration: Administration;
  /** What is counted of units. */
  readonly unitFigures: Figures;
  readonly #log: Logger;
  readonly #requests = new Requests();
  readonly #workers: Workers;
  readonly #reservations: ReservationAuthority;
  readonly #unitStates: UnitStateAuthority;
  readonly #turnCalls: TurnCalls;

  /** Opens the storage. Throws ConfigurationError for what the settings say, LunaringError for what can't be read; nothing stays open then. */
  constructor({ settings, makeWorkers, portals, machine, log }: ControlPlaneOptions) {
    this.#log = log;
    const events = new TargetEvents(log);
    this.events = events;
    const sessions = new Sessions({
      began: (entry) => events.tell('sessionBegin', () => [sessionReport(entry, sessions.figures)]),
      ended: (entry, reason) => events.tell('sessionEnd', () => [sessionReport(entry, sessions.figures), reason]),
    });
    this.sessions = sessions;
    const meters = Meters.create();
    const meterBook = new MeterBook(meters, () => sessions.identities());
    this.unitFigures = Figures.create(settings.tuning.workers, UNIT_FIGURES_MAX);
    const { unitFigures } = this;
    const lostWrites = LostWrites.create();
    this.catalog = new Catalog(settings, { meters: meterBook, figures: unitFigures, lostWrites });
    for (const path of this.catalog.created) log.info({ path }, 'made a file that was missing, sparse');
    const workers = makeWorkers({ meters, unitFigures, sessionFigures: sessions.figures, lostWrites }, this);
    this.#workers = workers;
    this.#turnCalls = new TurnCalls(workers.turns, (worker, unit) => workers.send(worker, { type: 'turn', unit }));
    try {
      this.#unitStates = new UnitStateAuthority(this.catalog, workers, this.#requests, log);
      this.#reservations = new ReservationAuthority(this.catalog, workers, this.#requests, this.#unitStates, log);
    } catch (error) {
      this.catalog.close();
      throw error;
    }
    const { catalog } = this;
    const shared = { catalog, sessions, workers, requests: this.#requests, meterBook, machine, log };
    this.logins = new Logins({ ...shared, settings, portals });
    const { admittance, endings, refusals, tombstones } = this.logins;
    refusals.listen((refusal) => events.tell('refusal', () => [refusal]));
    this.administration = new Administration({
      ...shared,
      admittance,
      endings,
      refusals,
      tombstones,
      reservations: this.#reservations,
      unitStates: this.#unitStates,
    });
  }

  /** Has the disks keep what was written, and closes them. No worker runs any more: what they were asked for is done. */
  close(): void {
    this.#requests.allLost();
    syncStorageAtEnd(this.catalog.store.withOpenStorage(), this.#log);
    this.catalog.close();
  }

  // What the workers say

  /** A worker that has just started learns of every unit. */
  started(worker: number): void {
    const context = {
      workers: this.#workers,
      catalog: this.catalog,
      reservations: this.#reservations,
      unitStates: this.#unitStates,
    };
    for (const unit of this.catalog.units) introduceUnit(context, worker, unit);
  }

  message(worker: number, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#log.info({ worker }, `worker: ${message.description}`);
        return;
      case 'accepted':
      case 'refused':
        this.logins.handoffs.answered(message);
        return;
      case 'connectionEnded':
        this.#connectionEnded(message);
        return;
      case 'redeclared':
        this.sessions.redeclared(message.tsih, message.cid, message.maxXmitDataSegmentLength);
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
        void this.#reservations.order(worker, message.request, message.order, message.generation);
        return;
      case 'changeState':
        void this.#unitStates.order(worker, message.request, message.order);
        return;
      case 'done':
        this.#requests.done(worker, message.request);
        return;
      case 'unitFailure':
        this.#unitFailed(worker, message);
        return;
      case 'log':
        this.#log[message.level]({ worker, ...message.fields }, message.message);
    }
  }

  #unitFailed(worker: number, { failure, message }: Extract<FromWorker, { type: 'unitFailure' }>): void {
    this.#log.error({ worker, ...failure }, message);
    this.events.tell('unitFailure', () => [{ ...failure, message }]);
  }

  #connectionEnded({ tsih, cid, id, reason, sessionEnded }: Extract<FromWorker, { type: 'connectionEnded' }>): void {
    const identity = this.sessions.find(tsih)?.identity;
    this.logins.endings.connectionEnded(tsih, cid, id, sessionEnded, reason);
    if (sessionEnded && identity !== undefined) this.#nexusLost(identity);
  }

  /** A session has ended: what its I_T nexus held for as long as it lasts is free. */
  #nexusLost(identity: SessionIdentity): void {
    this.#reservations.nexusLost(identity.targetName, identity);
    this.#unitStates.nexusLost(identity.targetName, identity);
  }

  /** A reset reaches every worker before the one that asked hears that it is done. */
  async #reset(asker: number, askersRequest: number, reset: SharedReset): Promise<void> {
    const workers = this.#workers;
    const answer = workers.answering(asker);
    await this.#requests.ask(workers.running(), (worker, request) =>
      workers.send(worker, { type: 'reset', request, reset }),
    );
    if (reset.kind !== 'clearTaskSet') {
      await this.#reservations.reset(reset.units);
      await this.#unitStates.reset(reset.units);
    }
    answer({ type: 'resetDone', request: askersRequest });
  }

  lost(worker: number, error: Error): void {
    const { lost, nexuses } = this.sessions.removeWorker(worker);
    this.#log.error({ worker, err: error, sessions: lost.length }, 'a worker failed; its sessions are gone');
    this.logins.handoffs.lost(worker);
    this.#requests.lost(worker);
    this.#unitStates.workerLost(worker);
    for (const identity of nexuses) this.#nexusLost(identity);
    for (const unit of this.#workers.turns.release(worker)) this.#turnCalls.freed(unit);
  }

  stopped(worker: number): void {
    this.logins.handoffs.stopped(worker);
    this.#requests.lost(worker);
  }
}
