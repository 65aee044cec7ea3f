// A target that a program serves, and what the program may do to it while it runs.
// Each change is control/administration.ts's; here the disks come and go with their units.

import type { EventEmitter } from 'node:events';
import { ConfigurationError, type Finding } from '../config/finding.ts';
import { judgeDirections, PartError, settleTargetPart, settleUnitPart, THE_BODY } from '../config/part.ts';
import type { LunSettings, TargetSettings } from '../config/settings.ts';
import type { TargetEventMap } from '../control/events.ts';
import type { RunningPortal } from '../control/portals.ts';
import type { SessionReport, TargetReport } from '../control/reports.ts';
import { StorageError } from '../control/storage.ts';
import { findingOf } from '../control/storage-finding.ts';
import type { RunningTarget } from '../control/target.ts';
import { judged, type RedirectOptions, type UnitLimitOptions } from './arguments.ts';
import type { Disks } from './disks.ts';
import { type LunOptions, ORIGIN, splitTarget, type TargetOptions } from './options.ts';

/** What stays the same for all units that come later. */
export interface ServedContext {
  readonly disks: Disks;
  /** What relative paths are relative to. */
  readonly directory: string;
}

/**
 * A running target: what createTarget answers. Names of targets are taken in any case; what answers false or undefined knows none of that
 * name. An argument that is not valid throws a {@link ConfigurationError}, and nothing is changed. All of this is for while the target runs:
 * once {@link close} is called, what would add to it throws a LunaringError.
 */
export class ServedTarget implements AsyncDisposable {
  /** Resolves with the reason when it can't go on (a worker fails again and again), never otherwise. {@link close} is still due. */
  readonly failed: Promise<Error>;
  readonly #running: RunningTarget;
  readonly #context: ServedContext;
  #closed: Promise<void> | null = null;

  constructor(running: RunningTarget, context: ServedContext) {
    this.#running = running;
    this.#context = context;
    this.failed = running.failed;
  }

  /** Where it listens; `port` is the real one where 0 was asked for. */
  get portals(): readonly RunningPortal[] {
    return this.#running.portals;
  }

  /**
   * What happens to it: sessions that begin and end, logins that are refused, units that fail. Listeners are called in order, on this thread,
   * after what was going on; what one throws is logged, and harms nobody.
   */
  get events(): EventEmitter<TargetEventMap> {
    return this.#running.events;
  }

  /** `uring` or `posix`, and why. */
  get engine(): string {
    return this.#running.engine;
  }

  get engineReason(): string {
    return this.#running.engineReason;
  }

  /** Threads that serve sessions. */
  get workers(): number {
    return this.#running.workers;
  }

  // Targets

  /** In the order in which they came. */
  targets(): TargetReport[] {
    return this.#running.administration.targets();
  }

  target(name: string): TargetReport | undefined {
    return this.#running.administration.target(judged('name', name));
  }

  /** Adds a target, and serves it when this resolves. Throws {@link ConfigurationError}; nothing is added then. */
  addTarget(options: TargetOptions): Promise<TargetReport> {
    return asProgram(() => this.#addTarget(options));
  }

  async #addTarget(options: TargetOptions): Promise<TargetReport> {
    const { disks, directory } = this.#context;
    const { administration, loginSettings } = this.#running;
    const { target, customs } = split(options);
    const settings = settleTargetPart(target, this.portals, directory);
    const others = administration.servedTargets().map(({ auth }) => auth);
    judgeDirections(settings.auth, [loginSettings.discovery.auth, ...others]);
    const luns = await disks.open(settings, customs, ['luns']);
    try {
      disks.check();
      return administration.addTarget({ ...settings, luns });
    } catch (error) {
      await disks.close(luns);
      throw error;
    }
  }

  /** Removes a target, and resolves when its sessions have ended and its disks are closed. Logins are refused with 0204 from now on. */
  async removeTarget(name: string): Promise<boolean> {
    const taken = this.#unitsOf(name);
    if (!(await this.#running.administration.removeTarget(name))) return false;
    await this.#context.disks.close(taken);
    return true;
  }

  /** An offline target refuses logins with 0301. Its sessions go on. */
  setState(name: string, state: TargetSettings['state']): boolean {
    return this.#running.administration.setState(judged('name', name), judged('state', state));
  }

  /** Sends logins to come elsewhere; null: takes them again. Sessions go on. */
  setRedirect(name: string, redirect: RedirectOptions | null): boolean {
    return this.#running.administration.setRedirect(judged('name', name), judged('redirect', redirect));
  }

  // Units

  /** Adds a unit; initiators that are logged in are told. Throws {@link ConfigurationError}; nothing is added then. */
  addUnit(name: string, options: LunOptions): Promise<boolean> {
    return asProgram(() => this.#addUnit(name, options));
  }

  async #addUnit(name: string, options: LunOptions): Promise<boolean> {
    const { disks, directory } = this.#context;
    disks.check();
    if (this.target(name) === undefined) return false;
    const { target, customs } = split({ name, luns: [options] });
    const lun = settleUnitPart(target.luns[0], this.portals, directory);
    const luns = await disks.open({ name, luns: [lun] }, customs, ['luns']);
    let added = false;
    try {
      disks.check();
      added = await this.#running.administration.addUnit(name, luns[0]!);
    } finally {
      if (!added) await disks.close(luns);
    }
    return added;
  }

  /** Removes a unit, and resolves when its commands have ended and its disk is closed. Initiators that are logged in are told. */
  async removeUnit(name: string, lun: number): Promise<boolean> {
    const taken = this.#unitsOf(name).filter((unit) => unit.lun === lun);
    if (!(await this.#running.administration.removeUnit(name, lun))) return false;
    await this.#context.disks.close(taken);
    return true;
  }

  /** The units that a target has at this moment: while they go, others may come in their places. */
  #unitsOf(name: string): readonly LunSettings[] {
    const served = this.target(name);
    const targets = this.#running.administration.servedTargets();
    return targets.find((target) => target.name === served?.name)?.luns ?? [];
  }

  /**
   * Makes a unit `bytes` long (a number, or a text such as '2GiB'); initiators that are logged in are told. A file grows, with null the unit
   * becomes as long as its file or device has become; the functions of a custom disk must serve the new blocks from now on. No unit
   * shrinks.
   */
  growUnit(name: string, lun: number, bytes: number | string | null): boolean {
    const [targetName, size] = [judged('name', name), judged('bytes', bytes)];
    try {
      return this.#running.administration.growUnit(targetName, lun, size);
    } catch (error) {
      throw error instanceof StorageError
        ? new ConfigurationError([{ ...findingOf(error, [], ORIGIN), path: 'bytes' }])
        : error;
    }
  }

  /** Limits how fast a unit may be used; undefined: not at all. */
  limitUnit(name: string, lun: number, limits: UnitLimitOptions | undefined): boolean {
    return this.#running.administration.limitUnit(judged('name', name), lun, judged('limits', limits));
  }

  // Sessions

  sessions(): SessionReport[] {
    return this.#running.administration.sessions();
  }

  /** Ends a session; its initiator is told beforehand, and may log in anew. */
  endSession(tsih: number): Promise<boolean> {
    return this.#running.administration.endSession(tsih);
  }

  /** Refuses every login with 0301 from now on; an empty reason takes them again. Sessions go on. */
  drain(reason: string): void {
    this.#running.administration.drain(judged('reason', reason));
  }

  /**
   * Ends the target: initiators are asked to log out and have five seconds for it, commands finish, files are synced, disks flushed and
   * closed. Throws what the functions of disks throw; everything has ended even so. Calling it again waits for the same end.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#context.disks.refuse();
    try {
      await this.#running.stop();
    } finally {
      await this.#context.disks.closeAll();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Throws {@link ConfigurationError} for what the schema can't judge. */
function split(options: TargetOptions) {
  const findings: Finding[] = [];
  const parts = splitTarget(options, [], (finding) => findings.push(finding));
  if (findings.length !== 0) throw new ConfigurationError(findings);
  return parts;
}

/** Does `work`, and has what is found wrong be the same error that createTarget throws: of the program's options, not of a request's body. */
async function asProgram<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PartError || error instanceof ConfigurationError)) throw error;
    const pathOf = ({ path }: Finding): string => (path === THE_BODY ? 'options' : path);
    throw new ConfigurationError(
      error.findings.map((finding) => ({ ...finding, path: pathOf(finding), origin: ORIGIN })),
    );
  }
}
