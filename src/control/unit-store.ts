// The units of the process and the storage behind them: opened once for all workers, grown, limited, closed (main thread).
// Which target a unit belongs to, and under which number, is catalog.ts's.

import { closeSync, rmSync } from 'node:fs';
import { NONE } from '../base/free-list.ts';
import type { CustomDisk, CustomLunSettings } from '../config/custom-lun.ts';
import type { FileLunSettings, LunSettings, TargetSettings, UnitLimitSettings } from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import { adviseHugePages } from '../kernel/memory.ts';
import type { Figures } from '../ring/figures.ts';
import type { LostWrites } from '../ring/lost-writes.ts';
import type { BackendSnapshot, UnitSnapshot } from '../ring/messages.ts';
import { UNITS_MAX } from '../ring/turns.ts';
import { Holders, holderName } from './holders.ts';
import { identityOf, Names, readMachineId } from './identity.ts';
import { reserveMemory } from './memory-storage.ts';
import type { MeterBook } from './meter-book.ts';
import { Rehearsal } from './rehearsal.ts';
import type { StateDirectory } from './state-directory.ts';
import { openStorage, StorageError } from './storage.ts';
import { growStorage } from './storage-growth.ts';

/** Geometry and storage of a unit, before it has an id and a name. */
interface Storage {
  readonly bytes: number;
  readonly thin: boolean;
  readonly writeCache: boolean;
  /** Of a regular file: how files beside it begin; null: another unit has that place. */
  readonly beside?: string | null;
  readonly backend: BackendSnapshot;
}

/** How the store is made. */
export interface UnitStoreOptions {
  /** See {@link identityOf}; the machine's own when left out. */
  readonly machineId?: string;
  /** Where limited units get their meters; left out where nobody serves them. */
  readonly meters?: MeterBook;
  /** Where units are counted. */
  readonly figures?: Figures;
  /** Where workers say that a unit's storage has lost writes. */
  readonly lostWrites?: LostWrites;
  /** Where units without a regular file keep their state. The store closes it. */
  readonly stateDirectory?: StateDirectory | null;
}

function checkBlocks(bytes: number, blockSize: number): void {
  if (bytes % blockSize === 0) return;
  throw new StorageError('size', `${bytes} bytes`, `a multiple of the block size, ${blockSize}`, 'change it');
}

/** All units. */
export class UnitStore {
  /** Files that were made. */
  readonly created: string[] = [];
  readonly #units = new Map<number, UnitSnapshot>();
  readonly #memories = new Map<number, SharedArrayBuffer>();
  readonly #disks = new Map<number, CustomDisk>();
  readonly #machineId: string;
  readonly #meters: MeterBook | null;
  readonly #figures: Figures | null;
  readonly #lostWrites: LostWrites | null;
  readonly #stateDirectory: StateDirectory | null;
  readonly #holders = new Holders();
  readonly #names = new Names();
  /** Units that nobody finds any more, and whose storage is still open: some worker may know them. */
  readonly #leaving = new Map<number, UnitSnapshot>();
  #lastId = NONE;

  constructor(options: UnitStoreOptions) {
    this.#machineId = options.machineId ?? readMachineId();
    this.#meters = options.meters ?? null;
    this.#figures = options.figures ?? null;
    this.#lostWrites = options.lostWrites ?? null;
    this.#stateDirectory = options.stateDirectory ?? null;
  }

  all(): IterableIterator<UnitSnapshot> {
    return this.#units.values();
  }

  /** Those that nobody finds any more included. */
  withOpenStorage(): UnitSnapshot[] {
    return [...this.#units.values(), ...this.#leaving.values()];
  }

  find(id: number): UnitSnapshot | undefined {
    return this.#units.get(id);
  }

  /** The buffers of the memory units, by the unit's id. */
  get memories(): ReadonlyMap<number, SharedArrayBuffer> {
    return this.#memories;
  }

  /** The disks of custom units, by the unit's id. */
  get disks(): ReadonlyMap<number, CustomDisk> {
    return this.#disks;
  }

  /** Removes the files that were made since there were `count` of {@link created}. Their units are closed, and nobody has served them. */
  unmake(count: number): void {
    for (const path of this.created.splice(count)) rmSync(path, { force: true });
  }

  /** Finds out how units would fare that are yet to be opened; see there. */
  rehearsal(): Rehearsal {
    const [units, holders] = [this.#units.values(), this.#holders];
    return new Rehearsal({ units, holders, machineId: this.#machineId, stateDirectory: this.#stateDirectory });
  }

  /**
   * Opens a unit of a target; `memory`: the one that it had before it was taken out. Throws {@link StorageError}, or LunaringError where the
   * C library is needed and can't be reached.
   */
  open({ name: targetName, portalGroups }: TargetSettings, lun: LunSettings, memory?: SharedArrayBuffer): UnitSnapshot {
    const who = holderName(targetName, lun.lun);
    const identity = identityOf(this.#machineId, targetName, lun);
    this.#names.judge(identity);
    const id = this.#takeId(lun.lun);
    const storage = this.#open(lun, id, who, memory);
    const inDirectory = this.#stateDirectory?.statePathOf(identity) ?? null;
    const unit: UnitSnapshot = {
      id,
      targetName,
      lun: lun.lun,
      blockSize: lun.blockSize,
      blockCount: storage.bytes / lun.blockSize,
      readOnly: lun.readOnly || (lun.backend === 'custom' && !lun.disk.canWrite),
      removable: lun.removable,
      writeCache: storage.writeCache,
      ...identity,
      statePath: storage.beside === undefined ? inDirectory : storage.beside,
      thin: storage.thin,
      portalGroups,
      figures: this.#figures?.open() ?? NONE,
      meter: this.#meters?.ofUnit(NONE, lun.limits) ?? NONE,
      backend: storage.backend,
    };
    this.#lostWrites?.clear(id);
    this.#units.set(id, unit);
    this.#names.add(unit, who);
    return unit;
  }

  /** The one that nobody has had for longest: what is still said of a unit that is gone reaches no other. */
  #takeId(lun: number): number {
    if (this.#units.size + this.#leaving.size === UNITS_MAX) {
      const remedy = 'remove units that nobody needs, or serve this one from another process';
      throw new StorageError('lun', `${lun}, with ${UNITS_MAX} units open`, 'fewer units at a time', remedy);
    }
    do this.#lastId = (this.#lastId + 1) % UNITS_MAX;
    while (this.#units.has(this.#lastId) || this.#leaving.has(this.#lastId));
    return this.#lastId;
  }

  /** The errno of the sync by which the unit's storage lost writes; 0: it has lost none. */
  lossOf({ id }: UnitSnapshot): number {
    return this.#lostWrites?.errnoOf(id) ?? 0;
  }

  /** The storage of a unit that has just been opened had lost writes before: a sync failed with `errno`, positive. */
  noteLoss({ id }: UnitSnapshot, errno: number): void {
    this.#lostWrites?.note(id, errno);
  }

  /** Changes what a unit is limited to; undefined: to nothing. Answers the new snapshot, which workers are to have. */
  limit(unit: UnitSnapshot, limits: UnitLimitSettings | undefined): UnitSnapshot {
    return this.#replace({ ...unit, meter: this.#meters?.ofUnit(unit.meter, limits) ?? NONE });
  }

  /** Has a unit tell of other portal groups. Answers the new snapshot, which workers are to have. */
  regroup(unit: UnitSnapshot, portalGroups: readonly number[]): UnitSnapshot {
    return this.#replace({ ...unit, portalGroups });
  }

  /**
   * Makes a unit `bytes` long, or with null as long as its device has become. Answers the new snapshot, which workers are to have.
   * Throws {@link StorageError} for what can't be, a unit that would shrink among it.
   */
  grow(unit: UnitSnapshot, bytes: number | null): UnitSnapshot {
    const before = unit.blockCount * unit.blockSize;
    const wanted = bytes ?? before;
    checkBlocks(wanted, unit.blockSize);
    if (wanted < before) {
      throw new StorageError(
        'size',
        formatSize(wanted),
        `at least ${formatSize(before)}, its size now`,
        'choose a larger size',
      );
    }
    const after = this.#grown(unit, bytes);
    checkBlocks(after, unit.blockSize);
    return this.#replace({ ...unit, blockCount: after / unit.blockSize });
  }

  #grown({ backend, readOnly, blockSize, blockCount }: UnitSnapshot, bytes: number | null): number {
    switch (backend.kind) {
      case 'file':
        return growStorage({ ...backend, readOnly }, bytes, blockSize * blockCount);
      case 'null':
      case 'custom':
        return bytes ?? blockSize * blockCount;
      default:
        throw new StorageError('backend', backend.kind, 'a file, a device or null', 'add another unit instead');
    }
  }

  #replace(unit: UnitSnapshot): UnitSnapshot {
    this.#units.set(unit.id, unit);
    return unit;
  }

  /** From now on nobody finds the unit. Its storage stays open until {@link closeStorage}. */
  forget(unit: UnitSnapshot): void {
    const { id } = unit;
    this.#leaving.set(id, unit);
    this.#units.delete(id);
    this.#names.remove(unit);
    this.#disks.delete(id);
  }

  /** Gives back what a unit holds, but for the memory of a memory unit, which it answers. Nobody may use it any more. */
  closeStorage({ id, backend, meter, figures }: UnitSnapshot): SharedArrayBuffer | null {
    this.#leaving.delete(id);
    this.#figures?.close(figures);
    if (meter !== NONE) this.#meters?.ofUnit(meter, undefined);
    if (backend.kind === 'file') {
      closeSync(backend.fd);
      this.#holders.remove(id);
    }
    const memory = this.#memories.get(id) ?? null;
    this.#memories.delete(id);
    return memory;
  }

  /** Every unit is closed. */
  close(): void {
    this.#stateDirectory?.close();
  }

  #open(lun: LunSettings, id: number, who: string, memory?: SharedArrayBuffer): Storage {
    switch (lun.backend) {
      case 'file':
        return this.#openFile(lun, id, who);
      case 'memory':
        return this.#openMemory(lun.size, lun.atomicWrites, id, memory);
      case 'null':
        return { bytes: lun.size, thin: true, writeCache: false, backend: { kind: 'null' } };
      case 'custom':
        return this.#openCustom(lun, id);
    }
  }

  #openCustom({ size, disk }: CustomLunSettings, id: number): Storage {
    this.#disks.set(id, disk);
    const { canUnmap, canFlush, timeoutMs } = disk;
    return { bytes: size, thin: canUnmap, writeCache: canFlush, backend: { kind: 'custom', timeoutMs } };
  }

  #openFile(lun: FileLunSettings, id: number, who: string): Storage {
    this.#holders.judge(lun, who);
    const shared = this.#holders.has(lun.path);
    const { fd, size, canPunch, created, regular } = openStorage(lun);
    if (created) this.created.push(lun.path);
    this.#holders.add(lun, id, who);
    return {
      bytes: size,
      thin: canPunch,
      // Without O_DIRECT data waits in the page cache, with it in the device's own: only a flush or FUA makes it last.
      writeCache: !lun.readOnly,
      // Not in /dev, which is made anew at every boot, and not where another unit's are.
      ...(regular && { beside: shared ? null : lun.path }),
      backend: { kind: 'file', fd, path: lun.path, direct: lun.direct, canPunch },
    };
  }

  #openMemory(bytes: number, atomic: boolean, id: number, kept?: SharedArrayBuffer): Storage {
    const memory = kept ?? reserveMemory(bytes, atomic);
    if (kept === undefined) adviseHugePages(memory);
    this.#memories.set(id, memory);
    return { bytes, thin: true, writeCache: false, backend: { kind: 'memory', atomic } };
  }
}
