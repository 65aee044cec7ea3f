// What of the settings logins meet and nobody else: it may change while the target runs, and what has begun keeps what it began with.
// What a target itself brings to a login is in the catalog.

import type { Settings, TuningSettings } from '../config/settings.ts';

/** The part of `tuning` that may change; the rest is what workers are started with. */
export const LOGIN_TUNING = [
  'queueDepth',
  'maxRecvDataSegmentLength',
  'maxBurstLength',
  'firstBurstLength',
  'immediateData',
  'initialR2T',
  'loginTimeoutMs',
  'nopIntervalMs',
] as const satisfies readonly (keyof TuningSettings)[];

/** See {@link LOGIN_TUNING}. */
export type LoginTuning = Pick<TuningSettings, (typeof LOGIN_TUNING)[number]>;

/** The part of `tuning` that may change. */
export function loginTuningOf(tuning: LoginTuning): LoginTuning {
  return Object.fromEntries(LOGIN_TUNING.map((key) => [key, tuning[key]])) as LoginTuning;
}

/** What the next login meets. */
export class LoginSettings {
  tuning: LoginTuning;
  discovery: Settings['discovery'];

  constructor({ tuning, discovery }: Pick<Settings, 'tuning' | 'discovery'>) {
    this.tuning = loginTuningOf(tuning);
    this.discovery = discovery;
  }
}
