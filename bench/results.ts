// Everything that a run found, and the document that keeps it.
// How it is shown is report-terminal.ts and report-html.ts.

import type { Cell } from './cells.ts';
import type { Machine } from './machine.ts';
import type { ManySessions } from './many-sessions.ts';
import { clientIsLimit, type Series } from './measurement.ts';
import type { Options } from './options.ts';
import { type Figures, medians, ratios, spreads, values } from './statistics.ts';

export interface Results {
  readonly machine: Machine;
  readonly options: Options;
  /** Engine and workers of ours, by the peer's name. */
  readonly targets: Readonly<Record<string, string>>;
  readonly all: readonly Series[];
  readonly manySessions: ManySessions | null;
  /** CPUs that the client may use. */
  readonly clientCpuCount: number;
}

/** How the subject of a group compares with one of its peers in a cell. */
export interface Comparison {
  readonly cell: Cell;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: Figures;
}

/** Whether the client was what limited the figures of a series. */
export function limitedByClient(series: Series, clientCpuCount: number): boolean {
  if (series.rounds.length === 0) return false;
  const threads = series.cell.instrument === 'fio' ? series.cell.sessions : 1;
  return clientIsLimit(medians(series.rounds).clientCpu, clientCpuCount, threads);
}

/** The subject of every group beside each of the others, cell by cell. */
export function compare(all: readonly Series[]): Comparison[] {
  const measured = all.filter(({ rounds }) => rounds.length > 0);
  return measured
    .filter(({ subject }) => subject)
    .flatMap((ours) =>
      measured
        .filter((one) => one.cell === ours.cell && one.group === ours.group && !one.subject)
        .map((other) => ({
          cell: ours.cell,
          ours: ours.peer,
          peer: other.peer,
          ratio: ratios(ours.rounds, other.rounds),
        })),
    );
}

/** The whole as one document. What could not be measured is null in it. */
export function toJson(results: Results): string {
  const { machine, options, targets, all, manySessions, clientCpuCount } = results;
  const summed = all.map((series) => ({
    ...series,
    median: series.rounds.length === 0 ? null : medians(series.rounds),
    spread: series.rounds.length === 0 ? null : spreads(series.rounds),
    clientIsLimit: limitedByClient(series, clientCpuCount),
  }));
  return `${JSON.stringify({ machine, options, targets, results: summed, ratios: compare(all), manySessions }, null, 2)}\n`;
}

/** IOPS round by round: the figure whose spread stands for all. */
export function iopsOf(series: Series): readonly number[] {
  return values(series.rounds, 'iops');
}
