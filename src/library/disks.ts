// The disks that a program has brought: opened before their units are served, closed when nobody uses them any more.
// What a disk is, and how it is reached, is backend/disk.ts's and control/open-disk.ts's.

import type { Logger } from 'pino';
import { ConfigurationError, formatPath } from '../config/finding.ts';
import type { LunSettings } from '../config/settings.ts';
import { type DiskUse, type OpenDisk, openDisk, openDiskModule } from '../control/open-disk.ts';
import { CONCURRENCY_DEFAULT, type CustomLunOptions, type CustomLuns, ORIGIN, TIMEOUT_MS_DEFAULT } from './options.ts';

/** A module may read what it serves, a disk write what it has held back; what takes longer has hung. */
const TRANSITION_MS = 120_000;

/** Everything that is open. */
export class Disks {
  readonly #log: Logger;
  readonly #open = new Map<LunSettings, OpenDisk>();
  /** The units that are served, by target. */
  readonly #served = new Map<string, readonly LunSettings[]>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Opens the disks of these units, and puts them in the place of what stood for them. Throws {@link ConfigurationError}; nothing stays open then. */
  async open(luns: readonly LunSettings[], customs: CustomLuns, path: readonly PropertyKey[]): Promise<LunSettings[]> {
    const opened: LunSettings[] = [];
    try {
      for (const [index, lun] of luns.entries()) {
        const custom = customs.get(lun.lun);
        opened.push(custom === undefined ? lun : await this.#openUnit(lun, custom, [...path, index]));
      }
    } catch (error) {
      await this.close(opened);
      throw error;
    }
    return opened;
  }

  async #openUnit(lun: LunSettings, custom: CustomLunOptions, path: readonly PropertyKey[]): Promise<LunSettings> {
    if (lun.backend !== 'null') return lun;
    const disk = await this.#openDisk(custom, path);
    const settings: LunSettings = { ...lun, backend: 'custom', disk };
    this.#open.set(settings, disk);
    return settings;
  }

  async #openDisk(custom: CustomLunOptions, path: readonly PropertyKey[]): Promise<OpenDisk> {
    const { timeoutMs = TIMEOUT_MS_DEFAULT, concurrency = CONCURRENCY_DEFAULT } = custom;
    const use: DiskUse = { timeoutMs, concurrency, transitionMs: TRANSITION_MS, log: this.#log };
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

  /** Notes which units a target has. */
  serve(targetName: string, luns: readonly LunSettings[]): void {
    this.#served.set(targetName, [...(this.#served.get(targetName) ?? []), ...luns]);
  }

  /** A target, or one unit of it, is served no more: closes what it had. Throws what the disks' functions throw. */
  async retire(targetName: string, number?: number): Promise<void> {
    const served = this.#served.get(targetName) ?? [];
    const retired = served.filter(({ lun }) => number === undefined || lun === number);
    const left = served.filter((lun) => !retired.includes(lun));
    if (left.length === 0) this.#served.delete(targetName);
    else this.#served.set(targetName, left);
    await this.close(retired);
  }

  /** Closes the disks of these units (left out: all), each whatever becomes of the others; then throws the first error. */
  async close(luns: readonly LunSettings[] = [...this.#open.keys()]): Promise<void> {
    const disks = luns.flatMap((lun) => this.#open.get(lun) ?? []);
    for (const lun of luns) this.#open.delete(lun);
    const ends = await Promise.allSettled(disks.map((disk) => disk.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
