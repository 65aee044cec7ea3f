// The tables on the terminal, and the line below them that says how far the run has come.
// What the numbers are made of is statistics.ts.

import type { Cell } from './cells.ts';
import { COLUMNS, cellTexts, percent, shown, times } from './columns.ts';
import type { ManySessions } from './many-sessions.ts';
import type { Series } from './measurement.ts';
import type { Options } from './options.ts';
import { GROUPS, type Group } from './peers.ts';
import { compare } from './results.ts';
import { medians, ratios } from './statistics.ts';

const NAME_WIDTH = 38;
/** Between two columns. */
const GAP = 2;
/** Of the widest figure that is to be expected in any column. */
const FIGURE_WIDTH = 6;
const BAR_WIDTH = 24;

function row(name: string, texts: readonly string[]): string {
  const columns = texts.map((text, index) => text.padStart(Math.max(COLUMNS[index]!.title.length, FIGURE_WIDTH) + GAP));
  return `  ${name.padEnd(NAME_WIDTH)}${columns.join('')}`.trimEnd();
}

function seriesRow(series: Series, clientCpuCount: number): string {
  if (series.absent !== undefined) return `  ${series.peer.padEnd(NAME_WIDTH)}  - (${series.absent})`;
  return row(series.peer, cellTexts(series, clientCpuCount));
}

/** The table of one cell: every group with its peers, and the ratio of its subject to each of the others. */
export function cellTable(cell: Cell, all: readonly Series[], clientCpuCount: number): string {
  const titles = COLUMNS.map(({ title }) => title);
  const lines = [row(cell.name, titles)];
  const here = all.filter((one) => one.cell === cell);
  for (const group of Object.keys(GROUPS) as Group[]) {
    const series = here.filter((one) => one.group === group);
    lines.push(...series.map((one) => seriesRow(one, clientCpuCount)));
    for (const { ours, peer, ratio } of compare(series)) {
      const { iops, bytesPerSecond, p50Us, p99Us, p999Us, meanUs, cpuUsPerIo } = ratio;
      const figures = [iops, bytesPerSecond, p50Us, p99Us, p999Us, meanUs, cpuUsPerIo];
      lines.push(row(`  ${ours} / ${peer}`, figures.map(times)));
    }
  }
  return lines.join('\n');
}

/** What the idle sessions cost. */
export function manySessionsText(found: ManySessions): string {
  const { idleSessions, idleCpuUsPerSecond, rssBytesPerSession, busyAlone, busyAmong } = found;
  const ratio = ratios(busyAmong, busyAlone);
  return [
    `  ${idleSessions} idle sessions`,
    `    CPU of the target   ${shown(idleCpuUsPerSecond.all, 0)} µs a second (${shown(idleCpuUsPerSecond.none, 0)} with no session)`,
    `    memory              ${shown(rssBytesPerSession, 1, 1024)} KiB a session`,
    `    8 busy ones         ${shown(medians(busyAlone).iops, 0)} IOPS by themselves, ${shown(medians(busyAmong).iops, 0)} among them: ${times(ratio.iops)}, p99 ${times(ratio.p99Us)}`,
  ].join('\n');
}

/** What the reader must know to judge the figures. */
export function preamble(machine: Readonly<Record<string, string>>, options: Options): string {
  const pinned = (cpus: string | undefined) => (cpus === undefined ? 'any CPU' : `CPU ${cpus}`);
  return [
    ...Object.entries(machine).map(([key, value]) => `${key.padEnd(8)}  ${value}`),
    `disk      ${options.sizeMiB} MiB, its file in ${options.directory}`,
    `pinning   targets on ${pinned(options.targetCpus)}, client on ${pinned(options.clientCpus)}`,
    `rounds    ${options.rounds} of ${options.seconds} s for every cell and peer, in turn, the order reversed every other round; figures are medians`,
    ...Object.entries(GROUPS).map(([group, text]) => `${group.padEnd(10)}${text}`),
    'switches  context switches of the target per I/O because it waited; forced: because the CPU was taken from it',
    'calls     system calls of the target per I/O, from a pass of their own',
    'client    CPUs that the client used; "!": it had no more, and is the limit, not the target',
    'spread    of IOPS over the rounds, (max - min) / median: below this, differences mean nothing',
  ].join('\n');
}

/** `1 h 05 min`, `12 min`, `40 s`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** How far it has come, in one line. */
export function progressLine(
  done: number,
  total: number,
  elapsedSeconds: number,
  expectedSeconds: number,
  what: string,
) {
  const share = total === 0 ? 1 : done / total;
  const filled = Math.round(share * BAR_WIDTH);
  // Before there is anything to go by, the estimate; then what the measurements so far took.
  const left = done === 0 ? expectedSeconds : (elapsedSeconds / done) * (total - done);
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}] ${percent(share)}  ${duration(left)} left  ${what}`;
}
