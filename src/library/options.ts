// What a program says to createTarget: a configuration as it would stand in a file, and units whose blocks the program keeps itself.
// Takes the latter out, so that the schema judges the rest; opening disks and serving them is disks.ts's and create-target.ts's.

import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Disk } from '../backend/disk.ts';
import { type Finding, formatPath } from '../config/finding.ts';
import type { configuration } from '../config/schema.ts';
import { EXCHANGE_PLACES_MAX } from '../ring/exchange.ts';

type ConfigurationFile = z.input<typeof configuration>;
type TargetInFile = NonNullable<ConfigurationFile['targets']>[number];
type LunInFile = TargetInFile['luns'][number];
type NullLunInFile = Extract<LunInFile, { backend: 'null' }>;

/** How long a disk's function may take when nobody says. */
export const TIMEOUT_MS_DEFAULT = 30_000;
const TIMEOUT_MS_MIN = 1000;
const TIMEOUT_MS_MAX = 600_000;
/** Operations of one worker on one disk when nobody says. */
export const CONCURRENCY_DEFAULT = 32;

/** Where the functions of a disk are. */
export type DiskSource =
  /** Here: they run on the thread that called createTarget. */
  | { readonly disk: Disk; readonly module?: never; readonly data?: never }
  /**
   * In a module, which gets a thread of its own: its default export makes the disk (a function that answers a Disk, or a promise of one)
   * of a copy of `data`, as structuredClone makes it.
   */
  | { readonly module: URL; readonly data?: unknown; readonly disk?: never };

/** A unit whose blocks the program keeps: beside what is here it has the keys of every unit (`size`, `blockSize`, `serial` …). */
export type CustomLunOptions = Omit<NullLunInFile, 'backend'> &
  DiskSource & {
    readonly backend: 'custom';
    /** A function that takes longer has failed, with ABORTED COMMAND: 1,000 to 600,000 ms, looked at once a second. */
    readonly timeoutMs?: number;
    /** Operations that each worker may have with the disk at a time, 1 to 256; others wait. Takes up to 256 KiB each. */
    readonly concurrency?: number;
  };

/** A unit, of any kind. */
export type LunOptions = LunInFile | CustomLunOptions;

/** A target, as in a configuration file. */
export type TargetOptions = Omit<TargetInFile, 'luns'> & { readonly luns: readonly LunOptions[] };

/** Options of createTarget: those of a configuration file, without its `admin` and `log`. */
export type CreateTargetOptions = Omit<ConfigurationFile, 'admin' | 'log' | 'targets'> & {
  readonly targets: readonly TargetOptions[];
  /** Where the log goes. Left out: warnings and worse, as JSON, to standard error. */
  readonly log?: Logger;
  /** What relative paths are relative to. Left out: the process's working directory. */
  readonly directory?: string;
};

/** The custom units of one target, by LUN. */
export type CustomLuns = ReadonlyMap<number, CustomLunOptions>;

/** A target as the schema takes it: custom units stand in it as ones without storage. */
export interface Split {
  readonly target: TargetInFile;
  readonly customs: CustomLuns;
}

/** Whether a value has keys: programs in JavaScript say what they like. */
export function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is called of a log. */
const LOG_FUNCTIONS = ['fatal', 'error', 'warn', 'info', 'debug'] as const;

/** What is wrong with the options that no configuration file has, and with their shape. */
export function* judgeOptions(options: unknown): Generator<Finding> {
  const finding = (path: string, received: string, allowed: string, remedy: string): Finding => {
    return { severity: 'error', path, origin: ORIGIN, received, allowed, remedy };
  };
  if (!isRecord(options)) {
    yield finding('options', Array.isArray(options) ? 'an array' : String(options), 'an object', 'see docs/library.md');
    return;
  }
  const { admin = false, directory, log } = options as { [Key in 'admin' | 'directory' | 'log']?: unknown };
  // The schema knows `admin`, and createTarget has none: said here, and not left out in silence. `false` says what is so.
  if (admin !== false) {
    const allowed = 'no admin interface: the program is the administrator';
    yield finding('admin', 'an unknown key, admin', allowed, 'remove it');
  }
  if (directory !== undefined && typeof directory !== 'string') {
    yield finding('directory', typeof directory, 'a path, as text', 'change it, or leave it out');
  }
  const isLog = isRecord(log) && LOG_FUNCTIONS.every((name) => typeof (log as Partial<Logger>)[name] === 'function');
  if (log !== undefined && !isLog) {
    yield finding('log', 'no logger', `an object with the functions of pino's`, 'use pino, or leave it out');
  }
}

/** Parts a target into what the schema judges and what it does not know. `report` hears what is wrong with the latter. */
export function splitTarget(
  target: TargetOptions,
  path: readonly PropertyKey[],
  report: (finding: Finding) => void,
): Split {
  const customs = new Map<number, CustomLunOptions>();
  const luns = (Array.isArray(target?.luns) ? target.luns : []).map((lun: LunOptions, index): LunInFile => {
    if (lun?.backend !== 'custom') return lun;
    for (const finding of judge(lun, [...path, 'luns', index])) report(finding);
    customs.set(lun.lun, lun);
    const { disk, module, data, timeoutMs, concurrency, ...rest } = lun;
    return { ...rest, backend: 'null' };
  });
  return { target: Array.isArray(target?.luns) ? { ...target, luns } : (target as TargetInFile), customs };
}

function* judge(lun: CustomLunOptions, path: readonly PropertyKey[]): Generator<Finding> {
  const { disk, module, data, timeoutMs = TIMEOUT_MS_DEFAULT, concurrency = CONCURRENCY_DEFAULT } = lun;
  const finding = (key: string, received: string, allowed: string, remedy: string): Finding => {
    return { severity: 'error', path: formatPath([...path, key]), origin: ORIGIN, received, allowed, remedy };
  };
  if ((disk === undefined) === (module === undefined)) {
    const [received, remedy] =
      disk === undefined
        ? (['neither disk nor module', 'add one of them'] as const)
        : (['disk and module', 'keep one of them'] as const);
    yield finding('disk', received, 'one of disk and module', remedy);
  } else if (module !== undefined && !(module instanceof URL)) {
    const remedy = "write new URL('./disk.js', import.meta.url)";
    yield finding('module', typeof module, 'a URL', remedy);
  }
  if (disk !== undefined && data !== undefined) {
    yield finding('data', 'data beside disk', 'data for a module', 'remove it');
  }
  if (!isWithin(timeoutMs, TIMEOUT_MS_MIN, TIMEOUT_MS_MAX)) {
    yield finding('timeoutMs', String(timeoutMs), `${TIMEOUT_MS_MIN} to ${TIMEOUT_MS_MAX} ms`, 'change it');
  }
  if (!isWithin(concurrency, 1, EXCHANGE_PLACES_MAX)) {
    yield finding('concurrency', String(concurrency), `1 to ${EXCHANGE_PLACES_MAX} operations`, 'change it');
  }
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** What findings name as the place of a value. */
export const ORIGIN = 'the program';
