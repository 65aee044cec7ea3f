// The page about a soak: what was done, and memory and descriptors over time.
// Plots and style are the benchmark's.

import { curvePlot, escapeHtml } from '../../bench/plots.ts';
import { STYLE } from '../../bench/report-style.ts';
import { MIB } from '../../src/config/limits.ts';

/** The target at one moment. */
export interface Sample {
  /** Since the start. */
  readonly seconds: number;
  readonly rssBytes: number;
  readonly descriptors: number;
  readonly threads: number;
}

/** HTML without anything from elsewhere. */
export function soakPage(facts: readonly string[], samples: readonly Sample[]): string {
  const curve = (name: string, colour: number, of: (sample: Sample) => number) => ({
    name,
    colour,
    points: samples.map((sample) => ({ x: sample.seconds, y: of(sample), label: '' })),
  });
  const memory = curvePlot('Resident set', 'seconds', 'MiB', [
    curve('resident set', 0, ({ rssBytes }) => rssBytes / MIB),
  ]);
  const counts = curvePlot('Descriptors and threads', 'seconds', 'open', [
    curve('descriptors', 0, ({ descriptors }) => descriptors),
    curve('threads', 1, ({ threads }) => threads),
  ]);
  const list = facts.map((fact) => `<li>${escapeHtml(fact)}</li>`).join('');
  return `<!doctype html><meta charset="utf-8"><title>Soak</title><style>${STYLE}</style><h1>Soak</h1><ul>${list}</ul>${memory}${counts}`;
}
