// Whether all workers are alive: each turns its loop once a second, even when it has nothing to do, and counts the turns.
// Who asks, and what becomes of the answer, is service-manager.ts's.

import { Counter } from '../ring/counters.ts';

/** What is looked at of a worker; see control/readings.ts. */
interface Turning {
  readonly worker: number;
  readonly counters: Float64Array;
}

/** A worker whose loop has not turned for so long is stuck, or gone and not yet replaced. */
const STUCK_MS = 4000;

/** Compares what is read with what was read before. */
export class WorkerPulse {
  readonly #read: () => readonly Turning[];
  readonly #now: () => number;
  readonly #last = new Map<number, { readonly turns: number; readonly at: number }>();

  /** `read` answers all workers, `now` milliseconds of a clock that only goes on. */
  constructor(read: () => readonly Turning[], now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
  }

  /** Null: all workers turn. Otherwise which don't. It may be asked often or seldom. */
  readonly check = (): string | null => {
    const now = this.#now();
    const stuck: number[] = [];
    for (const { worker, counters } of this.#read()) {
      const turns = counters[Counter.turns]!;
      const last = this.#last.get(worker);
      if (last === undefined || last.turns !== turns) this.#last.set(worker, { turns, at: now });
      else if (now - last.at >= STUCK_MS) stuck.push(worker);
    }
    return stuck.length === 0 ? null : `worker ${stuck.join(', ')} has not turned for ${STUCK_MS} ms and more`;
  };
}
