// Units come into service and leave it: what workers hear of them, what is read of them before, and what is kept of those that may come back.
// Which units, and under what name, is administration.ts's; how one worker learns of one unit, introduction.ts's.

import type { Logger } from 'pino';
import { ConfigurationError } from '../config/finding.ts';
import type { LunSettings } from '../config/settings.ts';
import { discard } from '../kernel/memory.ts';
import type { ToWorker, UnitSnapshot } from '../ring/messages.ts';
import { type NexusName, nexusKey, type ReservationSnapshot } from '../ring/reservations.ts';
import type { UnitState } from '../ring/unit-state.ts';
import type { Catalog, CatalogTarget, Memories, RemovedUnits } from './catalog.ts';
import { holderName } from './holders.ts';
import { introduceUnit } from './introduction.ts';
import type { Machine } from './machine.ts';
import type { Requests } from './requests.ts';
import type { ReservationAuthority } from './reservation-authority.ts';
import { nexusLost } from './reservations.ts';
import type { Sessions } from './sessions.ts';
import { identifyOpenStorage, identifyStorage, StorageError } from './storage.ts';
import { findingOf, unreadable } from './storage-finding.ts';
import { syncStorage } from './storage-sync.ts';
import { withoutPreventer } from './unit-state.ts';
import type { UnitStateAuthority } from './unit-state-authority.ts';
import type { Workers } from './workers.ts';

/** What enrolment acts on. */
export interface EnrolmentContext {
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly reservations: ReservationAuthority;
  readonly unitStates: UnitStateAuthority;
  readonly machine: Machine;
  readonly log: Logger;
}

/** What initiators have made of a unit. */
interface UnitRemains {
  readonly reservations: ReservationSnapshot;
  readonly state: UnitState;
}

/** What is left of units of one target that were taken out: all that their files do not have. By LUN number. */
export interface Remains {
  readonly memories: Memories;
  readonly units: ReadonlyMap<number, UnitRemains>;
  /** Where their blocks are, whose losses are remembered. */
  readonly places: readonly string[];
}

/** Of units that were never served. */
export const NO_REMAINS: Remains = { memories: new Map(), units: new Map(), places: [] };

/** The same text for all open units in the same file or device; what is in none is known by its own name. */
function placeOf({ backend, targetName, lun }: UnitSnapshot): string {
  return backend.kind === 'file' ? identifyOpenStorage(backend.fd) : holderName(targetName, lun);
}

/** Without what `nexus` held for as long as it lasted. */
function withoutNexus({ reservations, state }: UnitRemains, nexus: NexusName): UnitRemains {
  return { reservations: nexusLost(reservations, nexus), state: withoutPreventer(state, nexus) };
}

/** See the file's head. */
export class Enrolment {
  readonly #context: EnrolmentContext;
  /** Of units that may come back, they or others in the same place. */
  readonly #kept = new Set<Remains>();
  /**
   * By place of those: the errno, positive, of the sync by which writes were lost. The kernel has told it, and does not tell whoever opens
   * the file next.
   */
  readonly #losses = new Map<string, number>();

  constructor(context: EnrolmentContext) {
    this.#context = context;
  }

  /**
   * Every worker learns of units, and of what was kept of them, before anybody can address them. Throws ConfigurationError for what was kept
   * and can't be read, as serving without it would let everybody in, and what the machine says that has no memory or descriptor for the way to
   * a disk: then they are taken back.
   */
  introduce(units: readonly UnitSnapshot[], takeBack: () => RemovedUnits | undefined, remains: Remains): void {
    const { catalog, workers, reservations, unitStates } = this.#context;
    try {
      for (const unit of units) {
        const loss = this.#losses.get(placeOf(unit));
        if (loss !== undefined) catalog.store.noteLoss(unit, loss);
        const before = this.#lasting(unit.targetName, remains.units.get(unit.lun));
        reservations.load(unit, before?.reservations);
        unitStates.load(unit, before?.state);
      }
    } catch (error) {
      for (const { id } of units) this.#forget(id);
      takeBack()?.close();
      throw new ConfigurationError([findingOf(unreadable(error as Error, 'lun'), [], 'the request')]);
    }
    try {
      for (const worker of workers.running()) {
        for (const unit of units) introduceUnit(this.#context, worker, unit);
      }
    } catch (error) {
      for (const { id } of units) {
        // Some may know it. Nobody has addressed it, and so there is nothing to wait for.
        workers.broadcast({ type: 'unitRemoved', id, request: 0 });
        this.#forget(id);
      }
      takeBack()?.close();
      throw error;
    }
  }

  /**
   * Units that nobody finds any more: their tasks end, what was written is kept, their files are closed. Answers what is left of them, until
   * {@link settle} or {@link discard}. `replaced`: others are about to come under their numbers.
   */
  async dismiss(removed: RemovedUnits, replaced = false): Promise<Remains> {
    const units = new Map<number, UnitRemains>();
    for (const { id, lun } of removed.units) {
      await this.#askAll((request) => ({ type: 'unitRemoved', id, request, replaced }));
      units.set(lun, this.#forget(id));
    }
    const { machine, log } = this.#context;
    this.#rememberLosses(removed.units, await syncStorage(removed.units, machine, log));
    const places = removed.units.map(placeOf);
    const remains = { memories: removed.closeFiles(), units, places };
    this.#kept.add(remains);
    return remains;
  }

  /**
   * Units are about to be added. Throws StorageError for one that comes back and whose file is not the one that it had: made anew it would be
   * empty.
   */
  judge(luns: readonly LunSettings[], remains: Remains): void {
    if (remains === NO_REMAINS) return;
    for (const lun of luns) {
      if (lun.backend !== 'file' || remains.places.includes(identifyStorage(lun.path) ?? '')) continue;
      const received = `${lun.path}: removed or replaced meanwhile`;
      throw new StorageError('path', received, 'the file that was served', 'put it in its place again, then reload');
    }
  }

  /** They have come back, or can't. */
  settle(remains: Remains): void {
    this.#kept.delete(remains);
    for (const place of this.#losses.keys()) {
      if (![...this.#kept].some(({ places }) => places.includes(place))) this.#losses.delete(place);
    }
  }

  /** They are not coming back: their memory is the machine's again. */
  discard(remains: Remains): void {
    this.settle(remains);
    for (const memory of remains.memories.values()) discard(memory);
  }

  /**
   * A target's sessions address these units from now on, and are told that there are others than before. Of one that was removed meanwhile
   * there are none, and another of its name has units of its own.
   */
  async publishMap(target: CatalogTarget): Promise<void> {
    const { name: targetName, luns } = target;
    if (this.#context.catalog.find(targetName) !== target) return;
    await this.#askAll((request) => ({ type: 'lunMap', request, targetName, luns }));
  }

  /** What initiators have made of a unit that comes back, without what those held whose sessions have ended meanwhile. */
  #lasting(targetName: string, unit: UnitRemains | undefined): UnitRemains | undefined {
    if (unit === undefined) return undefined;
    const { reservedBy } = unit.reservations;
    const holders = [...unit.state.preventers, ...(reservedBy === null ? [] : [reservedBy])];
    const own = this.#context.sessions.of(targetName);
    const present = new Set([...own].map(({ identity }) => nexusKey(identity)));
    return holders.filter((nexus) => !present.has(nexusKey(nexus))).reduce(withoutNexus, unit);
  }

  /** `failed`: the errnos of the syncs that have just failed, by unit id. */
  #rememberLosses(units: readonly UnitSnapshot[], failed: ReadonlyMap<number, number>): void {
    for (const unit of units) {
      const errno = this.#context.catalog.store.lossOf(unit) || failed.get(unit.id);
      if (errno !== undefined) this.#losses.set(placeOf(unit), errno);
    }
  }

  #forget(unit: number): UnitRemains {
    const { reservations, unitStates } = this.#context;
    return { reservations: reservations.forget(unit), state: unitStates.forget(unit) };
  }

  #askAll(message: (request: number) => ToWorker): Promise<void> {
    const { requests, workers } = this.#context;
    return requests.ask(workers.running(), (worker, request) => workers.send(worker, message(request)));
  }
}
