// Turns measurements into tables with ratios, and into one JSON document.
// Ratios are made round by round, then the median is taken: two peers of one round had the same machine.

import { writeFileSync } from 'node:fs';
import { CELLS, type Cell } from './cells.ts';
import { CLIENT_BUSY, type Measurement, median } from './measure.ts';
import type { Options } from './options.ts';
import { GROUPS, type Group } from './peers.ts';

/** All rounds of one peer in one cell. */
export interface Series {
  readonly cell: string;
  readonly peer: string;
  readonly group: Group;
  readonly ours: boolean;
  readonly rounds: readonly Measurement[];
  /** Why there is no measurement. */
  readonly absent?: string;
}

const COLUMNS = ['IOPS', 'MB/s', 'p50 µs', 'p99 µs', 'CPU µs/IO', 'client', 'spread'];
const NAME_WIDTH = 26;
const COLUMN_WIDTH = 11;

function row(name: string, values: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH)}${values.map((value) => value.padStart(COLUMN_WIDTH)).join('')}`.trimEnd();
}

/** Medians over the rounds. */
export function summarize(rounds: readonly Measurement[]): Measurement {
  const middle = (key: keyof Measurement) => median(rounds.map((round) => round[key]));
  return {
    iops: middle('iops'),
    bytesPerSecond: middle('bytesPerSecond'),
    p50Us: middle('p50Us'),
    p99Us: middle('p99Us'),
    cpuUsPerIo: middle('cpuUsPerIo'),
    clientCpu: middle('clientCpu'),
  };
}

function seriesRow(series: Series): string {
  if (series.absent !== undefined) return row(series.peer, [`- (${series.absent})`]);
  const middle = summarize(series.rounds);
  const iops = series.rounds.map((round) => round.iops);
  const spread = (Math.max(...iops) - Math.min(...iops)) / middle.iops;
  return row(series.peer, [
    middle.iops.toFixed(0),
    (middle.bytesPerSecond / 1e6).toFixed(0),
    middle.p50Us.toFixed(0),
    middle.p99Us.toFixed(0),
    middle.cpuUsPerIo.toFixed(1),
    `${(middle.clientCpu * 100).toFixed(0)}%${middle.clientCpu > CLIENT_BUSY ? '!' : ''}`,
    `${(spread * 100).toFixed(0)}%`,
  ]);
}

/** How ours compares with `peer`: more than 1 is more of whatever the column counts. */
export function ratio(ours: Series, peer: Series): Measurement {
  const rounds = Math.min(ours.rounds.length, peer.rounds.length);
  const middle = (key: keyof Measurement) =>
    median(Array.from({ length: rounds }, (_, round) => ours.rounds[round]![key] / peer.rounds[round]![key]));
  return {
    iops: middle('iops'),
    bytesPerSecond: middle('bytesPerSecond'),
    p50Us: middle('p50Us'),
    p99Us: middle('p99Us'),
    cpuUsPerIo: middle('cpuUsPerIo'),
    clientCpu: middle('clientCpu'),
  };
}

function ratioRow(ours: Series, peer: Series): string {
  const of = ratio(ours, peer);
  const times = [of.iops, of.bytesPerSecond, of.p50Us, of.p99Us, of.cpuUsPerIo].map((value) => `×${value.toFixed(2)}`);
  return row(`lunaring / ${peer.peer}`, times);
}

/** The table of one cell: every group with its peers, and the ratio of ours to each of the others. */
export function cellTable(cell: Cell, all: readonly Series[]): string {
  const lines = [row(cell.name, COLUMNS)];
  for (const group of Object.keys(GROUPS) as Group[]) {
    const series = all.filter((one) => one.cell === cell.name && one.group === group);
    lines.push(...series.map(seriesRow));
    const ours = series.find((one) => one.ours && one.rounds.length > 0);
    const others = series.filter((one) => !one.ours && one.rounds.length > 0);
    if (ours !== undefined) lines.push(...others.map((other) => ratioRow(ours, other)));
  }
  return lines.join('\n');
}

/** What the reader must know to judge the figures. */
export function preamble(machine: Readonly<Record<string, string | number>>, options: Options): string {
  const pinned = (cpus: string | undefined) => (cpus === undefined ? 'any CPU' : `CPU ${cpus}`);
  return [
    ...Object.entries(machine).map(([key, value]) => `${key.padEnd(10)}${value}`),
    `disk      ${options.sizeMiB} MiB, its file in ${options.directory}`,
    `pinning   targets on ${pinned(options.targetCpus)}, client on ${pinned(options.clientCpus)}`,
    `lunaring  ${options.workers} worker(s), engine ${options.engine}`,
    `rounds    ${options.rounds} of ${options.seconds} s for every cell and peer, in turn; figures are medians`,
    ...Object.entries(GROUPS).map(([group, text]) => `${group.padEnd(10)}${text}`),
    `client    share of a core that fio used; "!" (over ${CLIENT_BUSY * 100}%): the client is the limit, not the target`,
    `spread    of IOPS over the rounds, (max - min) / median: below this, differences mean nothing`,
  ].join('\n');
}

/** Writes everything to `path`. */
export function writeJson(
  path: string,
  machine: Readonly<Record<string, string | number>>,
  options: Options,
  all: readonly Series[],
): void {
  const results = all.map((series) => ({
    ...series,
    median: series.rounds.length === 0 ? null : summarize(series.rounds),
  }));
  const ratios = CELLS.flatMap((cell) =>
    all
      .filter((one) => one.cell === cell.name && one.ours && one.rounds.length > 0)
      .flatMap((ours) =>
        all
          .filter((one) => one.cell === cell.name && one.group === ours.group && !one.ours && one.rounds.length > 0)
          .map((peer) => ({ cell: cell.name, ours: ours.peer, peer: peer.peer, ratio: ratio(ours, peer) })),
      ),
  );
  writeFileSync(path, `${JSON.stringify({ machine, options, results, ratios }, null, 2)}\n`);
}
