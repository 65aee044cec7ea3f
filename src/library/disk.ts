// What `import … from 'lunaring/disk'` has: what a disk's own module needs, and nothing of the target, whose code its thread has no use for.
// Described in docs/library.md.

import type { Disk } from '../backend/disk.ts';

export { type Disk, DiskError, type DiskErrorKind, type DiskErrorOptions } from '../backend/disk.ts';

/** The default export of a disk's module: makes the disk, of the copy of `data` that the unit was given. */
export type MakeDisk<Data = unknown> = (data: Data) => Disk | Promise<Disk>;
