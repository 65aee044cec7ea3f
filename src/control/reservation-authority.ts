// Carries reservation orders out, each at once: applied, kept, and sent to every worker; answered when all of them obey.
// The rules are reservations.ts's, the file reservation-store.ts's.

import type { Logger } from 'pino';
import type { UnitSnapshot } from '../ring/messages.ts';
import {
  covers,
  type NexusName,
  NO_RESERVATIONS,
  type ReservationSnapshot,
  type ReserveOrder,
  type ReserveResult,
} from '../ring/reservations.ts';
import type { Catalog } from './catalog.ts';
import { keptAt } from './kept-file.ts';
import type { Requests } from './requests.ts';
import { loadReservations, reservationPath, storeReservations } from './reservation-store.ts';
import { nexusLost, type ReserveOutcome, reserve, unitReset } from './reservations.ts';
import type { UnitStateAuthority } from './unit-state-authority.ts';
import type { Workers } from './workers.ts';

/** A PREEMPT AND ABORT that some worker has yet to end tasks for. */
interface Fence {
  readonly unit: number;
  /** PRGENERATION that it led to. */
  readonly generation: number;
  readonly preempted: readonly NexusName[];
}

/** The reservations of all units. */
export class ReservationAuthority {
  readonly #catalog: Catalog;
  readonly #workers: Workers;
  readonly #requests: Requests;
  readonly #unitStates: UnitStateAuthority;
  readonly #log: Logger;
  readonly #states = new Map<number, ReservationSnapshot>();
  readonly #fences = new Set<Fence>();

  /** Reads what was kept. Throws LunaringError for a file that can't be read: to serve without it would let everybody in. */
  constructor(catalog: Catalog, workers: Workers, requests: Requests, unitStates: UnitStateAuthority, log: Logger) {
    this.#catalog = catalog;
    this.#workers = workers;
    this.#requests = requests;
    this.#unitStates = unitStates;
    this.#log = log;
    for (const unit of catalog.units) this.load(unit);
  }

  /**
   * Reads what was kept of a unit, before anybody can address it; `before`: what it had when it was taken out, for it comes back. Throws
   * LunaringError for a file that can't be read.
   */
  load(unit: UnitSnapshot, before?: ReservationSnapshot): void {
    const path = keptAt(unit, reservationPath);
    if (before !== undefined) this.#states.set(unit.id, before);
    else if (path !== null) this.#states.set(unit.id, loadReservations(path));
  }

  /** The unit is gone. What is to outlast that has been kept; answers what it had. */
  forget(unit: number): ReservationSnapshot {
    const state = this.#states.get(unit) ?? NO_RESERVATIONS;
    this.#states.delete(unit);
    return state;
  }

  /** Tells a worker that knows the unit. */
  tell(worker: number, unit: number): void {
    const state = this.#states.get(unit);
    if (state === undefined) return;
    this.#workers.send(worker, { type: 'reservation', request: 0, unit, state, news: [], abort: [] });
  }

  /**
   * An order of a command on `worker`, which knew PRGENERATION `generation` when it sent it; it hears of the result when every worker knows
   * the state that it led to. Later orders are decided by that state and wait for nothing: a worker that ends tasks for one order may have
   * to wait for the answer to another, which one of those tasks gave.
   */
  async order(worker: number, request: number, order: ReserveOrder, generation: number): Promise<void> {
    const answer = this.#workers.answering(worker);
    const result = await this.#carryOut(order, generation).catch((error: unknown): ReserveResult => {
      this.#log.error({ err: error, unit: order.unit }, 'a reservation could not be carried out');
      return 'noResources';
    });
    answer({ type: 'reserved', request, result });
  }

  /** A session has ended, and with it what its I_T nexus had reserved for as long as it lasts. */
  nexusLost(targetName: string, nexus: NexusName): void {
    for (const { id } of this.#catalog.unitsOf(targetName)) {
      void this.#change(id, (state) => nexusLost(state, nexus));
    }
  }

  /** Units were reset. Resolves when every worker knows what that undid. */
  async reset(units: readonly number[]): Promise<void> {
    await Promise.all(units.map((unit) => this.#change(unit, unitReset)));
  }

  async #change(unit: number, change: (state: ReservationSnapshot) => ReservationSnapshot): Promise<void> {
    const state = this.#states.get(unit) ?? NO_RESERVATIONS;
    const changed = change(state);
    if (changed !== state) await this.#publish(unit, changed, [], []);
  }

  async #carryOut(order: ReserveOrder, generation: number): Promise<ReserveResult> {
    const unit = this.#catalog.unit(order.unit);
    const target = unit && this.#catalog.find(unit.targetName);
    if (unit === undefined || target === undefined) return 'noResources';
    // Its task is aborted, or will be before the answer gets there: nobody hears it.
    if (this.#isFenced(order, generation)) return 'conflict';
    const before = this.#states.get(unit.id) ?? NO_RESERVATIONS;
    const { result, state, news, abort } = reserve(before, order, target.settings.portalGroups);
    if (result !== 'good' || state === before) return result;
    const path = keptAt(unit, reservationPath);
    if (path !== null && (before.aptpl || state.aptpl)) storeReservations(path, state);
    await this.#publish(unit.id, state, news, abort);
    // Not before: a task that this ends may have had the medium held until then.
    await this.#unitStates.fenced(unit.id, abort);
    return result;
  }

  /**
   * Whether PREEMPT AND ABORT ends the task that gave the order: to carry it out afterwards, a REGISTER for one, would undo what was done to
   * its nexus (SPC-5). What a worker sends once it knows of the preemption is of a newer task, and counts.
   */
  #isFenced({ unit, nexus }: ReserveOrder, generation: number): boolean {
    for (const fence of this.#fences) {
      const older = fence.unit === unit && generation < fence.generation;
      if (older && fence.preempted.some((preempted) => covers(preempted, nexus))) return true;
    }
    return false;
  }

  async #publish(
    unit: number,
    state: ReservationSnapshot,
    news: ReserveOutcome['news'],
    abort: readonly NexusName[],
  ): Promise<void> {
    this.#states.set(unit, state);
    // A worker says that it is done after all that it sent before it knew.
    const fence: Fence = { unit, generation: state.generation, preempted: abort };
    if (abort.length !== 0) this.#fences.add(fence);
    await this.#requests.ask(this.#workers.running(), (worker, request) =>
      this.#workers.send(worker, { type: 'reservation', request, unit, state, news, abort }),
    );
    this.#fences.delete(fence);
  }
}
