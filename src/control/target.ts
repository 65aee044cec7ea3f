// The running target on main: what `lunaring serve` starts, watches and stops.
// Gives the control plane what it stands on, threads and listening sockets; what it decides is control-plane.ts's.

import type { Logger } from 'pino';
import { MIB } from '../config/limits.ts';
import type { Settings } from '../config/settings.ts';
import { probeEngine } from '../engine/choose.ts';
import { libc } from '../kernel/libc.ts';
import type { Administration } from './administration.ts';
import { chooseCongestionControl } from './congestion.ts';
import { ControlPlane } from './control-plane.ts';
import type { TargetEvents } from './events.ts';
import { COMMON_NAME_REMEDY, readMachineId, unitsOfCommonName } from './identity.ts';
import type { LoginSettings } from './login-settings.ts';
import { THIS_MACHINE } from './machine.ts';
import { Portals, type RunningPortal } from './portals.ts';
import { Readings } from './readings.ts';
import { Supervisor } from './supervisor.ts';

/** A target that takes logins. */
export interface RunningTarget {
  readonly portals: readonly RunningPortal[];
  /** The engine in use, and why it was taken. */
  readonly engine: string;
  readonly engineReason: string;
  readonly workers: number;
  /** What an operator may do while it runs. */
  readonly administration: Administration;
  /** What happens to it. */
  readonly events: TargetEvents;
  /** What it has counted. */
  readonly readings: Readings;
  /** Where it listens, to be changed. */
  readonly listeners: Portals;
  /** What the next login meets, to be changed. */
  readonly loginSettings: LoginSettings;
  /** Drains: new logins are refused, sessions asked to log out, data synced. Resolves when every thread has ended. */
  stop(): Promise<void>;
  /** Resolves when the target can't go on; never otherwise. */
  readonly failed: Promise<Error>;
}

/** Sessions that are asked to log out have this long before they are ended. */
const DRAIN_GRACE_MS = 5000;

/** Starts serving. Throws ConfigurationError for what the settings say, LunaringError for what the machine does not allow. */
export async function startTarget(settings: Settings, log: Logger): Promise<RunningTarget> {
  // Where that fails nothing can be served, and no file of a unit is made.
  libc();
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
  readonly readings: Readings;
  readonly listeners: Portals;
  readonly loginSettings: LoginSettings;
  readonly #settings: Settings;
  readonly #plane: ControlPlane;
  #supervisor!: Supervisor;
  #fail!: (error: Error) => void;

  constructor(settings: Settings, log: Logger) {
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    this.#settings = settings;
    const { tuning } = settings;
    const { engine, reason } = probeEngine(tuning.engine);
    this.engine = engine;
    this.engineReason = reason;
    this.workers = tuning.workers;
    log.info({ engine }, `engine: ${reason}`);
    const units = unitsOfCommonName(settings.targets, readMachineId());
    if (units.length > 0) {
      log.warn(
        { units },
        `no machine id: other machines may give the same names to other disks; ${COMMON_NAME_REMEDY}`,
      );
    }
    this.#plane = new ControlPlane({
      settings,
      makeWorkers: (shared, events) => {
        const options = {
          workers: tuning.workers,
          engine,
          slabBytes: tuning.slabMiB * MIB,
          busyPollUs: tuning.busyPollUs,
          coalesceUs: tuning.coalesceUs,
          sqPoll: tuning.sqPoll,
          cpus: tuning.cpus,
          ...shared,
        };
        this.#supervisor = new Supervisor(options, events, (error) => this.#fail(error), log);
        return this.#supervisor;
      },
      portals: () => this.portals,
      machine: THIS_MACHINE,
      log,
    });
    const { catalog, sessions, logins, unitFigures } = this.#plane;
    this.readings = new Readings({
      catalog,
      sessions,
      supervisor: this.#supervisor,
      unitFigures,
      refusals: logins.refusals,
      admittance: logins.admittance,
    });
    const congestion = chooseCongestionControl(tuning.congestionControl);
    log.info({ congestionControl: congestion.name }, `congestion control: ${congestion.reason}`);
    this.listeners = new Portals(logins.context, congestion);
    this.loginSettings = logins.settings;
  }

  get portals(): readonly RunningPortal[] {
    return this.listeners.running;
  }

  get administration(): Administration {
    return this.#plane.administration;
  }

  get events(): TargetEvents {
    return this.#plane.events;
  }

  async start(): Promise<void> {
    await this.#supervisor.start();
    const { portals } = this.#settings;
    for (const portal of portals) await this.listeners.add(portal, portals);
  }

  /** What was started of a start that failed ends. */
  async abandon(): Promise<void> {
    await this.listeners.close();
    await this.#supervisor.stop(0);
    this.#plane.catalog.close();
  }

  async stop(): Promise<void> {
    this.#plane.logins.admittance.draining = 'the target is stopping';
    await this.#supervisor.stop(DRAIN_GRACE_MS);
    await this.listeners.close();
    this.#plane.close();
  }
}
