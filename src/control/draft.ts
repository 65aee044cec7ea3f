// A plan while it is being made: the differences that were found, and the steps that make up for them.
// What is looked for, and what a step does, is plan.ts's and service-plan.ts's.

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
  /** Removals of what others need the place of. */
  clear: 0,
  add: 1,
  grow: 2,
  change: 3,
  remove: 4,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Something to do. Phases are gone through in order; what can fail comes before what can't be taken back. */
export interface Step {
  readonly phase: Phase;
  readonly path: string;
  run(): unknown;
  /** Takes it back. */
  undo?(): unknown;
}

/** What is planned. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
}

/** See the file's head. Additions are to be drafted before removals: a place that both want is cleared first. */
export class Draft {
  readonly #changes: Change[] = [];
  readonly #steps: Step[] = [];
  /** Places that something new needs. */
  readonly #needed = new Set<string>();

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

  /** Something new needs these places: files, names, ports. */
  need(places: readonly string[]): void {
    for (const place of places) this.#needed.add(place);
  }

  /** Removals come last, for nothing ends a session in vain; but for those that make room. */
  remove(path: string, places: readonly string[], run: () => unknown, undo: () => unknown): void {
    const phase = places.some((place) => this.#needed.has(place)) ? Phase.clear : Phase.remove;
    this.step({ phase, path, run, undo });
  }

  get plan(): Plan {
    // Stable: what was drafted first goes first.
    return { changes: this.#changes, steps: this.#steps.toSorted((a, b) => a.phase - b.phase) };
  }
}
