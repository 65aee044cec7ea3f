// The settings the program runs with, as types: complete, checked, frozen.
// They are inferred from schema.ts by way of settle.ts; this gives the parts the names that the rest of the program uses.

import type { Secret } from './secret.ts';
import type { settle } from './settle.ts';

/** `Value` and everything in it read-only; secrets are opaque. */
type Frozen<Value> = Value extends Secret | string | number | boolean | undefined | null
  ? Value
  : { readonly [Key in keyof Value]: Frozen<Value[Key]> };

/** All settings. */
export type Settings = Frozen<ReturnType<typeof settle>>;
/** Where to listen. */
export type PortalSettings = Settings['portals'][number];
/** One target. `name` is normalised, `portalGroups` is complete. */
export type TargetSettings = Settings['targets'][number];
/** One logical unit; `backend` tells which kind. Paths are absolute, sizes are bytes. */
export type LunSettings = TargetSettings['luns'][number];
export type FileLunSettings = Extract<LunSettings, { backend: 'file' }>;
export type MemoryLunSettings = Extract<LunSettings, { backend: 'memory' }>;
export type NullLunSettings = Extract<LunSettings, { backend: 'null' }>;
/** How initiators prove who they are; `method` tells whether they must. */
export type AuthSettings = TargetSettings['auth'];
export type ChapSettings = Extract<AuthSettings, { method: 'chap' }>;
export type AclSettings = TargetSettings['acl'];
export type DigestSettings = TargetSettings['digests'];
export type RedirectSettings = NonNullable<TargetSettings['redirect']>;
export type AdminSettings = Exclude<Settings['admin'], false>;
export type UnitLimitSettings = NonNullable<LunSettings['limits']>;
export type InitiatorLimitSettings = TargetSettings['initiatorLimits'][number];
export type TuningSettings = Settings['tuning'];
export type LogSettings = Settings['log'];
