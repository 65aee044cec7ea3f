// The columns of every table of figures, on the terminal and on the page: what each is called, and what it shows of a series.
// How a table is drawn is report-terminal.ts's and report-html.ts's.

import type { Measurement, Series } from './measurement.ts';
import { iopsOf, limitedByClient } from './results.ts';
import { medians, spread } from './statistics.ts';

const MEGA = 1e6;

interface Column {
  readonly title: string;
  /** `clientCpuCount`: CPUs that the client may use. */
  readonly text: (median: Measurement, series: Series, clientCpuCount: number) => string;
}

export const COLUMNS: readonly Column[] = [
  { title: 'IOPS', text: ({ iops }) => shown(iops, 0) },
  { title: 'MB/s', text: ({ bytesPerSecond }) => shown(bytesPerSecond, 0, MEGA) },
  { title: 'p50 µs', text: ({ p50Us }) => shown(p50Us, 0) },
  { title: 'p99', text: ({ p99Us }) => shown(p99Us, 0) },
  { title: 'p99.9', text: ({ p999Us }) => shown(p999Us, 0) },
  { title: 'mean', text: ({ meanUs }) => shown(meanUs, 0) },
  { title: 'CPU µs/IO', text: ({ cpuUsPerIo }) => shown(cpuUsPerIo, 1) },
  { title: 'user', text: ({ userUsPerIo }) => shown(userUsPerIo, 1) },
  { title: 'system', text: ({ systemUsPerIo }) => shown(systemUsPerIo, 1) },
  { title: 'switches', text: ({ voluntaryPerIo }) => shown(voluntaryPerIo, 2) },
  { title: 'forced', text: ({ involuntaryPerIo }) => shown(involuntaryPerIo, 2) },
  { title: 'calls', text: (_, { systemCallsPerIo }) => shown(systemCallsPerIo, 2) },
  { title: 'RSS MB', text: ({ rssBytes }) => shown(rssBytes, 0, MEGA) },
  {
    title: 'client',
    text: ({ clientCpu }, series, clientCpuCount) =>
      `${percent(clientCpu)}${limitedByClient(series, clientCpuCount) ? '!' : ''}`,
  },
  { title: 'spread', text: (_, series) => percent(spread(iopsOf(series))) },
];

/** What stands in a series' row, in the order of {@link COLUMNS}. */
export function cellTexts(series: Series, clientCpuCount: number): string[] {
  const median = medians(series.rounds);
  return COLUMNS.map(({ text }) => text(median, series, clientCpuCount));
}

/** A number, or a dash when it can't be had. */
export function shown(value: number | null, digits: number, scale = 1): string {
  return value === null || !Number.isFinite(value) ? '-' : (value / scale).toFixed(digits);
}

/** A ratio, or a dash when it can't be had. */
export function times(value: number): string {
  return Number.isFinite(value) ? `×${value.toFixed(2)}` : '-';
}

/** A share, or a dash when it can't be had. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(0)}%` : '-';
}
