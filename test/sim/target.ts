// The simulated target: the real control plane over simulated workers, connections and disks, which outlast a power cut.
// What is done to it is simulation.ts's.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadSettings } from '../../src/config/load.ts';
import type { LunSettings, Settings } from '../../src/config/settings.ts';
import { ControlPlane } from '../../src/control/control-plane.ts';
import { LoginConnection } from '../../src/control/login-connection.ts';
import type { Machine } from '../../src/control/machine.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { type SimClock, Violation } from './clock.ts';
import { CustomRecord, SimCustomDisk } from './custom-disk.ts';
import { type DiskFaults, SECTOR, SimDisk } from './disk.ts';
import { NO_DISK_FAULTS, NO_NETWORK_FAULTS } from './faults.ts';
import { SimLoginSocket } from './login-socket.ts';
import { Link, type NetworkFaults } from './network.ts';
import type { Random } from './random.ts';
import { SimWorkers } from './workers.ts';

export const TARGET_NAME = 'iqn.2026-11.io.lunaring:sim';
export const CHAP = { name: 'sim', secret: 'sixteen-letters!' };
/** Units by LUN: two in files, one in memory, one in a file that is too large for one piece of memory, and one that a program keeps. */
export const Lun = { FILE: 0, MEMORY: 1, OTHER_FILE: 2, LARGE: 3, CUSTOM: 4 } as const;
export const LARGE_BLOCK_BYTES = 4096;
/** Blocks of the file that may take the place of {@link Lun.OTHER_FILE}'s: fewer. */
export const OTHER_COUNT = 96;

/** A unit's blocks at the start. Few, so that commands meet. */
export function geometryOf(lun: number): { readonly count: number; readonly blockSize: number } {
  return lun === Lun.LARGE ? { count: 160, blockSize: LARGE_BLOCK_BYTES } : { count: 128, blockSize: SECTOR };
}

const PORTAL = { address: '127.0.0.1', port: 3260, tag: 1 } as const;
const FIRST_FD = 1_000_000;

/** What a target is made of. */
export interface TargetOptions {
  readonly clock: SimClock;
  readonly random: Random;
  /** Chance for the custom disk, apart from all other. */
  readonly custom: Random;
  /** Where the configuration, the names of files, and what outlasts a restart is kept. */
  readonly directory: string;
  readonly workers: number;
  /** Of {@link Lun}. */
  readonly luns: readonly number[];
  readonly bellMs: number;
  /** See workers.ts. */
  readonly untimely: Random | null;
  /** See workers.ts. */
  readonly directLuns: readonly number[];
}

/** A unit's NAA designator, which it keeps while it is away. */
export function naaOf(lun: number): string {
  return `300000000000000${lun}`;
}

/** A unit, as the settings name it. */
function lunSettings(directory: string, lun: number): Record<string, unknown> {
  const { count, blockSize } = geometryOf(lun);
  const size = count * blockSize;
  const naa = naaOf(lun);
  if (lun === Lun.MEMORY) return { lun, naa, backend: 'memory', size };
  // No file has the settings of a custom unit: this stands for it.
  if (lun === Lun.CUSTOM) return { lun, naa, backend: 'null', size };
  return { lun, naa, backend: 'file', path: join(directory, `disk${lun}.img`), size, blockSize, direct: false };
}

/** See the file's head. */
export class SimTarget {
  readonly #options: TargetOptions;
  readonly #settings: Settings;
  readonly #disks = new Map<string, SimDisk>();
  readonly #links = new Map<number, Link>();
  #nextFd = FIRST_FD;
  #boot = 0;
  plane!: ControlPlane;
  workers!: SimWorkers;
  disk: DiskFaults = NO_DISK_FAULTS;
  network: NetworkFaults = NO_NETWORK_FAULTS;
  readonly custom: CustomRecord;
  /** It was gone until then; Infinity: it is. */
  goneUntil = Number.NEGATIVE_INFINITY;
  #customDisk: SimCustomDisk | null = null;

  constructor(options: TargetOptions) {
    this.#options = options;
    this.custom = new CustomRecord(options.custom);
    const file = join(options.directory, 'lunaring.json');
    const target = {
      name: TARGET_NAME,
      maxConnections: 4,
      errorRecoveryLevel: 2,
      sessionLimit: 64,
      // More than all initiators have at once, with those of sessions that are still being ended: no login is refused for want of a place.
      connectionLimit: 256,
      auth: { method: 'chap', users: [CHAP] },
      luns: options.luns.map((lun) => lunSettings(options.directory, lun)),
    };
    const tuning = { workers: options.workers, queueDepth: 32, nopIntervalMs: 5000, slabMiB: 64 };
    const stateDirectory = options.directory;
    writeFileSync(file, JSON.stringify({ portals: [PORTAL], admin: false, targets: [target], tuning, stateDirectory }));
    const { settings, findings } = loadSettings({ file, environment: {}, workingDirectory: options.directory });
    if (settings === null) throw new Error(JSON.stringify(findings));
    this.#settings = settings;
  }

  /** Starts the target, for the first time or after a power cut. */
  start(): void {
    const { clock, random, bellMs, untimely, directLuns } = this.#options;
    const boot = ++this.#boot;
    const machine: Machine = {
      after: (delayMs, then) =>
        clock.after(delayMs, () => {
          if (this.#boot !== boot) return;
          clock.mainTouched = true;
          then();
        }),
      now: () => clock.now,
      random: (length) => random.bytes(length),
      // After a power cut nobody has it any more.
      close: (fd) => this.#links.get(fd)?.dereference(),
      // What the real file has is of no interest, but that it takes its time.
      sync: () =>
        new Promise((resolve) => {
          machine.after(random.delay(1, 50), resolve);
        }),
    };
    this.plane = new ControlPlane({
      settings: this.#presentSettings(),
      makeWorkers: (shared, events) => {
        const options = {
          clock,
          random,
          bellMs,
          untimely,
          directLuns,
          count: this.#options.workers,
          slabBytes: 4 * 1024 * 1024,
          diskOf: (fd: number) => this.#diskOf(fd),
          linkOf: (fd: number) => this.#links.get(fd)!,
        };
        this.workers = new SimWorkers(options, shared, {
          started: (index) => events.started(index),
          message: (index, message) => events.message(index, message),
          lost: (index, error) => this.#judgeLoss(index, () => events.lost(index, error)),
          stopped: (index) => events.stopped(index),
        });
        return this.workers;
      },
      portals: () => [PORTAL],
      machine,
      log: pino({ level: 'silent' }),
    });
    this.workers.start();
  }

  /** A worker takes the sessions of its own with it, and no others. */
  #judgeLoss(worker: number, lose: () => void): void {
    const { sessions } = this.plane;
    const left = [...sessions.all()].filter((session) => session.worker !== worker);
    lose();
    const after = [...sessions.all()];
    if (after.length !== left.length || after.some((session) => !left.includes(session))) {
      const particulars = `worker ${worker}: ${after.length} are left of ${left.length} of others`;
      throw new Violation('a worker that fails takes its own sessions with it', particulars);
    }
  }

  /** A unit has become longer, and stays so over a restart. */
  grown(lun: number, bytes: number): void {
    this.#sizes.set(lun, bytes);
    this.diskOfLun(lun)?.grow(bytes);
  }

  readonly #sizes = new Map<number, number>();

  /** The settings, as an operator who grew units has changed them. */
  #presentSettings(): Settings {
    const [target] = this.#settings.targets;
    const luns = target!.luns.map(({ lun }) => this.lunSettings(lun));
    return { ...this.#settings, targets: [{ ...target!, luns }] } as Settings;
  }

  /** Descriptors are the catalog's; the disk behind one is that of its path. */
  #diskOf(fd: number): SimDisk {
    const unit = this.#served.get(fd);
    if (unit !== undefined) return unit;
    for (const { backend, blockCount, blockSize } of this.plane.catalog.units) {
      if (backend.kind !== 'file' || backend.fd !== fd) continue;
      const disk = this.#diskAt(backend.path, blockCount * blockSize, blockSize);
      this.#served.set(fd, disk);
      return disk;
    }
    throw new Error(`an operation on descriptor ${fd}, which no unit has`);
  }

  readonly #served = new Map<number, SimDisk>();

  /**
   * A unit is about to be removed: commands that a worker begins before it hears of that find its disk all the same, until the function that
   * this answers is called, when its storage has been closed. That resolves when the disk has been let go; true: with all that it was given.
   */
  keepStorage(lun: number): () => Promise<boolean> {
    const { backend } = this.plane.catalog.units.find((each) => each.lun === lun)!;
    if (backend.kind === 'custom') return () => this.#closeCustom();
    if (backend.kind !== 'file') return async () => false;
    const { fd } = backend;
    this.#diskOf(fd);
    return async () => {
      this.#served.delete(fd);
      return false;
    };
  }

  async #closeCustom(): Promise<boolean> {
    try {
      await this.#customDisk!.close();
      return this.diskOfLun(Lun.CUSTOM)!.lostUntil !== Number.POSITIVE_INFINITY;
    } catch {
      return false;
    }
  }

  /** The thread of the custom disk ends, perhaps after a while in which its functions answer nothing. */
  loseDisk(silentMs: number): Promise<void> {
    return this.#customDisk!.end(silentMs);
  }

  /** Has a program keep the unit's blocks, anew. */
  #openCustom(lun: LunSettings): LunSettings {
    if (lun.backend !== 'null') throw new Error('no stand-in for a custom unit');
    const { clock, custom } = this.#options;
    const disk = this.#diskAt(this.#pathOf(lun.lun), lun.size, SECTOR);
    this.#customDisk = new SimCustomDisk(disk, this.custom, clock, custom);
    return { ...lun, backend: 'custom', disk: this.#customDisk };
  }

  #diskAt(path: string, bytes: number, sector: number): SimDisk {
    const { clock, random, directory } = this.#options;
    const known = this.#disks.get(path);
    const name = path.slice(directory.length + 1);
    const disk = known ?? new SimDisk({ name, bytes, sector }, clock, random, this.disk);
    disk.grow(bytes);
    this.#disks.set(path, disk);
    return disk;
  }

  /** The disk of the unit in a file; undefined: it is in memory, or nobody has used it yet. */
  diskOfLun(lun: number): SimDisk | undefined {
    return this.#disks.get(this.#pathOf(lun));
  }

  #pathOf(lun: number): string {
    return join(this.#options.directory, `${this.#replaced.has(lun) ? 'other' : 'disk'}${lun}.img`);
  }

  /** When a unit is added the next time, it is in the other of its files. */
  replace(lun: number): void {
    if (!this.#replaced.delete(lun)) this.#replaced.add(lun);
  }

  readonly #replaced = new Set<number>();

  /** When the disk of a unit failed last, so that initiators hear of it by that sense key. */
  failedAt(lun: number, senseKey: number): number {
    if (lun === Lun.CUSTOM) return this.custom.failedAt.get(senseKey) ?? Number.NEGATIVE_INFINITY;
    const fails = senseKey === SenseKey.MEDIUM_ERROR || senseKey === SenseKey.HARDWARE_ERROR;
    return (fails ? this.diskOfLun(lun)?.failedAt : undefined) ?? Number.NEGATIVE_INFINITY;
  }

  /** Settings to serve a unit with, as long as it has become. */
  lunSettings(lun: number): LunSettings {
    const settings = this.#settings.targets[0]!.luns.find((each) => each.lun === lun)!;
    const size = this.#replaced.has(lun) ? OTHER_COUNT * settings.blockSize : this.#sizes.get(lun);
    const present = (size === undefined ? settings : { ...settings, size }) as LunSettings;
    if (lun === Lun.CUSTOM) return this.#openCustom(present);
    return present.backend === 'file' ? { ...present, path: this.#pathOf(lun) } : present;
  }

  /** From now on disks and network are this bad. */
  trouble(disk: DiskFaults, network: NetworkFaults): void {
    this.disk = disk;
    this.network = network;
    for (const each of this.#disks.values()) each.faults = disk;
    for (const each of this.#links.values()) each.faults = network;
  }

  /** An initiator connects. */
  connect(name: string): Link {
    const { clock, random } = this.#options;
    const fd = this.#nextFd++;
    const link = new Link(clock, random, this.network, name);
    this.#links.set(fd, link);
    clock.mainTouched = true;
    const endpoint = {
      portalGroupTag: PORTAL.tag,
      discovery: true,
      localAddress: PORTAL.address,
      localPort: PORTAL.port,
      peerAddress: '127.0.0.1',
      correlationId: name,
    };
    new LoginConnection(new SimLoginSocket(link, fd), endpoint, this.plane.logins.context, () => {});
    return link;
  }

  /** Descriptors of connections that are still open. */
  get openDescriptors(): number {
    let open = 0;
    for (const [fd, { references }] of this.#links) {
      if (references === 0) this.#links.delete(fd);
      else open += references;
    }
    return open;
  }

  /** The power fails: of what the disks were not made to keep, any part is gone. The initiators hear nothing. */
  cutPower(): void {
    this.#boot++;
    this.workers.cutPower();
    for (const disk of this.#disks.values()) disk.cutPower();
    this.#customDisk?.cutPower();
    for (const link of this.#links.values()) link.reset();
    this.#links.clear();
    this.#served.clear();
    this.plane.catalog.close();
  }

  /** Ends for good, as far as real files go. */
  close(): void {
    this.plane.catalog.close();
  }
}
