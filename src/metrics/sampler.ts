// What a page shows of now: read once a second, told as rates. Remembers the reading before, and nothing older; that is history.ts's.
// Who hears of it is the admin interface's business.

import type { Readings, SessionReading } from '../control/readings.ts';
import { Counter } from '../ring/counters.ts';
import { privateFigures, sumFigures } from '../ring/figures.ts';
import { type Rates, ratesBetween } from './rates.ts';
import { WorkerCpu } from './worker-cpu.ts';

/** Units and sessions that are listed one by one: the busiest, and before them those that seem to be stuck. */
export const LISTED_MAX = 100;

export interface UnitStatus extends Rates {
  readonly target: string;
  readonly lun: number;
  readonly bytes: number;
}

export interface SessionStatus extends Rates {
  readonly tsih: number;
  readonly initiator: string;
  readonly alias: string;
  readonly target: string;
  readonly worker: number;
  readonly since: Date;
  readonly peers: readonly string[];
}

export interface WorkerStatus extends Rates {
  readonly worker: number;
  readonly running: boolean;
  readonly sessions: number;
  readonly connections: number;
  /** CPUs that it keeps busy; null: nobody knows. */
  readonly cpu: number | null;
  readonly memoryBytes: number;
  readonly memoryUsedBytes: number;
}

/** The target in the last second. */
export interface Status {
  /** The time of day, in milliseconds since 1970. */
  readonly at: number;
  readonly total: Rates;
  readonly draining: boolean;
  /** Logins that were refused since the start. */
  readonly refusalCount: number;
  readonly sessionCount: number;
  /** Those that are no discovery sessions. */
  readonly normalSessionCount: number;
  readonly unitCount: number;
  readonly units: readonly UnitStatus[];
  readonly sessions: readonly SessionStatus[];
  readonly workers: readonly WorkerStatus[];
}

/** Earlier readings by what they are of, and those of this time. */
class Series {
  #before = new Map<number, Float64Array>();
  #now = new Map<number, Float64Array>();

  /** What has come since the last time; nothing, if it was not there then. */
  rates(key: number, figures: Float64Array, seconds: number): Rates {
    this.#now.set(key, figures);
    return ratesBetween(this.#before.get(key) ?? figures, figures, seconds);
  }

  turn(): void {
    this.#before = this.#now;
    this.#now = new Map();
  }
}

/** Whether it has commands, and none has ended: what somebody looks for before all that is busy. */
const seemsStuck = ({ readIops, writeIops, inFlight }: Rates): boolean => inFlight > 0 && readIops + writeIops === 0;
const activity = ({ readIops, writeIops, inFlight }: Rates): number => readIops + writeIops + inFlight;

/**
 * Which of many are listed: the busiest, and before them what seems to be stuck; in the order in which they came. What was listed the last
 * time counts twice, or of many that are about as busy others would be listed each second, and nobody could read them.
 */
class Listing<Item extends Rates> {
  readonly #keyOf: (item: Item) => string | number;
  #listed = new Set<string | number>();

  /** `keyOf`: what no two items share. */
  constructor(keyOf: (item: Item) => string | number) {
    this.#keyOf = keyOf;
  }

  choose(items: readonly Item[]): readonly Item[] {
    if (items.length <= LISTED_MAX) return items;
    const ranked = items.map((item) => {
      const key = this.#keyOf(item);
      return { item, key, stuck: Number(seemsStuck(item)), weight: activity(item) * (this.#listed.has(key) ? 2 : 1) };
    });
    const chosen = ranked.sort((a, b) => b.stuck - a.stuck || b.weight - a.weight).slice(0, LISTED_MAX);
    this.#listed = new Set(chosen.map(({ key }) => key));
    const listed = new Set(chosen.map(({ item }) => item));
    return items.filter((item) => listed.has(item));
  }
}

/** See the head of this file. */
export class Sampler {
  readonly #readings: Readings;
  readonly #units = new Series();
  readonly #sessions = new Series();
  readonly #workers = new Series();
  readonly #listedUnits = new Listing<UnitStatus>(({ target, lun }) => `${target} ${lun}`);
  readonly #listedSessions = new Listing<SessionStatus>(({ tsih }) => tsih);
  readonly #workerCpu: WorkerCpu;
  /** Seconds, by worker. */
  readonly #cpu = new Map<number, number>();
  #total = privateFigures();
  /** On the monotonic clock, in milliseconds. */
  #sampledAt: number;

  /** `now`: on the monotonic clock, in milliseconds. */
  constructor(readings: Readings, now: number, workerCpu = new WorkerCpu()) {
    this.#readings = readings;
    this.#workerCpu = workerCpu;
    this.#sampledAt = now;
    this.sample(now + 1, 0);
  }

  /** Reads, and tells what has come since the last time. The time of day `at` is a label: it may step, `now` does not. */
  sample(now: number, at: number): Status {
    const seconds = Math.max(now - this.#sampledAt, 1) / 1000;
    const readings = this.#readings;
    const before = this.#total;
    this.#sampledAt = now;
    const totals = readings.unitTotals();
    this.#total = sumFigures(totals);
    const units = this.#unitsNow(seconds);
    const sessions = readings.sessions().map((session) => this.#sessionNow(session, seconds));
    const workers = this.#workersNow(totals, seconds);
    for (const series of [this.#units, this.#sessions, this.#workers]) series.turn();
    return {
      at,
      total: ratesBetween(before, this.#total, seconds),
      draining: readings.draining,
      refusalCount: readings.refusalCount,
      sessionCount: readings.sessionCount,
      normalSessionCount: sessions.length,
      unitCount: units.length,
      units: this.#listedUnits.choose(units),
      sessions: this.#listedSessions.choose(sessions),
      workers,
    };
  }

  #unitsNow(seconds: number): UnitStatus[] {
    return this.#readings.units().map(({ id, targetName: target, lun, bytes, figures }) => ({
      target,
      lun,
      bytes,
      ...this.#units.rates(id, figures, seconds),
    }));
  }

  #sessionNow(session: SessionReading, seconds: number): SessionStatus {
    const { tsih, initiatorName, initiatorAlias, targetName, worker, since, peers, figures } = session;
    return {
      tsih,
      initiator: initiatorName,
      alias: initiatorAlias,
      target: targetName,
      worker,
      since,
      peers,
      ...this.#sessions.rates(tsih, figures, seconds),
    };
  }

  #workersNow(totals: readonly Float64Array[], seconds: number): WorkerStatus[] {
    return this.#readings.workers().map(({ worker, running, counters }) => ({
      worker,
      running,
      sessions: counters[Counter.sessions]!,
      connections: counters[Counter.connections]!,
      cpu: this.#cpuOf(worker, counters[Counter.threadId]!, seconds),
      memoryBytes: counters[Counter.slabBytes]!,
      memoryUsedBytes: counters[Counter.slabBytesInUse]!,
      ...this.#workers.rates(worker, totals[worker]!, seconds),
    }));
  }

  #cpuOf(worker: number, threadId: number, seconds: number): number | null {
    const time = this.#workerCpu.of(worker, threadId);
    const before = this.#cpu.get(worker);
    this.#cpu.delete(worker);
    if (time === null) return null;
    const now = time.user + time.system;
    this.#cpu.set(worker, now);
    return before === undefined ? null : (now - before) / seconds;
  }
}
