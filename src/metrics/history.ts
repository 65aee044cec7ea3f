// The last fifteen minutes of the whole target, second by second, in memory that does not grow.
// What is kept is rates.ts's; who asks for it draws it.

import type { Rates } from './rates.ts';

/** What is kept of each second. */
const SERIES = ['readIops', 'writeIops', 'readBytes', 'writeBytes', 'p50Micros', 'p99Micros', 'inFlight'] as const;
type Series = (typeof SERIES)[number];

export const HISTORY_SECONDS = 15 * 60;

/** As it is told: every series as long as `times`, oldest first. */
export interface HistoryReport {
  /** Milliseconds since 1970. */
  readonly times: readonly number[];
  readonly series: Readonly<Record<Series, readonly (number | null)[]>>;
}

/** The seconds, each in the place of the one {@link HISTORY_SECONDS} before it. */
export class History {
  readonly #times = new Float64Array(HISTORY_SECONDS);
  /** A number that is none stands for null. */
  readonly #values = new Map<Series, Float64Array>(SERIES.map((name) => [name, new Float64Array(HISTORY_SECONDS)]));
  #count = 0;

  add(at: number, rates: Rates): void {
    const place = this.#count++ % HISTORY_SECONDS;
    this.#times[place] = at;
    for (const [name, values] of this.#values) values[place] = rates[name] ?? Number.NaN;
  }

  report(): HistoryReport {
    const length = Math.min(this.#count, HISTORY_SECONDS);
    const places = Array.from({ length }, (_, index) => (this.#count - length + index) % HISTORY_SECONDS);
    const told = (value: number) => (Number.isNaN(value) ? null : Math.round(value));
    const series = [...this.#values].map(([name, values]) => [name, places.map((place) => told(values[place]!))]);
    return { times: places.map((place) => this.#times[place]!), series: Object.fromEntries(series) };
  }
}
