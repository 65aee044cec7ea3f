// The settings the program runs with, as types: complete, checked, frozen.
// They are inferred from schema.ts by way of settle.ts; this gives the parts the names that the rest of the program uses.

import type { CustomLunSettings } from './custom-lun.ts';
import type { Secret } from './secret.ts';
import type { settle } from './settle.ts';

/** `Value` and everything in it read-only; secrets are opaque. */
type Frozen<Value> = Value extends Secret | string | number | boolean | undefined | null
  ? Value
  : { readonly [Key in keyof Value]: Frozen<Value[Key]> };

type Settled = Frozen<ReturnType<typeof settle>>;
type SettledTarget = Settled['targets'][number];

/** All settings. */
export type Settings = Omit<Settled, 'targets'> & { readonly targets: readonly TargetSettings[] };
/** Where to listen. */
export type PortalSettings = Settings['portals'][number];
/** One target. `name` is normalised, `portalGroups` is complete. */
export type TargetSettings = Omit<SettledTarget, 'luns'> & { readonly luns: readonly LunSettings[] };
/** One logical unit; `backend` tells which kind. Paths are absolute, sizes are bytes. */
export type LunSettings = SettledTarget['luns'][number] | CustomLunSettings;
export type FileLunSettings = Extract<LunSettings, { backend: 'file' }>;
export type NullLunSettings = Extract<SettledTarget['luns'][number], { backend: 'null' }>;
/** How initiators prove who they are; `method` tells whether they must. */
export type AuthSettings = TargetSettings['auth'];
export type ChapSettings = Extract<AuthSettings, { method: 'chap' }>;
export type AclSettings = TargetSettings['acl'];
export type AdminSettings = Exclude<Settings['admin'], false>;
export type UnitLimitSettings = NonNullable<LunSettings['limits']>;
export type InitiatorLimitSettings = TargetSettings['initiatorLimits'][number];
export type TuningSettings = Settings['tuning'];
export type LogSettings = Settings['log'];
