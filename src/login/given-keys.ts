// What an initiator has said so far in a login: names are kept, and no key is settled twice.
// What the values mean is judged elsewhere.

import { type LoginFault, wrong } from './refusal.ts';
import type { SortedKeys } from './sorted-keys.ts';

/** The keys given in the requests of one login. */
export class GivenKeys {
  /** InitiatorName, InitiatorAlias, TargetName, SessionType: as they were given. */
  readonly names = new Map<string, string>();
  readonly #settled = new Set<string>();

  /** As far as it was given. */
  get initiatorName(): string | null {
    return this.names.get('InitiatorName') ?? null;
  }

  /** As far as it was given. */
  get targetName(): string | null {
    return this.names.get('TargetName') ?? null;
  }

  /** Takes the keys of another text. `first`: it is the first of the login. */
  take(sorted: SortedKeys, first: boolean): LoginFault | null {
    for (const { key, value } of sorted.identity) {
      const before = this.names.get(key);
      const mayBegin = first || key === 'InitiatorAlias';
      // Names may come again, unchanged: libiscsi sends them in both stages.
      if (before === value || (before === undefined && mayBegin)) {
        this.names.set(key, value);
        continue;
      }
      const expected = before === undefined ? `${key} in the first request` : `${key}=${before}`;
      const rule = 'names and session type are given at the start, and stay';
      return wrong(rule, `${key}=${value}`, expected);
    }
    for (const { key } of [...sorted.security, ...sorted.operational]) {
      if (this.#settled.has(key)) {
        const rule = 'a key is negotiated once in a login';
        return wrong(rule, `${key} again`, 'each key once');
      }
      this.#settled.add(key);
    }
    return null;
  }
}
