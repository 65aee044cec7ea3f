// `lunaring lun …`: the logical units of targets, listed, added, grown, limited, removed while they are served.
// The targets themselves are targets.ts's; what initiators have to do about it docs/administration.md says.

import { resolve } from 'node:path';
import type { TargetReport, UnitReport } from '../control/reports.ts';
import { type AdminOptions, UsageError } from './admin-address.ts';
import { path, type Received } from './admin-client.ts';
import { administer, type ChangeOptions, changed, given, saving } from './administer.ts';
import { formatBytes, formatCount } from './quantities.ts';
import { facts, table } from './table.ts';
import type { ExitCode, World } from './world.ts';

type Unit = Received<UnitReport>;

/** How fast something may be used; each left out: as fast as it goes. */
interface Limits {
  readonly iops?: number | undefined;
  readonly bandwidth?: number | undefined;
  readonly burstMs?: number | undefined;
}

/** `500 I/Os a second, 8.00 MiB a second, bursts of 100 ms`; empty where nothing is limited. */
export function formatLimits(limits: Limits | null | undefined): string {
  const { iops, bandwidth, burstMs } = limits ?? {};
  const rates = [
    ...(iops === undefined ? [] : [`${formatCount(iops)} IO/s`]),
    ...(bandwidth === undefined ? [] : [`${formatBytes(bandwidth)}/s`]),
  ];
  if (rates.length > 0 && burstMs !== undefined) rates.push(`burst ${burstMs} ms`);
  return rates.join(', ');
}

function flags({ readOnly, removable, lostWrites }: Unit): string {
  const is = { 'read-only': readOnly, removable, 'lost writes': lostWrites !== null };
  return Object.entries(is)
    .filter(([, holds]) => holds)
    .map(([name]) => name)
    .join(', ');
}

/** The units of one target, indented. */
export function unitTable(units: readonly Unit[]): string {
  const shapes = [
    { heading: 'LUN', right: true },
    { heading: 'size', right: true },
    { heading: 'block', right: true },
    { heading: 'stored in', shortens: true },
    { heading: 'limits', shortens: true },
    { heading: '' },
  ];
  const rows = units.map((unit) => [
    String(unit.lun),
    formatBytes(unit.bytes),
    String(unit.blockSize),
    unit.path === '' ? unit.backend : unit.path,
    formatLimits(unit.limits) || '-',
    flags(unit),
  ]);
  return table(shapes, rows, 2);
}

/** What an operator has to know of it before anything else; empty where all is well. */
function trouble({ lostWrites }: Unit): string {
  if (lostWrites === null) return '';
  return `a sync failed with ${lostWrites}: writes may be lost, and nothing is promised to last until it is removed and added again`;
}

function formatUnit(target: string, unit: Unit): string {
  const { lun, backend, bytes, blockSize, serial, naa, limits } = unit;
  return [
    `LUN ${lun} of ${target}\n`,
    facts([
      ['stored in', unit.path === '' ? backend : unit.path],
      ['size', `${formatBytes(bytes)}, ${bytes} bytes in blocks of ${blockSize}`],
      ['is', flags(unit)],
      ['trouble', trouble(unit)],
      ['limits', formatLimits(limits) || 'none'],
      ['serial', serial],
      ['naa', naa],
    ]),
  ].join('');
}

/** Runs `lun list`: of one target, or of all. */
export function listLuns(target: string | undefined, options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    if (target !== undefined) {
      const units = await admin.get<UnitReport[]>(path`/targets/${target}/luns`);
      const data = units.map((unit) => ({ target, ...unit }));
      return { data, text: units.length === 0 ? 'no units' : `${target}\n${unitTable(units)}` };
    }
    const targets = await admin.get<TargetReport[]>('/targets');
    const data = targets.flatMap(({ name, units }) => units.map((unit) => ({ target: name, ...unit })));
    const parts = targets.map(
      ({ name, units }) => `${name}\n${units.length === 0 ? '  no units\n' : unitTable(units)}`,
    );
    return { data, text: parts.join('') || 'no targets' };
  });
}

/** Runs `lun show`. */
export function showLun(target: string, lun: number, options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<UnitReport>(path`/targets/${target}/luns/${lun}`);
    return { data, text: formatUnit(target, data) };
  });
}

/** Options of `lun limit`; `lun add` has them as well. */
export interface LimitOptions extends ChangeOptions {
  readonly iops?: number;
  /** `8MiB`, a second. */
  readonly bandwidth?: string;
  readonly burstMs?: number;
  readonly off?: boolean;
}

/** Options of `lun add`. */
export interface AddLunOptions extends LimitOptions {
  readonly backend?: string;
  readonly size?: string;
  readonly blockSize?: number;
  /** False: --no-direct. */
  readonly direct?: boolean;
  readonly readOnly?: boolean;
  readonly removable?: boolean;
  readonly atomicWrites?: boolean;
  readonly serial?: string;
  readonly naa?: string;
}

/** The limits that the options name, as the configuration has them; undefined: none of them. What is allowed the target says. */
function limitsOf({ iops, bandwidth, burstMs }: LimitOptions): object | undefined {
  const limits = given({ iops, bandwidth, burstMs });
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** A unit as the configuration has it. */
export function describeLun(lun: number, file: string | undefined, options: AddLunOptions, world: World): object {
  const { backend, size, blockSize, direct, readOnly, removable, atomicWrites, serial, naa } = options;
  if (file === undefined && (backend ?? 'file') === 'file') {
    throw new UsageError(
      'a unit is stored in something: name a file or a device, or --backend memory or null with --size',
    );
  }
  if (file !== undefined && backend !== undefined && backend !== 'file') {
    throw new UsageError(`--backend ${backend} is stored in no file; leave out ${file}, or the option`);
  }
  return given({
    lun,
    backend,
    path: file === undefined ? undefined : resolve(world.workingDirectory, file),
    size,
    blockSize,
    // commander has it true where --no-direct is not given: the schema's own default then.
    direct: direct === false ? false : undefined,
    readOnly,
    removable,
    atomicWrites,
    serial,
    naa,
    limits: limitsOf(options),
  });
}

/** Runs `lun add`. */
export function addLun(
  target: string,
  lun: number,
  file: string | undefined,
  options: AddLunOptions,
  world: World,
): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const body = describeLun(lun, file, options, world);
    const data = await admin.post<UnitReport>(path`/targets/${target}/luns`, { body, query: saving(options) });
    return { data, text: changed(`added LUN ${lun}, ${formatBytes(data.bytes)}`, options) };
  });
}

/** Runs `lun grow`: to a size, or to what its device or file has become. */
export function growLun(
  target: string,
  lun: number,
  size: string,
  options: ChangeOptions,
  world: World,
): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const where = path`/targets/${target}/luns/${lun}`;
    const data = await admin.patch<UnitReport>(where, { body: { size }, query: saving(options) });
    return {
      data,
      text: changed(`LUN ${lun} has ${formatBytes(data.bytes)} now; rescan it on its initiators`, options),
    };
  });
}

/** Runs `lun limit`. */
export function limitLun(target: string, lun: number, options: LimitOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const limits = limitsOf(options);
    if ((limits === undefined) === (options.off !== true)) {
      throw new UsageError('name limits, such as --iops 5000 or --bandwidth 100MiB, or lift them with --off');
    }
    const where = path`/targets/${target}/luns/${lun}`;
    const body = { limits: limits ?? null };
    const data = await admin.patch<UnitReport>(where, { body, query: saving(options) });
    const what = formatLimits(data.limits) === '' ? 'is not limited' : `is limited to ${formatLimits(data.limits)}`;
    return { data, text: changed(`LUN ${lun} ${what}`, options) };
  });
}

/** Runs `lun remove`. */
export function removeLun(target: string, lun: number, options: ChangeOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    await admin.remove(path`/targets/${target}/luns/${lun}`, { query: saving(options) });
    return { data: { target, lun, removed: true }, text: changed(`removed LUN ${lun}; its data are kept`, options) };
  });
}
