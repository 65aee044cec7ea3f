// What is served: targets by name, units by id, and the storage behind them, opened once for all workers (main thread).
// Who may see a target is the login phase's business; what a worker does with a unit, the worker's.

import { closeSync } from 'node:fs';
import { SEQUENCE_BYTES } from '../backend/memory.ts';
import { LunaringError } from '../base/error.ts';
import { NONE } from '../base/free-list.ts';
import { ConfigurationError, type Finding, formatPath } from '../config/finding.ts';
import { normalizeName } from '../config/iscsi-name.ts';
import type {
  FileLunSettings,
  LunSettings,
  RedirectSettings,
  Settings,
  TargetSettings,
  UnitLimitSettings,
} from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import type { Figures } from '../ring/figures.ts';
import type { BackendSnapshot, UnitSnapshot } from '../ring/messages.ts';
import { makeIdentity, readMachineId } from './identity.ts';
import type { MeterBook } from './meter-book.ts';
import { identifyStorage, openStorage, StorageError } from './storage.ts';

/** A target that is served. */
export interface CatalogTarget {
  /** Normalised. */
  readonly name: string;
  readonly settings: TargetSettings;
  /** An offline target refuses logins with 0301. */
  state: TargetSettings['state'];
  /** Where all its initiators are sent. */
  redirect: RedirectSettings | null;
  /** LUN number and unit id, in LUN order. */
  readonly luns: readonly (readonly [lun: number, unit: number])[];
}

/** A target that was taken out, and whose storage is still open. */
export interface RemovedTarget {
  readonly settings: TargetSettings;
  readonly units: readonly UnitSnapshot[];
  /** Closes the storage. Nobody may use the units any more. */
  close(): void;
}

/** Geometry and storage of a unit, before it has an id and a name. */
interface Storage {
  readonly bytes: number;
  readonly thin: boolean;
  readonly writeCache: boolean;
  readonly durableReservations: boolean;
  readonly backend: BackendSnapshot;
}

/** How a unit is called in messages. */
const holderName = (targetName: string, lun: number): string => `${targetName} LUN ${lun}`;

/** How the catalog is opened. */
export interface CatalogOptions {
  /** See {@link makeIdentity}; the machine's own when left out. */
  readonly machineId?: string;
  /** Where limited units get their meters; left out where nobody serves them. */
  readonly meters?: MeterBook;
  /** Where units are counted. */
  readonly figures?: Figures;
}

/** All targets and units of the process. The owner calls {@link Catalog.close} when no worker uses them any more. */
export class Catalog {
  readonly #targets = new Map<string, CatalogTarget>();
  readonly #units = new Map<number, UnitSnapshot>();
  readonly #memories = new Map<number, SharedArrayBuffer>();
  readonly #created: string[] = [];
  readonly #machineId: string;
  readonly #meters: MeterBook | null;
  readonly #figures: Figures | null;
  /** Who serves which file or device, and whether only to be read. */
  readonly #holders = new Map<string, { readonly who: string; readonly readOnly: boolean }>();
  readonly #findings: Finding[] = [];
  #nextUnit = 0;

  /**
   * Opens the storage of every unit, and makes the files that are missing. Throws {@link ConfigurationError} with everything that
   * is wrong; nothing stays open then.
   */
  constructor(settings: Settings, options: CatalogOptions = {}) {
    this.#machineId = options.machineId ?? readMachineId();
    this.#meters = options.meters ?? null;
    this.#figures = options.figures ?? null;
    for (const [index, target] of settings.targets.entries()) this.#addTarget(target, ['targets', index]);
    this.#checkNames();
    if (this.#findings.length > 0) {
      this.close();
      throw new ConfigurationError(this.#findings);
    }
  }

  /** Targets in the order of the configuration. */
  get targets(): readonly CatalogTarget[] {
    return [...this.#targets.values()];
  }

  /** The units of all targets. */
  get units(): readonly UnitSnapshot[] {
    return [...this.#units.values()];
  }

  /** The buffers of the memory units, by the handle in their snapshots. */
  get memories(): ReadonlyMap<number, SharedArrayBuffer> {
    return this.#memories;
  }

  /** Files that were made. */
  get created(): readonly string[] {
    return this.#created;
  }

  /** The target of that name, whatever its case; undefined also for what is no iSCSI name. */
  find(name: string): CatalogTarget | undefined {
    const normalized = normalizeName(name);
    return normalized === null ? undefined : this.#targets.get(normalized);
  }

  /** The unit with that id. */
  unit(id: number): UnitSnapshot | undefined {
    return this.#units.get(id);
  }

  /** Changes what a unit is limited to; undefined: to nothing. Answers the new snapshot, which workers are to have. */
  limit(unit: UnitSnapshot, limits: UnitLimitSettings | undefined): UnitSnapshot {
    const limited = { ...unit, meter: this.#meters?.ofUnit(unit.meter, limits) ?? NONE };
    this.#units.set(unit.id, limited);
    return limited;
  }

  /** Takes a target out: from now on nobody finds it or its units. Undefined: there is none of that name. */
  remove(name: string): RemovedTarget | undefined {
    const target = this.find(name);
    if (target === undefined) return undefined;
    const units = target.luns.map(([, id]) => this.#units.get(id)!);
    this.#targets.delete(target.name);
    for (const { id } of units) {
      this.#units.delete(id);
      this.#memories.delete(id);
    }
    return { settings: target.settings, units, close: () => this.#closeAll(units) };
  }

  #closeAll(units: readonly UnitSnapshot[]): void {
    for (const { backend, targetName, lun, meter, figures } of units) {
      this.#figures?.close(figures);
      if (meter !== NONE) this.#meters?.ofUnit(meter, undefined);
      if (backend.kind !== 'file') continue;
      closeSync(backend.fd);
      const who = holderName(targetName, lun);
      for (const [identity, holder] of this.#holders) if (holder.who === who) this.#holders.delete(identity);
    }
  }

  /** Closes every descriptor and lets go of the memory. */
  close(): void {
    this.#closeAll(this.units);
    this.#targets.clear();
    this.#units.clear();
    this.#memories.clear();
  }

  #addTarget(settings: TargetSettings, path: readonly PropertyKey[]): void {
    const luns: [number, number][] = [];
    for (const [index, lun] of settings.luns.entries()) {
      const unit = this.#addUnit(settings, lun, [...path, 'luns', index]);
      if (unit !== null) luns.push([lun.lun, unit]);
    }
    luns.sort(([a], [b]) => a - b);
    const { name, state, redirect = null } = settings;
    this.#targets.set(name, { name, settings, state, redirect, luns });
  }

  /** Opens a unit and answers its id; null when that failed, and a finding was noted. */
  #addUnit(target: TargetSettings, lun: LunSettings, path: readonly PropertyKey[]): number | null {
    const { name: targetName, portalGroups } = target;
    const id = this.#nextUnit++;
    const who = holderName(targetName, lun.lun);
    let storage: Storage;
    try {
      storage = this.#open(lun, id, who);
    } catch (error) {
      if (!(error instanceof LunaringError)) throw error;
      this.#report(error, path, who);
      return null;
    }
    const source = {
      machineId: this.#machineId,
      targetName,
      lun: lun.lun,
      path: lun.backend === 'file' ? lun.path : '',
    };
    const identity = makeIdentity(source);
    this.#units.set(id, {
      id,
      targetName,
      lun: lun.lun,
      blockSize: lun.blockSize,
      blockCount: storage.bytes / lun.blockSize,
      readOnly: lun.readOnly,
      removable: lun.removable,
      writeCache: storage.writeCache,
      serial: lun.serial ?? identity.serial,
      naa: lun.naa ?? identity.naa,
      durableReservations: storage.durableReservations,
      thin: storage.thin,
      portalGroups,
      figures: this.#figures?.open() ?? NONE,
      meter: this.#meters?.ofUnit(NONE, lun.limits) ?? NONE,
      backend: storage.backend,
    });
    return id;
  }

  #open(lun: LunSettings, id: number, who: string): Storage {
    switch (lun.backend) {
      case 'file':
        return this.#openFile(lun, who);
      case 'memory':
        return this.#openMemory(lun.size, lun.atomicWrites, id);
      case 'null':
        return {
          bytes: lun.size,
          thin: true,
          writeCache: false,
          durableReservations: false,
          backend: { kind: 'null' },
        };
    }
  }

  #openFile(lun: FileLunSettings, who: string): Storage {
    this.#refuseShared(lun, who);
    const { fd, size, canPunch, created, regular } = openStorage(lun);
    if (created) this.#created.push(lun.path);
    this.#holders.set(identifyStorage(lun.path) ?? lun.path, { who, readOnly: lun.readOnly });
    return {
      bytes: size,
      thin: canPunch,
      // Without O_DIRECT data waits in the page cache, with it in the device's own: only a flush or FUA makes it last.
      writeCache: !lun.readOnly,
      // They are kept in a file beside the unit's own: not in /dev, which is made anew at every boot.
      durableReservations: regular,
      backend: { kind: 'file', fd, path: lun.path, direct: lun.direct, canPunch },
    };
  }

  /** Two units over one file would each cache, reserve and lock on their own: initiators would destroy each other's data. */
  #refuseShared(lun: FileLunSettings, who: string): void {
    const identity = identifyStorage(lun.path);
    const holder = identity === null ? undefined : this.#holders.get(identity);
    if (holder === undefined || (holder.readOnly && lun.readOnly)) return;
    const remedy = `map one unit only, or set readOnly: true on both (${who}, ${holder.who})`;
    throw new StorageError(
      'path',
      `${lun.path}: also served as ${holder.who}`,
      'a file that no other unit writes',
      remedy,
    );
  }

  #openMemory(bytes: number, atomic: boolean, id: number): Storage {
    try {
      this.#memories.set(id, new SharedArrayBuffer(bytes + (atomic ? SEQUENCE_BYTES : 0)));
    } catch (cause) {
      const remedy = 'choose a smaller size, or give the machine more memory';
      throw new StorageError('size', formatSize(bytes), 'memory that can be reserved', remedy, {
        cause: cause as Error,
      });
    }
    return {
      bytes,
      thin: true,
      writeCache: false,
      durableReservations: false,
      backend: { kind: 'memory', handle: id, atomic },
    };
  }

  /** Two units of the same name look like two paths to one disk, and multipath software writes to either. */
  #checkNames(): void {
    const seen = new Map<string, string>();
    for (const { naa, targetName, lun } of this.#units.values()) {
      const who = holderName(targetName, lun);
      const other = seen.get(naa);
      if (other !== undefined) {
        const problem = new StorageError(
          'naa',
          `${naa}, as ${other}`,
          'a name of its own',
          'leave naa out, or change one of them',
        );
        this.#report(problem, [], who);
      }
      seen.set(naa, who);
    }
  }

  #report(error: LunaringError, path: readonly PropertyKey[], who: string): void {
    const said =
      error instanceof StorageError
        ? error
        : {
            key: 'direct',
            received: error.message,
            allowed: 'a machine on which koffi can be loaded',
            remedy: 'set direct: false',
          };
    this.#findings.push({
      severity: 'error',
      path: formatPath([...path, said.key]),
      origin: who,
      received: said.received,
      allowed: said.allowed,
      remedy: said.remedy,
    });
  }
}
