// Targets that were served and have been removed on purpose: for a while their names are answered with 0204 rather than 0203.
// Initiators that were not told go on trying; whoever looks after them shall see that it is no typing error.

import type { AclSettings, TargetSettings } from '../config/settings.ts';

/** A day and a night: time enough for somebody to read the log of an initiator. */
export const TOMBSTONE_MS = 24 * 60 * 60 * 1000;
/** As many as there may be targets; the oldest are forgotten first. */
const TOMBSTONES_MAX = 1024;

/** What is remembered of a target. */
export interface Tombstone {
  /** Who may know that it existed. */
  readonly acl: AclSettings;
  readonly portalGroups: readonly number[];
}

/** The tombstones, oldest first. */
export class Tombstones {
  readonly #stones = new Map<string, Tombstone & { readonly since: number }>();
  readonly #now: () => number;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A target is removed. */
  raise({ name, acl, portalGroups }: Pick<TargetSettings, 'name' | 'acl' | 'portalGroups'>): void {
    this.#stones.delete(name);
    this.#stones.set(name, { acl, portalGroups, since: this.#now() });
    const [oldest] = this.#stones.keys();
    if (this.#stones.size > TOMBSTONES_MAX) this.#stones.delete(oldest!);
  }

  /** `name` is normalised. */
  find(name: string): Tombstone | undefined {
    const stone = this.#stones.get(name);
    if (stone === undefined || this.#now() - stone.since < TOMBSTONE_MS) return stone;
    this.#stones.delete(name);
    return undefined;
  }
}
