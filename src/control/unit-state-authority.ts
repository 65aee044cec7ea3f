// Carries orders about units' state out, each at once: applied, saved where that was asked for, and sent to every worker; answered when all
// of them know.
// The rules are unit-state.ts's.

import type { Logger } from 'pino';
import type { UnitSnapshot } from '../ring/messages.ts';
import { type NexusName, nexusKey } from '../ring/reservations.ts';
import {
  FRESH_STATE,
  isOccupied,
  type StateChange,
  type StateNews,
  type StateOrder,
  UnitCondition,
  type UnitState,
} from '../ring/unit-state.ts';
import type { Catalog } from './catalog.ts';
import { keptAt } from './kept-file.ts';
import type { Requests } from './requests.ts';
import { changeState, releasedState, resetState, withoutPreventer } from './unit-state.ts';
import { loadState, modeParametersPath, storeState, unfinishedSanitize } from './unit-state-store.ts';
import type { Workers } from './workers.ts';

/** What initiators have made of all units. */
export class UnitStateAuthority {
  readonly #catalog: Catalog;
  readonly #workers: Workers;
  readonly #requests: Requests;
  readonly #log: Logger;
  readonly #states = new Map<number, UnitState>();
  /** The worker that works on all of a unit's medium. */
  readonly #occupants = new Map<number, number>();

  /** Reads what was saved. Throws LunaringError for a file that can't be read: to serve without it might lift a write protection. */
  constructor(catalog: Catalog, workers: Workers, requests: Requests, log: Logger) {
    this.#catalog = catalog;
    this.#workers = workers;
    this.#requests = requests;
    this.#log = log;
    for (const unit of catalog.units) this.load(unit);
  }

  /**
   * Reads what was saved of a unit, before anybody can address it; `before`: its state when it was taken out, for it comes back. Throws
   * LunaringError for a file that can't be read.
   */
  load(unit: UnitSnapshot, before?: UnitState): void {
    const path = keptAt(unit, modeParametersPath);
    const state = before ?? (path === null ? FRESH_STATE : loadState(path));
    if (state.condition === UnitCondition.sanitizeFailed) {
      this.#log.warn(
        { unit: unit.lun, path },
        'a SANITIZE has not succeeded: before the unit can be used it takes another, or this file removed',
      );
    }
    if (state !== FRESH_STATE) this.#states.set(unit.id, state);
  }

  /** The unit is gone, and with it the command that worked on all of it. What is to outlast that has been saved; answers its state. */
  forget(unit: number): UnitState {
    const state = this.#stateOf(unit);
    this.#states.delete(unit);
    this.#occupants.delete(unit);
    return isOccupied(state) ? releasedState(state, true) : state;
  }

  /** Tells a worker that knows the unit. */
  tell(worker: number, unit: number): void {
    const known = this.#states.get(unit);
    if (known === undefined) return;
    const state = toWorkers(known);
    this.#workers.send(worker, { type: 'unitState', request: 0, unit, state, news: null, by: null });
  }

  /** An order of a command on `worker`; it hears of the result when every worker knows the state that it led to. */
  async order(worker: number, request: number, { unit, by, change }: StateOrder): Promise<void> {
    const answer = this.#workers.answering(worker);
    // A change is decided at once, and later ones see it, so that orders need not wait for each other.
    const before = this.#stateOf(unit);
    const { result, state, news } = changeState(before, by, change);
    // A SANITIZE that has done its work has, even if it counts as failed after a restart.
    if (isToLast(change, before, state) && !this.#save(unit, state) && change.kind !== 'release') {
      answer({ type: 'stateChanged', request, result: 'notSaved' });
      return;
    }
    if (change.kind === 'occupy' && result === 'good') this.#occupants.set(unit, worker);
    if (change.kind === 'release') this.#occupants.delete(unit);
    await this.#publish(unit, state, news, by);
    answer({ type: 'stateChanged', request, result });
  }

  /** A session has ended, and with it what its I_T nexus held. */
  nexusLost(targetName: string, nexus: NexusName): void {
    for (const { id } of this.#catalog.unitsOf(targetName)) {
      void this.#publish(id, withoutPreventer(this.#stateOf(id), nexus), null, null);
    }
  }

  /**
   * PREEMPT AND ABORT has ended what these did at the unit, and with that what they held (SPC-4, PREVENT ALLOW MEDIUM REMOVAL): nobody else
   * could let go for a host that hangs. Resolves when every worker knows.
   */
  fenced(unit: number, nexuses: readonly NexusName[]): Promise<void> {
    return this.#publish(unit, nexuses.reduce(withoutPreventer, this.#stateOf(unit)), null, null);
  }

  /** A worker is gone, and what it was doing to whole units is not done. */
  workerLost(worker: number): void {
    for (const [unit, occupant] of this.#occupants) {
      if (occupant !== worker) continue;
      this.#occupants.delete(unit);
      void this.#publish(unit, releasedState(this.#stateOf(unit), true), null, null);
    }
  }

  /** Units were reset. Resolves when every worker knows what that undid. */
  async reset(units: readonly number[]): Promise<void> {
    await Promise.all(units.map((unit) => this.#publish(unit, resetState(this.#stateOf(unit)), null, null)));
  }

  /** Keeps what is to outlast a restart, before anybody hears of it. Where there is no place for it, none was promised. */
  #save(id: number, state: UnitState): boolean {
    const unit = this.#catalog.unit(id);
    const path = unit === undefined ? null : keptAt(unit, modeParametersPath);
    if (unit === undefined || path === null) return true;
    try {
      storeState(path, lastingState(unit, state));
      return true;
    } catch (error) {
      this.#log.error({ err: error, path }, 'the state of a unit could not be saved');
      return false;
    }
  }

  #stateOf(unit: number): UnitState {
    return this.#states.get(unit) ?? FRESH_STATE;
  }

  async #publish(unit: number, next: UnitState, news: StateNews | null, by: NexusName | null): Promise<void> {
    if (next === this.#stateOf(unit)) return;
    this.#states.set(unit, next);
    const state = toWorkers(next);
    const exempt = by === null ? null : nexusKey(by);
    await this.#requests.ask(this.#workers.running(), (worker, request) =>
      this.#workers.send(worker, { type: 'unitState', request, unit, state, news, by: exempt }),
    );
  }
}

/** Whether a change is of what outlasts a restart. */
function isToLast(change: StateChange, before: UnitState, after: UnitState): boolean {
  return (change.kind === 'control' && change.save) || unfinishedSanitize(before) !== unfinishedSanitize(after);
}

/** What is to outlast a restart. Where blocks don't, nothing is left that a SANITIZE could have failed to erase. */
function lastingState({ backend: { kind } }: UnitSnapshot, state: UnitState): UnitState {
  return kind === 'memory' || kind === 'null' ? { ...state, condition: UnitCondition.usable } : state;
}

/** As workers are told it: without those who hold the medium, by whom main alone decides. They may be thousands, and no message would hold them. */
function toWorkers(state: UnitState): UnitState {
  return { ...state, preventers: [] };
}
