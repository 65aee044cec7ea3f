// The refusals of late, for those who ask why: the last ones whole, all of them by code.
// What a refusal is made of is login/refusal.ts's; what the log has of it, refusal-log.ts's.

import type { Refusal } from '../login/refusal.ts';
import { formatLoginStatus, LOGIN_STATUS } from '../pdu/login-status.ts';

/** About 2 KiB each. */
const KEPT = 500;

/** A refusal, and when it was. `cause` is for the log: it may hold anything. */
export type RefusalReport = Omit<Refusal, 'cause'> & { readonly at: Date };

/** What has been refused since the start. */
export class Refusals {
  /** Oldest first. */
  readonly #kept: RefusalReport[] = [];
  /** By code, successes included; every code is there. */
  readonly #counts = new Map<string, number>(LOGIN_STATUS.map(({ code }) => [formatLoginStatus(code), 0]));
  #total = 0;
  readonly #listeners = new Set<(report: RefusalReport) => void>();

  add({ cause: _, ...refusal }: Refusal): void {
    const report = { ...refusal, at: new Date() };
    this.#total++;
    this.#kept.push(report);
    if (this.#kept.length > KEPT) this.#kept.shift();
    this.#count(refusal.status);
    for (const listener of this.#listeners) listener(report);
  }

  /** A login has succeeded. */
  succeeded(): void {
    this.#count('0000');
  }

  #count(status: string): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
  }

  /** The last `count`, newest first. */
  latest(count = KEPT): RefusalReport[] {
    return this.#kept.slice(-count).reverse();
  }

  /** How many there were. */
  get total(): number {
    return this.#total;
  }

  /** Logins by status, `0000` among them. */
  counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Has `listener` called for every refusal from now on. Call what it answers to end that. */
  listen(listener: (report: RefusalReport) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
