// What the routes act on, and how they find it.
// What is done with it is the routes' business.

import type { Logger } from 'pino';
import type { Sequence } from '../base/sequence.ts';
import { PartError } from '../config/part.ts';
import type { Wanted } from '../config/rewrite.ts';
import type { Settings } from '../config/settings.ts';
import type { Administration } from '../control/administration.ts';
import type { Reload } from '../control/reload.ts';
import type { TargetReport, UnitReport } from '../control/reports.ts';
import type { Saving } from '../control/saving.ts';
import type { RunningTarget } from '../control/target.ts';
import { ApiError } from './http.ts';
import type { Watch } from './watch.ts';

/** What the interface stands on. */
export interface AdminContext {
  readonly running: RunningTarget;
  /** As they were loaded. */
  readonly settings: Settings;
  /** What relative paths in requests are relative to. */
  readonly directory: string;
  /** The process's: what it says of all units holds for those that come later. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly startedAt: Date;
  readonly reload: Reload;
  readonly saving: Saving;
  /** One change after another, whoever makes it: each finds what the one before has left. */
  readonly changes: Sequence;
  readonly watch: Watch;
  readonly log: Logger;
}

/** Below this is the API. */
export const BASE = '/api/v1';

/** Answers what there is, or throws a 404. */
export function found<Value>(value: Value | undefined | false, what: string): Value {
  if (value === undefined || value === false) throw new ApiError(404, 'unknown', `there is no ${what}`);
  return value;
}

export function targetNamed(administration: Administration, name: string | undefined): TargetReport {
  return found(administration.target(name ?? ''), `target ${name}`);
}

/** A number in a path, or NaN: there is nothing of that name. */
export function numberIn(text: string | undefined): number {
  return /^\d{1,9}$/.test(text ?? '') ? Number(text) : Number.NaN;
}

/**
 * Whether the query says true of `name`; what is left out is false. Throws {@link PartError} for anything else, as a change that was only to be
 * planned can't be taken back.
 */
export function flagIn(query: URLSearchParams, name: string): boolean {
  const given = query.getAll(name);
  const [value = 'false'] = given;
  if (given.length <= 1 && (value === 'true' || value === 'false')) return value === 'true';
  const [received, allowed] = [given.map((each) => JSON.stringify(each)).join(' and '), 'true or false'];
  const remedy = `write ${name}=true, or leave it out`;
  throw new PartError([{ severity: 'error', path: name, origin: 'the query', received, allowed, remedy }]);
}

export function unitNumbered(target: TargetReport, lun: string | undefined): UnitReport {
  const unit = target.units.find((each) => each.lun === numberIn(lun));
  return found(unit, `LUN ${lun} at ${target.name}`);
}

/** What the configuration file has to say to have served what is. */
export function servedNow({ running, log }: AdminContext): Wanted {
  const { administration, loginSettings } = running;
  return { targets: administration.servedTargets(), tuning: loginSettings.tuning, logLevel: log.level };
}

/** Writes what is served into the configuration file; answers its path. Throws as {@link Saving.save} does. */
export function saveServed(context: AdminContext): string {
  return context.saving.save(servedNow(context));
}
