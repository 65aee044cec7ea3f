// Metrics as text: OpenMetrics 1.0 for those who ask for it, Prometheus' own older format for all others.
// Which metrics there are is metrics.ts's, their values collect.ts's.

import { LATENCY_BUCKETS } from '../ring/figures.ts';
import { type Metric, sampleNames } from './metrics.ts';

/** The formats, by what they are called in a Content-Type. */
export const Format = {
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
} as const;
export type Format = (typeof Format)[keyof typeof Format];

/** What nobody named is less wanted than anything that was, but not refused: the least weight that can be written is 0.001. */
const UNNAMED = 0.0001;

/** How much an Accept header wants a type: what is said of it, or else of all that are like it (RFC 9110 §12.5.1). 0: not at all. */
function weightOf(type: string, accept: string): number {
  const ranges = accept.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    return { name, weight: Number.isNaN(weight) ? 1 : weight };
  });
  for (const name of [type, type.replace(/\/.*/, '/*'), '*/*']) {
    const said = ranges.filter((range) => range.name === name);
    if (said.length > 0) return Math.max(...said.map(({ weight }) => weight));
  }
  return UNNAMED;
}

/** The format for an Accept header: OpenMetrics, unless the older format is wanted more, which who wants it says, as Prometheus does. */
export function negotiate(accept: string): Format {
  const openMetrics = weightOf('application/openmetrics-text', accept);
  return weightOf('text/plain', accept) > openMetrics ? Format.text : Format.openMetrics;
}

/** The upper bounds of the buckets of a latency, in seconds: a microsecond, and each twice the one before. The last bucket has none. */
const BOUNDS = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, bucket) => String(2 ** bucket / 1e6));

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));

/** Labels with their values, as they stand between the braces of a sample. */
export function labels(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${typeof value === 'number' ? value : escaped(value)}"`)
    .join(',');
}

/** Writes one exposition, metric by metric. */
export class Exposition {
  readonly #openMetrics: boolean;
  #text = '';
  #metric: Metric | null = null;

  constructor(format: Format) {
    this.#openMetrics = format === Format.openMetrics;
  }

  /** Begins a metric: the samples that follow are its. */
  begin(metric: Metric): void {
    this.#metric = metric;
    const name = this.#openMetrics ? metric.name : sampleNames(metric)[0]!.replace(/_bucket$/, '');
    this.#text += `# HELP ${name} ${metric.help}\n# TYPE ${name} ${metric.type}\n`;
  }

  /** A sample of the metric begun, a counter or a gauge. */
  sample(labelText: string, value: number): void {
    const [name] = sampleNames(this.#metric!);
    this.#text += labelText === '' ? `${name} ${value}\n` : `${name}{${labelText}} ${value}\n`;
  }

  /**
   * A histogram of the metric begun: its sum in microseconds and its buckets as ring/figures.ts keeps them. With a `step` of 2 every other
   * bound is told. A worker may count meanwhile: the count is that of the buckets, so that the samples agree with each other.
   */
  histogram(labelText: string, micros: number, buckets: ArrayLike<number>, step = 1): void {
    const { name } = this.#metric!;
    const prefix = labelText === '' ? '' : `${labelText},`;
    let count = 0;
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      count += buckets[bucket]!;
      const bound = BOUNDS[bucket];
      if (bound === undefined || bucket % step !== 0) continue;
      this.#text += `${name}_bucket{${prefix}le="${bound}"} ${count}\n`;
    }
    const braces = labelText === '' ? '' : `{${labelText}}`;
    this.#text += `${name}_bucket{${prefix}le="+Inf"} ${count}\n`;
    this.#text += `${name}_sum${braces} ${micros / 1e6}\n${name}_count${braces} ${count}\n`;
  }

  /** The text so far; what is written later comes the next time. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** The end of the text. */
  end(): string {
    if (this.#openMetrics) this.#text += '# EOF\n';
    return this.take();
  }
}
