// Which worker has least to do, asked when a session begins: a session stays where it begins.
// What a worker is, and whether it answers, is for others.

import { Figure } from '../ring/figures.ts';
import type { SessionEntry, Sessions } from './sessions.ts';

/** Work is counted since a moment at least this long ago, if there was a login then: a burst of logins would see next to none otherwise. */
const WINDOW_MS = 10_000;

/** A connection that did so many commands of late weighs as much again as it does by being there; less is no work to speak of. */
const BUSY_COMMANDS = 1000;

/** Commands of each session up to a moment. */
interface Count {
  readonly at: number;
  readonly commands: ReadonlyMap<SessionEntry, number>;
}

/** See the file's head. Commands are counted from shared memory: nobody is asked. */
export class WorkerLoad {
  readonly #sessions: Sessions;
  readonly #now: () => number;
  #older: Count;
  #newer: Count;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(sessions: Sessions, now: () => number) {
    this.#sessions = sessions;
    this.#now = now;
    this.#older = { at: now(), commands: new Map() };
    this.#newer = this.#older;
  }

  /**
   * The one of `workers` with least to do; undefined when there are none. Half of a worker's load is its share of the connections, those on
   * their way to it included, the other half its share of the commands of late, where those are many: idle sessions weigh little, and many
   * logins at once, which have done next to nothing yet, spread all the same.
   */
  least(workers: readonly number[]): number | undefined {
    const connections = new Map<number, number>();
    const commands = new Map<number, number>();
    let allConnections = 0;
    let allCommands = 0;
    const count = this.#count();
    for (const [entry, total] of count.commands) {
      const { worker } = entry;
      const late = total - (this.#older.commands.get(entry) ?? 0);
      add(connections, worker, entry.connections.size);
      add(commands, worker, late);
      allConnections += entry.connections.size;
      allCommands += late;
    }
    if (count.at - this.#newer.at >= WINDOW_MS) {
      this.#older = this.#newer;
      this.#newer = count;
    }
    const scale = allConnections / Math.max(1, allCommands, BUSY_COMMANDS * allConnections);
    const load = (worker: number) => (connections.get(worker) ?? 0) + (commands.get(worker) ?? 0) * scale;
    return [...workers].sort((a, b) => load(a) - load(b))[0];
  }

  #count(): Count {
    const commands = new Map<SessionEntry, number>();
    for (const entry of this.#sessions.all()) commands.set(entry, this.#commandsOf(entry));
    return { at: this.#now(), commands };
  }

  #commandsOf({ figures }: SessionEntry): number {
    const table = this.#sessions.figures;
    return table.sum(figures, Figure.reads) + table.sum(figures, Figure.writes) + table.sum(figures, Figure.others);
  }
}

function add(sums: Map<number, number>, worker: number, value: number): void {
  sums.set(worker, (sums.get(worker) ?? 0) + value);
}
