// A target for tests of what an operator may do to it: the real books of the control plane, and workers that only write down what they hear.

import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { NONE } from '../../src/base/free-list.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { Administration } from '../../src/control/administration.ts';
import { Admittance } from '../../src/control/admittance.ts';
import { Catalog } from '../../src/control/catalog.ts';
import { Endings } from '../../src/control/endings.ts';
import { THIS_MACHINE } from '../../src/control/machine.ts';
import { MeterBook } from '../../src/control/meter-book.ts';
import { Refusals } from '../../src/control/refusals.ts';
import { Requests } from '../../src/control/requests.ts';
import { ReservationAuthority } from '../../src/control/reservation-authority.ts';
import { Sessions } from '../../src/control/sessions.ts';
import { Tombstones } from '../../src/control/tombstones.ts';
import { UnitStateAuthority } from '../../src/control/unit-state-authority.ts';
import type { Workers } from '../../src/control/workers.ts';
import { SessionType } from '../../src/login/policy.ts';
import { DEFAULT_CONNECTION_PARAMETERS, type SessionParameters } from '../../src/pdu/parameters.ts';
import { Figures } from '../../src/ring/figures.ts';
import { LostWrites } from '../../src/ring/lost-writes.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import { Meters } from '../../src/ring/meters.ts';
import { Turns } from '../../src/ring/turns.ts';
import { Scratch } from '../support/scratch.ts';

const WORKERS = [0, 1];
const UNITS_MAX = 16;

/** See the file's head. */
export class OperatedTarget implements Disposable {
  readonly scratch = new Scratch('operated');
  readonly sessions = new Sessions();
  readonly tombstones = new Tombstones(() => performance.now());
  readonly admittance = new Admittance();
  readonly catalog: Catalog;
  readonly administration: Administration;
  readonly reservations: ReservationAuthority;
  readonly unitStates: UnitStateAuthority;
  /** What workers have said of syncs that failed. */
  readonly lostWrites = LostWrites.create();
  /** As they were loaded. */
  readonly settings: Settings;
  /** What the first worker heard, by type. */
  readonly heard: ToWorker[] = [];
  /** How files are synced, which a test may make slow. */
  sync = THIS_MACHINE.sync;
  /** How a worker gets its way to a disk, which a test may have fail. */
  connectDisk: Workers['connectDisk'] = () => {};
  readonly meters = Meters.create();
  readonly meterBook: MeterBook;

  /** Targets, and what is beside them, as they stand in a file; relative paths are in {@link scratch}. */
  constructor(targets: readonly object[], more: object = {}) {
    const file = this.scratch.file('lunaring.json');
    writeFileSync(file, JSON.stringify({ targets, ...more }));
    const { settings, findings } = loadSettings({ file, environment: {}, workingDirectory: this.scratch.path });
    if (settings === null) throw new Error(JSON.stringify(findings));
    this.settings = settings;
    const meterBook = new MeterBook(this.meters, () => this.sessions.identities());
    this.meterBook = meterBook;
    const figures = Figures.create(WORKERS.length, UNITS_MAX);
    const { lostWrites } = this;
    this.catalog = new Catalog(settings, { machineId: 'test', meters: meterBook, figures, lostWrites });
    const requests = new Requests();
    const workers = this.#workers(requests);
    const { catalog, sessions, tombstones, admittance } = this;
    const endings = new Endings(sessions, workers, requests);
    const log = pino({ level: 'silent' });
    const refusals = new Refusals();
    const books = { catalog, tombstones, sessions, admittance, refusals, meterBook };
    this.unitStates = new UnitStateAuthority(catalog, workers, requests, log);
    this.reservations = new ReservationAuthority(catalog, workers, requests, this.unitStates, log);
    const authorities = { reservations: this.reservations, unitStates: this.unitStates };
    const machine = { ...THIS_MACHINE, sync: (fd: number) => this.sync(fd) };
    this.administration = new Administration({ ...books, ...authorities, workers, requests, endings, machine, log });
  }

  /** They do at once what they are asked for. */
  #workers(requests: Requests): Workers {
    const send = (worker: number, message: ToWorker): void => {
      if (worker === WORKERS[0]) this.heard.push(message);
      if ('request' in message) queueMicrotask(() => requests.done(worker, message.request));
    };
    return {
      turns: Turns.create(),
      isRunning: () => true,
      running: () => WORKERS,
      send,
      answering: (worker) => (message) => send(worker, message),
      broadcast: (message) => {
        for (const worker of WORKERS) send(worker, message);
      },
      sendBuffer: () => {},
      connectDisk: (...given) => this.connectDisk(...given),
    };
  }

  /** Logs an initiator in to a target; answers the session's number. */
  logIn(initiatorName: string, targetName: string): number {
    const identity = { initiatorName, targetName, isid: '00023d000001', portalGroupTag: 1 };
    const tsih = this.sessions.nextTsih()!;
    const addresses = { peerAddress: '127.0.0.1', localAddress: '127.0.0.1' };
    const parameters = DEFAULT_CONNECTION_PARAMETERS;
    const connection = { id: tsih, cid: 1, ...addresses, since: new Date(), parameters };
    this.meterBook.ofInitiator(identity, this.catalog.find(targetName)?.settings.initiatorLimits ?? []);
    this.sessions.add({
      tsih,
      identity,
      sessionType: SessionType.normal,
      parameters: { maxConnections: 1 } as SessionParameters,
      initiatorAlias: '',
      worker: 0,
      close: null,
      busy: Promise.resolve(),
      connections: new Map([[1, connection]]),
      since: new Date(),
      figures: NONE,
    });
    return tsih;
  }

  [Symbol.dispose](): void {
    this.catalog.close();
    this.scratch[Symbol.dispose]();
  }
}
