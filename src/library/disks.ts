// The disks that a program has brought: opened before their units are served, closed when nobody uses them any more.
// What a disk is, and how it is reached, is backend/disk.ts's and control/open-disk.ts's.

import type { Logger } from 'pino';
import { LunaringError } from '../base/error.ts';
import type { CustomDisk } from '../config/custom-lun.ts';
import { ConfigurationError, formatPath } from '../config/finding.ts';
import type { LunSettings, TargetSettings } from '../config/settings.ts';
import { type DiskUse, type OpenDisk, openDisk, openDiskModule } from '../control/open-disk.ts';
import { CONCURRENCY_DEFAULT, type CustomLunOptions, type CustomLuns, ORIGIN, TIMEOUT_MS_DEFAULT } from './options.ts';

/** A module may read what it serves, a disk write what it has held back; what takes longer has hung. */
const TRANSITION_MS = 120_000;

/** A target whose units are about to be served. */
type TargetUnits = Pick<TargetSettings, 'name' | 'luns'>;

/** Everything that is open. A unit's settings lead to its disk, however often they have changed meanwhile. */
export class Disks {
  readonly #log: Logger;
  readonly #open = new Map<CustomDisk, OpenDisk>();
  /** What is being opened or closed: each has {@link TRANSITION_MS} for it. */
  readonly #transitions = new Set<Promise<unknown>>();
  #refusing = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** From now on nothing is opened, and what is being opened is closed again. */
  refuse(): void {
    this.#refusing = true;
  }

  /** Throws a {@link LunaringError} once nothing is opened any more. */
  check(): void {
    if (this.#refusing) throw new LunaringError('LUNARING_CLOSED', 'the target is closed, or about to be');
  }

  /**
   * Opens the disks of a target's units, and puts them in the place of what stood for them. Throws {@link ConfigurationError}, and a
   * {@link LunaringError} as {@link check} does; nothing stays open then.
   */
  open(target: TargetUnits, customs: CustomLuns, path: readonly PropertyKey[]): Promise<LunSettings[]> {
    return this.#transition(this.#openUnits(target, customs, path));
  }

  async #openUnits(
    { name, luns }: TargetUnits,
    customs: CustomLuns,
    path: readonly PropertyKey[],
  ): Promise<LunSettings[]> {
    this.check();
    const opened: LunSettings[] = [];
    try {
      for (const [index, lun] of luns.entries()) {
        const custom = customs.get(lun.lun);
        opened.push(custom === undefined ? lun : await this.#openUnit(name, lun, custom, [...path, index]));
        this.check();
      }
    } catch (error) {
      await this.close(opened);
      throw error;
    }
    return opened;
  }

  async #openUnit(
    targetName: string,
    lun: LunSettings,
    custom: CustomLunOptions,
    path: readonly PropertyKey[],
  ): Promise<LunSettings> {
    if (lun.backend !== 'null') return lun;
    const disk = await this.#openDisk(custom, path, { targetName, lun: lun.lun });
    this.#open.set(disk, disk);
    return { ...lun, backend: 'custom', disk };
  }

  async #openDisk(custom: CustomLunOptions, path: readonly PropertyKey[], unit: DiskUse['unit']): Promise<OpenDisk> {
    const { timeoutMs = TIMEOUT_MS_DEFAULT, concurrency = CONCURRENCY_DEFAULT } = custom;
    const use: DiskUse = { timeoutMs, concurrency, transitionMs: TRANSITION_MS, log: this.#log, unit };
    try {
      if (custom.disk !== undefined) return openDisk(custom.disk, use);
      return await openDiskModule(custom.module, custom.data, use);
    } catch (error) {
      const received = (error as Error).message;
      const source = custom.disk === undefined ? 'module' : 'disk';
      const allowed =
        source === 'disk' ? 'an object with a function read' : 'a module whose default export makes a disk';
      const where = { path: formatPath([...path, source]), origin: ORIGIN };
      throw new ConfigurationError([{ severity: 'error', ...where, received, allowed, remedy: 'see docs/library.md' }]);
    }
  }

  /** Closes the disks of these units, each whatever becomes of the others; then throws the first error, and has logged the others. */
  close(luns: readonly LunSettings[]): Promise<void> {
    return this.#close(luns.flatMap((lun) => (lun.backend === 'custom' ? (this.#open.get(lun.disk) ?? []) : [])));
  }

  /** Closes all that are open, in the same way, for good; waits also for those that are being opened or closed. */
  async closeAll(): Promise<void> {
    this.refuse();
    const closed = this.#close([...this.#open.values()]);
    // Whoever opens or closes them hears what went wrong with it.
    await Promise.allSettled(this.#transitions);
    await closed;
  }

  #close(disks: readonly OpenDisk[]): Promise<void> {
    for (const disk of disks) this.#open.delete(disk);
    return this.#transition(closeEach(disks, this.#log));
  }

  /** What {@link closeAll} waits for, too. */
  #transition<Result>(work: Promise<Result>): Promise<Result> {
    this.#transitions.add(work);
    const over = () => void this.#transitions.delete(work);
    work.then(over, over);
    return work;
  }
}

async function closeEach(disks: readonly OpenDisk[], log: Logger): Promise<void> {
  const ends = await Promise.allSettled(disks.map((disk) => disk.close()));
  const [first, ...others] = ends.filter((end) => end.status === 'rejected');
  for (const { reason: err } of others) log.error({ err }, 'a disk was not closed in order');
  if (first !== undefined) throw first.reason;
}
