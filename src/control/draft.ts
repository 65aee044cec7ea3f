// A plan while it is being made: the differences that were found, and the steps that make up for them.
// What is looked for, and what a step does, is plan.ts's and service-plan.ts's.

import type { Rehearsal } from './rehearsal.ts';

/** What happens. `restart`: nothing now; it holds from the next start on. */
export type Action = 'add' | 'remove' | 'replace' | 'grow' | 'limit' | 'change' | 'restart';

/** A difference. */
export interface Change {
  /** `targets[iqn.2026-11.com.example:a].luns[0].size`: targets by name, units by number. */
  readonly path: string;
  readonly action: Action;
  /** TSIHs of those whose initiators notice: told of it, limited, or ended. */
  readonly sessions: readonly number[];
  /** With `restart`: why it can't be now. */
  readonly reason?: string;
}

export const Phase = {
  /** Portals whose port others need. */
  leave: 0,
  /** What is added beside what is there. */
  add: 1,
  /** Removals of what others need the place of: from here on sessions notice. */
  clear: 2,
  /** What is added in those places. */
  fill: 3,
  grow: 4,
  change: 5,
  remove: 6,
  /** What nobody notices, once all is served. */
  arrange: 7,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** What a step does. */
export interface Work {
  run(): unknown;
  /** Takes it back. */
  undo?(): unknown;
  /** Nothing will be taken back any more. */
  settle?(): void;
  /** Finds out what {@link run} would come to after the steps before it. Throws what that would throw. */
  rehearse?(rehearsal: Rehearsal): void;
}

/** Something to do. Phases are gone through in order; what can fail comes before what can't be taken back. */
export interface Step extends Work {
  readonly phase: Phase;
  readonly path: string;
}

/** What is planned. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
}

/** A step that is put in its phase once all are known. `places`: what two can't have, such as files and names. */
interface Move extends Work {
  readonly path: string;
  readonly places: readonly string[];
}

/** See the file's head. */
export class Draft {
  readonly #changes: Change[] = [];
  readonly #steps: Step[] = [];
  readonly #arrivals: Move[] = [];
  readonly #departures: Move[] = [];

  note(path: string, action: Action, sessions: readonly number[] = []): void {
    this.#changes.push({ path, action, sessions });
  }

  /** Notes what has to wait for the next start. */
  wait(path: string, reason: string): void {
    this.#changes.push({ path, action: 'restart', sessions: [], reason });
  }

  step(step: Step): void {
    this.#steps.push(step);
  }

  /** Notes a change from `before` to `after`, and has `set` called with the latter. */
  change<Value>(
    path: string,
    before: Value,
    after: Value,
    set: (value: Value) => unknown,
    sessions: readonly number[] = [],
  ): void {
    this.note(path, 'change', sessions);
    this.step({ phase: Phase.change, path, run: () => set(after), undo: () => set(before) });
  }

  /** Something new comes to these places. */
  add(path: string, places: readonly string[], work: Work): void {
    this.#arrivals.push({ ...work, path, places });
  }

  /** Something leaves these places: last of all, for nothing ends a session in vain, but where it has to make room. */
  remove(path: string, places: readonly string[], work: Work): void {
    this.#departures.push({ ...work, path, places });
  }

  get plan(): Plan {
    const needed = new Set(this.#arrivals.flatMap(({ places }) => places));
    const left = new Set(this.#departures.flatMap(({ places }) => places));
    const moves = [
      ...inPhases(this.#arrivals, left, Phase.fill, Phase.add),
      ...inPhases(this.#departures, needed, Phase.clear, Phase.remove),
    ];
    // Stable: what was drafted first goes first.
    return { changes: this.#changes, steps: [...this.#steps, ...moves].toSorted((a, b) => a.phase - b.phase) };
  }
}

/** What shares a place with `others` in one phase, the rest in another. */
function inPhases(moves: readonly Move[], others: ReadonlySet<string>, shared: Phase, free: Phase): Step[] {
  return moves.map(({ places, ...work }) => {
    return { ...work, phase: places.some((place) => others.has(place)) ? shared : free };
  });
}
