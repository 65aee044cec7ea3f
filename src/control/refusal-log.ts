// What the log has of refused logins: of one address and one rule the first few in a minute, so that who tries without end fills no disk.
// All of them are counted, and the last kept, by refusals.ts.

import type { Logger } from 'pino';
import type { Refusal } from '../login/refusal.ts';

/** So many of an address, a status and the rule that was broken are logged in {@link SPELL_MS}. */
const LOGGED_MAX = 8;
const SPELL_MS = 60_000;
/** So many of these are told apart. Those beyond are by their status alone. */
const SPELLS_MAX = 64;

/** Refusals that are alike, from the first of them on. */
interface Spell {
  readonly endsAt: number;
  refusals: number;
}

/** The lines about refused logins. */
export class RefusalLog {
  readonly #now: () => number;
  readonly #log: Logger;
  /** By status, address and rule. The oldest first: all last equally long. */
  readonly #spells = new Map<string, Spell>();

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number, log: Logger) {
    this.#now = now;
    this.#log = log;
  }

  note(refusal: Refusal): void {
    const count = this.#count(refusal);
    if (count <= LOGGED_MAX) this.#write(refusal, count === LOGGED_MAX);
  }

  /** How many there were of its spell, this one included. */
  #count({ status, peerAddress, rule }: Refusal): number {
    const now = this.#now();
    for (const [key, { endsAt }] of this.#spells) {
      if (now < endsAt) break;
      this.#spells.delete(key);
    }
    const own = `${status} ${peerAddress} ${rule}`;
    const key = this.#spells.has(own) || this.#spells.size < SPELLS_MAX ? own : status;
    const spell = this.#spells.get(key) ?? { endsAt: now + SPELL_MS, refusals: 0 };
    this.#spells.set(key, spell);
    return ++spell.refusals;
  }

  /** `last`: of its spell. */
  #write(refusal: Refusal, last: boolean): void {
    const { status, name, rule, received, expected, cause, ...rest } = refusal;
    const fields = { status, name, rule, received, expected, ...rest, ...(cause === undefined ? {} : { err: cause }) };
    const more = last ? '; more of the kind are not logged for a minute: lunaring refusals has them' : '';
    // Class 3 is our own trouble, everything else the initiator's.
    this.#log[status.startsWith('03') ? 'error' : 'warn'](
      fields,
      `login refused with ${status} ${name}: ${received}${more}`,
    );
  }
}
