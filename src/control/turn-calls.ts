// Calls workers when the turn at a unit that they wait for is free (ring/turns.ts): the bell of a lock whose word is shared.
// Who has a turn is in the word alone; this only wakes those who found it taken.

import type { Turns } from '../ring/turns.ts';

/** The workers that wait. */
export class TurnCalls {
  readonly #turns: Turns;
  readonly #call: (worker: number, unit: number) => void;
  readonly #waiting = new Map<number, Set<number>>();

  constructor(turns: Turns, call: (worker: number, unit: number) => void) {
    this.#turns = turns;
    this.#call = call;
  }

  /** A worker found the turn taken. It may have been given back since, and taken again by one who knows of nobody that waits. */
  wanted(worker: number, unit: number): void {
    if (this.#turns.freeOrWanted(unit)) {
      this.#call(worker, unit);
      return;
    }
    const workers = this.#waiting.get(unit) ?? new Set();
    this.#waiting.set(unit, workers.add(worker));
  }

  /** A worker gave a turn back that others want. */
  freed(unit: number): void {
    const workers = this.#waiting.get(unit);
    this.#waiting.delete(unit);
    for (const worker of workers ?? []) this.#call(worker, unit);
  }
}
