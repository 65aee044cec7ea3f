// What an operator does to a running target: targets and units added, changed, taken offline, redirected and removed, sessions listed and
// ended. How the wish is expressed (HTTP, a library call) is for the layers above; what it means for a login is policy.ts's.

import type { Logger } from 'pino';
import type { LunSettings, TargetSettings, UnitLimitSettings } from '../config/settings.ts';
import type { Redirect } from '../login/policy.ts';
import { Figure } from '../ring/figures.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import type { Admittance } from './admittance.ts';
import type { Catalog, CatalogTarget } from './catalog.ts';
import type { Endings } from './endings.ts';
import { Enrolment, NO_REMAINS, type Remains } from './enrolment.ts';
import type { Machine } from './machine.ts';
import type { MeterBook } from './meter-book.ts';
import type { Refusals } from './refusals.ts';
import type { Rehearsal } from './rehearsal.ts';
import { type SessionReport, sessionReport, type TargetReport, targetReport } from './reports.ts';
import type { Requests } from './requests.ts';
import type { ReservationAuthority } from './reservation-authority.ts';
import type { SessionEntry, Sessions } from './sessions.ts';
import type { Tombstones } from './tombstones.ts';
import type { UnitStateAuthority } from './unit-state-authority.ts';
import type { Workers } from './workers.ts';

/** What of a target's settings may change while it is served. Logins to come meet the new values. */
export const CHANGEABLE = [
  'alias',
  'portalGroups',
  'acl',
  'auth',
  'redirects',
  'sessionLimit',
  'connectionLimit',
  'maxConnections',
  'digests',
  'errorRecoveryLevel',
  'initiatorLimits',
] as const satisfies readonly (keyof TargetSettings)[];

/** New values; what is left out stays. */
export type TargetChange = Partial<Pick<TargetSettings, (typeof CHANGEABLE)[number]>>;

/** What administration acts on. */
export interface AdministrationContext {
  readonly catalog: Catalog;
  readonly tombstones: Tombstones;
  readonly sessions: Sessions;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly endings: Endings;
  readonly admittance: Admittance;
  readonly refusals: Refusals;
  readonly meterBook: MeterBook;
  readonly reservations: ReservationAuthority;
  readonly unitStates: UnitStateAuthority;
  readonly machine: Machine;
  readonly log: Logger;
}

/**
 * A target or a unit that was taken out. {@link restore} puts it back, {@link release} has it gone for good. Until one of them is called, the
 * writes that it had lost count as lost for any other unit that opens its file.
 */
export interface Withdrawal {
  /**
   * Serves it as it was, with what its memory held, its reservations, its state, and the writes that it had lost; sessions that ended do not
   * come back. Throws ConfigurationError where something else is in its place by now, StorageError where its file is not there any more.
   */
  restore(): Promise<void>;
  release(): void;
}

/** The operator's hand. Names are taken in any case; what answers false or undefined knows none of that name. */
export class Administration {
  readonly #context: AdministrationContext;
  readonly #enrolment: Enrolment;

  constructor(context: AdministrationContext) {
    this.#context = context;
    this.#enrolment = new Enrolment(context);
  }

  get refusals(): Refusals {
    return this.#context.refusals;
  }

  // Targets

  /** In the order in which they came. */
  targets(): TargetReport[] {
    const { catalog, sessions } = this.#context;
    return catalog.targets.map((target) => targetReport(target, catalog, sessions));
  }

  target(name: string): TargetReport | undefined {
    const { catalog, sessions } = this.#context;
    const target = catalog.find(name);
    return target === undefined ? undefined : targetReport(target, catalog, sessions);
  }

  /** As a configuration would have them, secrets included: to be compared and saved, not to be told. */
  servedTargets(): TargetSettings[] {
    return this.#context.catalog.targets.map(({ settings }) => settings);
  }

  /** What is served has become what a configuration says: it is told of in the configuration's order, with the sizes that are named there. */
  arrangeTargets(targets: readonly TargetSettings[]): void {
    this.#context.catalog.arrange(targets);
  }

  /** Finds out what adding, growing and removing would come to; see there. */
  rehearsal(): Rehearsal {
    return this.#context.catalog.store.rehearsal();
  }

  /** Adds a target, and serves it when this returns. Throws ConfigurationError; nothing is added then. */
  addTarget(settings: TargetSettings): TargetReport {
    return this.#addTarget(settings, NO_REMAINS);
  }

  #addTarget(settings: TargetSettings, remains: Remains): TargetReport {
    const { catalog, log } = this.#context;
    this.#enrolment.judge(settings.luns, remains);
    const target = catalog.add(settings, remains.memories);
    this.#enrolment.introduce(catalog.unitsOf(target.name), () => catalog.remove(target.name), remains);
    log.info({ target: target.name }, remains === NO_REMAINS ? 'a target was added' : 'a target was put back');
    return this.target(target.name)!;
  }

  /** Changes what may change of a target. */
  changeTarget(name: string, change: TargetChange): boolean {
    const { catalog, workers, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    target.settings = { ...target.settings, ...change };
    // Its units tell of them as target ports.
    const units = change.portalGroups === undefined ? [] : catalog.regroup(target);
    for (const unit of units) workers.broadcast({ type: 'unit', unit });
    if (change.initiatorLimits !== undefined) this.#applyInitiatorLimits(target);
    log.info({ target: target.name, changed: Object.keys(change) }, 'a target was changed');
    return true;
  }

  /** An offline target refuses logins with 0301. Its sessions go on until they are ended. */
  setState(name: string, state: TargetSettings['state']): boolean {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    target.settings = { ...target.settings, state };
    log.info({ target: target.name, state }, 'the state of a target was set');
    return true;
  }

  /** Sends the logins to come elsewhere (0101, 0102); null clears that. Sessions go on until they are ended. */
  setRedirect(name: string, redirect: Redirect | null): boolean {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    const { redirect: _, ...settings } = target.settings;
    target.settings = redirect === null ? settings : { ...settings, redirect };
    log.info({ target: target.name, redirect }, 'the redirect of a target was set');
    return true;
  }

  /**
   * Removes a target: from now on its logins are refused with 0204. Resolves when its sessions have ended, what they wrote is on the
   * disk, and its storage is closed.
   */
  async removeTarget(name: string): Promise<boolean> {
    const withdrawal = await this.withdrawTarget(name);
    withdrawal?.release();
    return withdrawal !== undefined;
  }

  /** Removes a target as {@link removeTarget} does, so that it can be put back. */
  async withdrawTarget(name: string): Promise<Withdrawal | undefined> {
    const { catalog, tombstones, sessions, meterBook, log } = this.#context;
    const target = catalog.find(name);
    const removed = catalog.remove(name);
    if (target === undefined || removed === undefined) return undefined;
    tombstones.raise(target.settings);
    log.info({ target: target.name }, 'a target was removed');
    const own = [...sessions.of(target.name)];
    await Promise.all(own.map((entry) => this.#end(entry, 'its target was removed')));
    // Another of its name, which may be there already, has limits of its own.
    meterBook.change(target.name, catalog.find(target.name)?.settings.initiatorLimits ?? []);
    const remains = await this.#enrolment.dismiss(removed);
    return this.#withdrawal(remains, async () => void this.#addTarget(target.settings, remains));
  }

  // Units

  /** Adds a unit; the target's sessions are told that there are others than before. Throws ConfigurationError; nothing is added then. */
  addUnit(name: string, lun: LunSettings): Promise<boolean> {
    return this.#addUnit(name, lun, NO_REMAINS);
  }

  async #addUnit(name: string, lun: LunSettings, remains: Remains): Promise<boolean> {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    this.#enrolment.judge([lun], remains);
    const unit = catalog.addUnit(target, lun, remains.memories);
    this.#enrolment.introduce([unit], () => catalog.removeUnit(target, lun.lun), remains);
    await this.#enrolment.publishMap(target);
    const fields = { target: target.name, lun: lun.lun };
    log.info(fields, remains === NO_REMAINS ? 'a unit was added' : 'a unit was put back');
    return true;
  }

  /** Takes a unit away. Resolves when its tasks have ended, what was written is on the disk, and its storage is closed. */
  async removeUnit(name: string, lun: number, replaced = false): Promise<boolean> {
    const withdrawal = await this.withdrawUnit(name, lun, replaced);
    withdrawal?.release();
    return withdrawal !== undefined;
  }

  /** Takes a unit away, so that it can be put back. `replaced`: another is about to come under its number, and until then commands find it busy. */
  async withdrawUnit(name: string, lun: number, replaced = false): Promise<Withdrawal | undefined> {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    const settings = target?.settings.luns.find((each) => each.lun === lun);
    const removed = target === undefined ? undefined : catalog.removeUnit(target, lun, replaced);
    if (target === undefined || settings === undefined || removed === undefined) return undefined;
    const remains = await this.#enrolment.dismiss(removed, replaced);
    if (!replaced) await this.#enrolment.publishMap(target);
    log.info({ target: target.name, lun }, 'a unit was removed');
    return this.#withdrawal(remains, async () => {
      try {
        await this.#addUnit(target.name, settings, remains);
      } catch (error) {
        catalog.forgo(target, lun);
        await this.#enrolment.publishMap(target);
        throw error;
      }
    });
  }

  /** Makes a unit `bytes` long, or with null as long as its device has become; initiators are told. Throws StorageError. */
  growUnit(name: string, lun: number, bytes: number | null): boolean {
    return this.#changeUnit(name, lun, (unit, target) => {
      const grown = this.#context.catalog.store.grow(unit, bytes);
      const size = grown.blockCount * grown.blockSize;
      setLun(target, lun, (settings) => (settings.size === undefined ? settings : { ...settings, size }));
      return grown;
    });
  }

  /** Limits a unit; undefined lifts the limits. */
  limitUnit(name: string, lun: number, limits: UnitLimitSettings | undefined): boolean {
    return this.#changeUnit(name, lun, (unit, target) => {
      setLun(
        target,
        lun,
        ({ limits: _, ...settings }) => (limits === undefined ? settings : { ...settings, limits }) as LunSettings,
      );
      return this.#context.catalog.store.limit(unit, limits);
    });
  }

  #changeUnit(name: string, lun: number, change: (unit: UnitSnapshot, target: CatalogTarget) => UnitSnapshot): boolean {
    const { catalog, workers, log } = this.#context;
    const target = catalog.find(name);
    const unit = target === undefined ? undefined : catalog.unitAt(target, lun);
    if (target === undefined || unit === undefined) return false;
    workers.broadcast({ type: 'unit', unit: change(unit, target) });
    log.info({ target: target.name, lun }, 'a unit was changed');
    return true;
  }

  // Sessions

  /** Discovery sessions and those on their way to a worker included. */
  sessions(): SessionReport[] {
    const { sessions } = this.#context;
    return [...sessions.all()].map((entry) => sessionReport(entry, sessions.figures));
  }

  /** TSIHs of a target's sessions. */
  sessionsOf(name: string): number[] {
    const { catalog, sessions } = this.#context;
    const target = catalog.find(name);
    return target === undefined ? [] : [...sessions.of(target.name)].map(({ tsih }) => tsih);
  }

  session(tsih: number): SessionReport | undefined {
    const { sessions } = this.#context;
    const entry = sessions.find(tsih);
    return entry === undefined ? undefined : sessionReport(entry, sessions.figures);
  }

  /** Ends a session: its initiator is told, its tasks are aborted, its connections closed. Resolves when that is done. */
  async endSession(tsih: number): Promise<boolean> {
    const entry = this.#context.sessions.find(tsih);
    if (entry === undefined) return false;
    await this.#end(entry, 'ended by an operator');
    return true;
  }

  // The whole

  /** Why logins are refused; empty while they are taken. */
  get draining(): string {
    return this.#context.admittance.draining;
  }

  /** From now on every login is refused with 0301; an empty reason takes them again. Sessions go on. */
  drain(reason: string): void {
    this.#context.admittance.draining = reason;
    this.#context.log.info({ reason }, reason === '' ? 'logins are taken again' : 'logins are refused');
  }

  /** Commands in flight, over all sessions. */
  inFlight(): number {
    const { sessions } = this.#context;
    let total = 0;
    for (const { figures } of sessions.all()) total += sessions.figures.sum(figures, Figure.inFlight);
    return total;
  }

  #withdrawal(remains: Remains, putBack: () => Promise<void>): Withdrawal {
    return {
      restore: () => putBack().finally(() => this.#enrolment.settle(remains)),
      release: () => this.#enrolment.discard(remains),
    };
  }

  #end(entry: SessionEntry, reason: string): Promise<void> {
    return this.#context.endings.endSession(entry, reason, true);
  }

  #applyInitiatorLimits({ name, settings: { initiatorLimits } }: CatalogTarget): void {
    const { sessions, meterBook, workers } = this.#context;
    meterBook.change(name, initiatorLimits);
    for (const { identity, tsih, worker } of sessions.of(name)) {
      if (!workers.isRunning(worker)) continue;
      workers.send(worker, { type: 'sessionMeter', tsih, meter: meterBook.ofInitiator(identity, initiatorLimits) });
    }
  }
}

function setLun(target: CatalogTarget, lun: number, change: (settings: LunSettings) => LunSettings): void {
  const luns = target.settings.luns.map((settings) => (settings.lun === lun ? change(settings) : settings));
  target.settings = { ...target.settings, luns };
}
