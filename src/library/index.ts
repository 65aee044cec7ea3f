// What `import … from 'lunaring'` has: a target in a program of one's own, and what it takes to keep a disk's blocks oneself.
// Described in docs/library.md.

export { LunaringError } from '../base/error.ts';
export { ConfigurationError, type Finding } from '../config/finding.ts';
export type { TargetEventMap, UnitFailureReport } from '../control/events.ts';
export type { RunningPortal } from '../control/portals.ts';
export type { RefusalReport } from '../control/refusals.ts';
export type { SessionReport, TargetReport, UnitReport } from '../control/reports.ts';
export type { RedirectOptions, UnitLimitOptions } from './arguments.ts';
export { createTarget } from './create-target.ts';
export * from './disk.ts';
export type { CreateTargetOptions, CustomLunOptions, DiskSource, LunOptions, TargetOptions } from './options.ts';
export type { ServedTarget } from './served-target.ts';
