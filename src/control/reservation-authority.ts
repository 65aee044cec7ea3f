// Carries reservation orders out, one at a time for each unit: applied, kept, known to every worker, and only then answered.
// The rules are reservations.ts's, the file reservation-store.ts's.

import type { Logger } from 'pino';
import { Sequence } from '../base/sequence.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import {
  type NexusName,
  NO_RESERVATIONS,
  type ReservationSnapshot,
  type ReserveOrder,
  type ReserveResult,
} from '../ring/reservations.ts';
import type { Catalog } from './catalog.ts';
import type { Requests } from './requests.ts';
import { loadReservations, reservationPath, storeReservations } from './reservation-store.ts';
import { nexusLost, type ReserveOutcome, reserve, unitReset } from './reservations.ts';
import type { Workers } from './workers.ts';

/** The reservations of all units. */
export class ReservationAuthority {
  readonly #catalog: Catalog;
  readonly #workers: Workers;
  readonly #requests: Requests;
  readonly #log: Logger;
  readonly #states = new Map<number, ReservationSnapshot>();
  /** What changes a unit's reservations, one after the other. */
  readonly #turns = new Map<number, Sequence>();

  /** Reads what was kept. Throws LunaringError for a file that can't be read: to serve without it would let everybody in. */
  constructor(catalog: Catalog, workers: Workers, requests: Requests, log: Logger) {
    this.#catalog = catalog;
    this.#workers = workers;
    this.#requests = requests;
    this.#log = log;
    for (const unit of catalog.units) this.load(unit);
  }

  /** Reads what was kept of a unit, before anybody can address it. Throws LunaringError for a file that can't be read. */
  load(unit: UnitSnapshot): void {
    const path = storedAt(unit);
    if (path !== null) this.#states.set(unit.id, loadReservations(path));
  }

  /** The unit is gone. What is to outlast that has been kept. */
  forget(unit: number): void {
    this.#states.delete(unit);
    this.#turns.delete(unit);
  }

  /** Tells a worker that knows the unit. */
  tell(worker: number, unit: number): void {
    const state = this.#states.get(unit);
    if (state === undefined) return;
    this.#workers.send(worker, { type: 'reservation', request: 0, unit, state, news: [], abort: [] });
  }

  /** An order of a command on `worker`; it hears of the result when every worker knows the state that it led to. */
  order(worker: number, request: number, order: ReserveOrder): void {
    void this.#inTurn(order.unit, async () => {
      const result = await this.#carryOut(order).catch((error: unknown): ReserveResult => {
        this.#log.error({ err: error, unit: order.unit }, 'a reservation could not be carried out');
        return 'noResources';
      });
      this.#workers.send(worker, { type: 'reserved', request, result });
    });
  }

  /** A session has ended, and with it what its I_T nexus had reserved for as long as it lasts. */
  nexusLost(targetName: string, nexus: NexusName): void {
    for (const unit of this.#catalog.units) {
      if (unit.targetName === targetName) this.#change(unit.id, (state) => nexusLost(state, nexus));
    }
  }

  /** Units were reset. Resolves when every worker knows what that undid. */
  async reset(units: readonly number[]): Promise<void> {
    await Promise.all(units.map((unit) => this.#change(unit, unitReset)));
  }

  #change(unit: number, change: (state: ReservationSnapshot) => ReservationSnapshot): Promise<void> {
    return this.#inTurn(unit, async () => {
      const state = this.#states.get(unit) ?? NO_RESERVATIONS;
      const changed = change(state);
      if (changed !== state) await this.#publish(unit, changed, [], []);
    });
  }

  #inTurn(unit: number, work: () => Promise<void>): Promise<void> {
    let turns = this.#turns.get(unit);
    if (turns === undefined) {
      turns = new Sequence();
      this.#turns.set(unit, turns);
    }
    return turns.run(work);
  }

  async #carryOut(order: ReserveOrder): Promise<ReserveResult> {
    const unit = this.#catalog.unit(order.unit);
    const target = unit && this.#catalog.find(unit.targetName);
    if (unit === undefined || target === undefined) return 'noResources';
    const before = this.#states.get(unit.id) ?? NO_RESERVATIONS;
    const { result, state, news, abort } = reserve(before, order, target.settings.portalGroups);
    if (result !== 'good' || state === before) return result;
    const path = storedAt(unit);
    if (path !== null && (before.aptpl || state.aptpl)) storeReservations(path, state);
    await this.#publish(unit.id, state, news, abort);
    return result;
  }

  #publish(
    unit: number,
    state: ReservationSnapshot,
    news: ReserveOutcome['news'],
    abort: readonly NexusName[],
  ): Promise<void> {
    this.#states.set(unit, state);
    return this.#requests.ask(this.#workers.running(), (worker, request) =>
      this.#workers.send(worker, { type: 'reservation', request, unit, state, news, abort }),
    );
  }
}

/** Where a unit's reservations are kept; null: nowhere. */
function storedAt(unit: UnitSnapshot): string | null {
  return unit.durableReservations && unit.backend.kind === 'file' ? reservationPath(unit.backend.path) : null;
}
