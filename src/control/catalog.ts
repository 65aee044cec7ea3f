// What is served: targets by name, and the units of each by number; added, changed and taken out while others are served (main thread).
// The storage behind units is unit-store.ts's; who may see a target is the login phase's business, what a worker does with a unit the worker's.

import { LunaringError } from '../base/error.ts';
import { NONE } from '../base/free-list.ts';
import { ConfigurationError, type Finding } from '../config/finding.ts';
import { normalizeName } from '../config/iscsi-name.ts';
import type { LunSettings, Settings, TargetSettings } from '../config/settings.ts';
import { discard } from '../kernel/memory.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import { holderName } from './holders.ts';
import { StateDirectory } from './state-directory.ts';
import { findingOf } from './storage-finding.ts';
import { UnitStore, type UnitStoreOptions } from './unit-store.ts';

/** A target that is served. */
export interface CatalogTarget {
  /** Normalised. */
  readonly name: string;
  /** As they were configured, or changed since. */
  settings: TargetSettings;
  /** LUN number and unit id, in LUN order; {@link NONE}: the unit is about to come. */
  luns: readonly (readonly [lun: number, unit: number])[];
}

/** Something that was taken out, and whose storage is still open. */
export interface RemovedUnits {
  readonly units: readonly UnitSnapshot[];
  /** Closes the storage. Nobody may use the units any more. */
  close(): void;
  /** Does so, but for the memory of memory units, whose content would be lost: it answers that. */
  closeFiles(): Memories;
}

/** The memory of a target's memory units, by LUN number. */
export type Memories = ReadonlyMap<number, SharedArrayBuffer>;

const NO_MEMORIES: Memories = new Map();

function inOrder(luns: CatalogTarget['luns'], lun: number, id: number): CatalogTarget['luns'] {
  return [...luns, [lun, id] as const].sort(([a], [b]) => a - b);
}

/** The state directory, if there is to be one, and what is wrong with it. */
function openStateDirectory({ stateDirectory: path }: Settings) {
  const findings: Finding[] = [];
  try {
    return { stateDirectory: path === undefined ? null : new StateDirectory(path), findings };
  } catch (error) {
    if (!(error instanceof LunaringError)) throw error;
    return { stateDirectory: null, findings: [findingOf(error, [], 'the configuration')] };
  }
}

/** All targets and units of the process. The owner calls {@link Catalog.close} when no worker uses them any more. */
export class Catalog {
  readonly store: UnitStore;
  readonly #targets = new Map<string, CatalogTarget>();

  /**
   * Opens the storage of every unit, and makes the files that are missing. Throws {@link ConfigurationError} with everything that
   * is wrong; nothing stays open then, and no file that was made stays behind: it would be in the way of one of another size.
   */
  constructor(settings: Settings, options: UnitStoreOptions = {}) {
    const { stateDirectory, findings } = openStateDirectory(settings);
    this.store = new UnitStore({ ...options, stateDirectory });
    findings.push(...settings.targets.flatMap((target, index) => this.#add(target, ['targets', index])));
    if (findings.length > 0) {
      this.close();
      this.store.unmake(0);
      throw new ConfigurationError(findings);
    }
  }

  /** Targets in the order in which they came. */
  get targets(): readonly CatalogTarget[] {
    return [...this.#targets.values()];
  }

  /** The units of all targets. */
  get units(): readonly UnitSnapshot[] {
    return [...this.store.all()];
  }

  /** Files that were made. */
  get created(): readonly string[] {
    return this.store.created;
  }

  /** The target of that name, whatever its case; undefined also for what is no iSCSI name. */
  find(name: string): CatalogTarget | undefined {
    const normalized = normalizeName(name);
    return normalized === null ? undefined : this.#targets.get(normalized);
  }

  /** The unit with that id. */
  unit(id: number): UnitSnapshot | undefined {
    return this.store.find(id);
  }

  /** The units of the target of that name, in LUN order; none, where there is no such target. */
  unitsOf(targetName: string): readonly UnitSnapshot[] {
    const { luns = [] } = this.find(targetName) ?? {};
    return luns.filter(([, id]) => id !== NONE).map(([, id]) => this.store.find(id)!);
  }

  /** The unit that a target has under that number. */
  unitAt(target: CatalogTarget, lun: number): UnitSnapshot | undefined {
    const entry = target.luns.find(([number]) => number === lun);
    return entry === undefined ? undefined : this.store.find(entry[1]);
  }

  /**
   * Adds a target with its units, and with the memory that they had before they were taken out. Throws {@link ConfigurationError} with
   * everything that is wrong; nothing is added then.
   */
  add(settings: TargetSettings, memories = NO_MEMORIES): CatalogTarget {
    if (this.#targets.has(settings.name)) {
      const served = { received: settings.name, allowed: 'a name that no target has', remedy: 'choose another' };
      throw new ConfigurationError([{ severity: 'error', path: 'name', origin: 'the request', ...served }]);
    }
    const made = this.created.length;
    const findings = this.#add(settings, [], memories);
    const target = this.#targets.get(settings.name)!;
    if (findings.length === 0) return target;
    this.remove(settings.name)?.close();
    this.store.unmake(made);
    throw new ConfigurationError(findings);
  }

  /** Adds a unit to a target, as {@link add} does. Throws {@link ConfigurationError}; nothing is added then. */
  addUnit(target: CatalogTarget, lun: LunSettings, memories = NO_MEMORIES): UnitSnapshot {
    if (this.unitAt(target, lun.lun) !== undefined) {
      const taken = {
        received: String(lun.lun),
        allowed: 'a number that no unit of the target has',
        remedy: 'choose another',
      };
      throw new ConfigurationError([{ severity: 'error', path: 'lun', origin: 'the request', ...taken }]);
    }
    const opened = this.#open(target.settings, lun, [], memories);
    if (!('id' in opened)) throw new ConfigurationError([opened]);
    this.forgo(target, lun.lun);
    target.luns = inOrder(target.luns, lun.lun, opened.id);
    target.settings = { ...target.settings, luns: [...target.settings.luns, lun] };
    return opened;
  }

  /** Takes a unit out of its target: from now on nobody finds it. `replaced`: another is about to come under its number. */
  removeUnit(target: CatalogTarget, lun: number, replaced = false): RemovedUnits | undefined {
    const unit = this.unitAt(target, lun);
    if (unit === undefined) return undefined;
    const others = target.luns.filter(([number]) => number !== lun);
    target.luns = replaced ? inOrder(others, lun, NONE) : others;
    target.settings = { ...target.settings, luns: target.settings.luns.filter((each) => each.lun !== lun) };
    return this.#takeOut([unit]);
  }

  /** The unit that was about to come under that number does not. */
  forgo(target: CatalogTarget, lun: number): void {
    target.luns = target.luns.filter(([number, id]) => number !== lun || id !== NONE);
  }

  /** Takes a target out: from now on nobody finds it or its units. Undefined: there is none of that name. */
  remove(name: string): RemovedUnits | undefined {
    const target = this.find(name);
    if (target === undefined) return undefined;
    const units = this.unitsOf(target.name);
    this.#targets.delete(target.name);
    return this.#takeOut(units);
  }

  /** The units of a target whose portal groups have changed, as snapshots that workers are to have. */
  regroup({ name, settings }: CatalogTarget): readonly UnitSnapshot[] {
    return this.unitsOf(name).map((unit) => this.store.regroup(unit, settings.portalGroups));
  }

  /** From now on targets are listed in this order, and described by these settings, which say what is served already. */
  arrange(targets: readonly TargetSettings[]): void {
    for (const settings of targets) {
      const target = this.#targets.get(settings.name);
      // Everything is closed when the process ends.
      if (target === undefined) continue;
      target.settings = settings;
      this.#targets.delete(settings.name);
      this.#targets.set(settings.name, target);
    }
  }

  #takeOut(units: readonly UnitSnapshot[]): RemovedUnits {
    for (const unit of units) this.store.forget(unit);
    const closeFiles = () =>
      new Map(
        units.flatMap((unit) => {
          const memory = this.store.closeStorage(unit);
          return memory === null ? [] : [[unit.lun, memory] as const];
        }),
      );
    const close = () => {
      for (const memory of closeFiles().values()) discard(memory);
    };
    return { units, close, closeFiles };
  }

  /** Closes every descriptor and lets go of the memory. */
  close(): void {
    for (const name of [...this.#targets.keys()]) this.remove(name)?.close();
    this.store.close();
  }

  /** Opens what a target has, as far as that goes; what is wrong with the rest. */
  #add(settings: TargetSettings, path: readonly PropertyKey[], memories = NO_MEMORIES): Finding[] {
    const luns: [number, number][] = [];
    const findings: Finding[] = [];
    for (const [index, lun] of settings.luns.entries()) {
      const opened = this.#open(settings, lun, [...path, 'luns', index], memories);
      if ('id' in opened) luns.push([lun.lun, opened.id]);
      else findings.push(opened);
    }
    luns.sort(([a], [b]) => a - b);
    this.#targets.set(settings.name, { name: settings.name, settings, luns });
    return findings;
  }

  /** Opens a unit, or says why it can't be. */
  #open(
    target: TargetSettings,
    lun: LunSettings,
    path: readonly PropertyKey[],
    memories: Memories,
  ): UnitSnapshot | Finding {
    try {
      return this.store.open(target, lun, memories.get(lun.lun));
    } catch (error) {
      if (!(error instanceof LunaringError)) throw error;
      return findingOf(error, path, holderName(target.name, lun.lun));
    }
  }
}
