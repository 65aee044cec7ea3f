// What it would come to if units were opened, grown and taken out one after the other: found out before any of it is done. Nothing stays
// open, and nothing is changed.
// The order is reload.ts's; how a file fares by itself is storage.ts's.

import { existsSync, fstatSync, statSync } from 'node:fs';
import { LunaringError } from '../base/error.ts';
import { ConfigurationError, type Finding } from '../config/finding.ts';
import type { FileLunSettings, LunSettings, TargetSettings } from '../config/settings.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import { type Holders, holderName } from './holders.ts';
import { type Identity, identityOf, Names } from './identity.ts';
import { reserveMemory } from './memory-storage.ts';
import { loadReservations, reservationPath } from './reservation-store.ts';
import type { StateDirectory } from './state-directory.ts';
import { rehearseStorage, StorageError } from './storage.ts';
import { findingOf, unreadable } from './storage-finding.ts';
import { rehearseGrowth } from './storage-growth.ts';
import { loadState, modeParametersPath } from './unit-state-store.ts';

/** What a rehearsal begins with. */
export interface Stage {
  readonly units: Iterable<UnitSnapshot>;
  readonly holders: Holders;
  /** See {@link identityOf}. */
  readonly machineId: string;
  /** Where units without a regular file keep their state. */
  readonly stateDirectory: StateDirectory | null;
}

/** A unit as far as the rehearsal has come. */
interface Player extends Identity {
  readonly id: number;
  /** Null: it would be new. */
  readonly served: UnitSnapshot | null;
}

/** Whether that is what the unit is, or will be, in. */
function hasRegularFile(lun: LunSettings): lun is FileLunSettings {
  return lun.backend === 'file' && statSync(lun.path, { throwIfNoEntry: false })?.isBlockDevice() !== true;
}

/** See the file's head. */
export class Rehearsal {
  /** What we really have open: its locks are our own. */
  readonly #open: Holders;
  readonly #holders: Holders;
  readonly #names = new Names();
  readonly #machineId: string;
  readonly #stateDirectory: StateDirectory | null;
  /** Descriptors of what is served, by their paths. */
  readonly #served = new Map<string, number>();
  /** By what they are called. */
  readonly #units = new Map<string, Player>();
  /** No unit that is served has a number below 0. */
  #nextId = -1;

  constructor({ units, holders, machineId, stateDirectory }: Stage) {
    this.#open = holders;
    this.#holders = holders.copy();
    this.#machineId = machineId;
    this.#stateDirectory = stateDirectory;
    for (const unit of units) {
      const { id, serial, naa, targetName, lun, backend } = unit;
      if (backend.kind === 'file') this.#served.set(backend.path, backend.fd);
      this.#put(holderName(targetName, lun), { id, serial, naa, served: unit });
    }
  }

  /** A target comes. Throws ConfigurationError with everything that is wrong. */
  addTarget({ name, luns }: TargetSettings): void {
    const findings = luns.flatMap((lun, index) => this.#judge(name, lun, ['luns', index]));
    if (findings.length !== 0) throw new ConfigurationError(findings);
  }

  /** A unit comes. Throws ConfigurationError. */
  addUnit(targetName: string, lun: LunSettings): void {
    const findings = this.#judge(targetName, lun, []);
    if (findings.length !== 0) throw new ConfigurationError(findings);
  }

  /** A unit goes. */
  removeUnit(targetName: string, lun: number): void {
    const who = holderName(targetName, lun);
    const unit = this.#units.get(who);
    if (unit === undefined) return;
    this.#units.delete(who);
    this.#names.remove(unit);
    this.#holders.remove(unit.id);
  }

  /** A unit becomes `bytes` long. Throws StorageError. */
  growUnit(targetName: string, lun: number, bytes: number): void {
    const served = this.#units.get(holderName(targetName, lun))?.served ?? null;
    if (served?.backend.kind !== 'file') return;
    const { backend, readOnly, blockSize, blockCount } = served;
    rehearseGrowth({ ...backend, readOnly }, bytes, blockSize * blockCount);
  }

  #judge(targetName: string, lun: LunSettings, path: readonly PropertyKey[]): Finding[] {
    const who = holderName(targetName, lun.lun);
    const id = this.#nextId--;
    const identity = identityOf(this.#machineId, targetName, lun);
    try {
      this.#names.judge(identity);
      if (lun.backend === 'file') this.#tryFile(lun, id, who);
      if (lun.backend === 'memory') reserveMemory(lun.size, lun.atomicWrites);
      this.#tryState(lun, identity);
    } catch (error) {
      if (!(error instanceof LunaringError)) throw error;
      return [findingOf(error, path, who)];
    }
    this.#put(who, { id, ...identity, served: null });
    return [];
  }

  #put(who: string, unit: Player): void {
    this.#units.set(who, unit);
    this.#names.add(unit, who);
  }

  #tryFile(lun: FileLunSettings, id: number, who: string): void {
    this.#holders.judge(lun, who);
    const fd = this.#served.get(lun.path);
    // Nobody but us has what is in it, until we close it: opened anew it would be made, empty.
    if (fd !== undefined && !existsSync(lun.path) && fstatSync(fd).isFile()) {
      const remedy = `have its initiators stop writing, and copy it back with cp --sparse=always /proc/${process.pid}/fd/${fd} ${lun.path}; or leave the unit as it is`;
      throw new StorageError('path', `${lun.path}: removed while it is served`, 'the file that is served', remedy);
    }
    rehearseStorage(lun, this.#open.has(lun.path));
    this.#holders.add(lun, id, who);
  }

  /** Whether what is kept of a unit can be read. */
  #tryState(lun: LunSettings, identity: Identity): void {
    const regular = hasRegularFile(lun);
    const statePath = regular ? lun.path : this.#stateDirectory?.statePathOf(identity);
    if (statePath === undefined) return;
    try {
      loadReservations(reservationPath(statePath));
      loadState(modeParametersPath(statePath));
    } catch (error) {
      throw unreadable(error as Error, regular ? 'path' : 'lun');
    }
  }
}
