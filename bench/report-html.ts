// The report as one page that needs nothing else: plots, tables, and what it was measured on.
// How a plot is drawn is plots.ts, the looks are report-style.ts.

import type { Cell } from './cells.ts';
import { sizeName } from './cells.ts';
import { COLUMNS, cellTexts, times } from './columns.ts';
import type { Series } from './measurement.ts';
import type { Options } from './options.ts';
import { GROUPS, type Group } from './peers.ts';
import { barPlot, type Curve, curvePlot, escapeHtml } from './plots.ts';
import { STYLE } from './report-style.ts';
import { manySessionsText } from './report-terminal.ts';
import { compare, limitedByClient, type Results } from './results.ts';
import { medians } from './statistics.ts';

const COLOURS = 8;
const RATIOS = ['ours / it: IOPS', 'p99', 'CPU'];
const HEADINGS = ['target', ...COLUMNS.map(({ title }) => title), ...RATIOS];

/** Everything as one page. */
export function toHtml(results: Results): string {
  const { machine, options, targets, all, manySessions } = results;
  const peers = [...new Set(all.map(({ peer }) => peer))];
  const colourOf = (peer: string) => peers.indexOf(peer) % COLOURS;
  const measured = all.filter(({ rounds }) => rounds.length > 0);
  const plots = [
    ...depthPlots(measured, colourOf),
    ...sessionPlots(measured, colourOf),
    ...cpuPlots(measured, colourOf),
  ];
  const cells = [...new Set(all.map(({ cell }) => cell))];
  const facts = Object.entries({ ...machine, ...settings(options), ...targets });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>lunaring: benchmark of ${escapeHtml(machine['date'] ?? '')}</title><style>${STYLE}</style></head><body><main>
<h1>lunaring beside its peers</h1>
<p>${escapeHtml(summary(options))}</p>
${clientNote(results)}
<section class="plots">${plots.join('\n')}</section>
${manySessions === null ? '' : `<h2>Sessions that are idle</h2><pre>${escapeHtml(manySessionsText(manySessions))}</pre>`}
<h2>Figures</h2>
<p><span class="limit">!</span> the client had no CPU left: speed and latency say how fast the client is, CPU per I/O still says what the target spent.
A difference smaller than the spread of either is none. Ratios are made round by round, then their median is taken.</p>
${cells.map((cell) => cellSection(cell, results)).join('\n')}
<h2>Measured on</h2>
<table class="facts">${facts.map(([key, value]) => `<tr><th>${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>
</main></body></html>
`;
}

function summary({ rounds, seconds }: Options): string {
  const often = rounds === 1 ? `one round of ${seconds} s` : `medians of ${rounds} rounds of ${seconds} s`;
  return `Every target took turns with its peers on the same machine: ${often}, the order reversed every other round.`;
}

function settings(options: Options): Record<string, string> {
  const { sizeMiB, directory, targetCpus, clientCpus, rounds, seconds, set } = options;
  return {
    disk: `${sizeMiB} MiB, its file in ${directory}`,
    pinning: `targets on CPU ${targetCpus ?? 'any'}, client on CPU ${clientCpus ?? 'any'}`,
    cells: `${set} set, ${rounds} round(s) of ${seconds} s`,
  };
}

/** Says so when it was the client that was measured. */
function clientNote({ all, clientCpuCount }: Results): string {
  const limited = all.filter((series) => limitedByClient(series, clientCpuCount)).length;
  if (limited === 0) return '';
  const count = all.filter(({ rounds }) => rounds.length > 0).length;
  return `<p class="note"><b>The client was the limit in ${limited} of ${count} measurements.</b> There the targets could
do more than the client asked for: compare CPU per I/O. They are marked <span class="limit">!</span> in the tables.</p>`;
}

/** Series of one group whose cells differ in one thing only; those of more than one value. */
function alike(all: readonly Series[], key: (cell: Cell) => string): (readonly [string, Series[]])[] {
  const families = new Map<string, Series[]>();
  for (const series of all) {
    if (series.cell.instrument !== 'fio') continue;
    const name = `${key(series.cell)} · ${GROUPS[series.group].split(';')[0]}`;
    families.set(name, [...(families.get(name) ?? []), series]);
  }
  return [...families].filter(([, family]) => new Set(family.map(({ cell }) => cell.name)).size > 1);
}

function curves(
  family: readonly Series[],
  colourOf: (peer: string) => number,
  point: (series: Series) => { x: number; y: number; label: string },
): Curve[] {
  return [...new Set(family.map(({ peer }) => peer))].map((peer) => ({
    name: peer,
    colour: colourOf(peer),
    points: family.filter((series) => series.peer === peer).map(point),
  }));
}

function depthPlots(all: readonly Series[], colourOf: (peer: string) => number): string[] {
  const key = ({ pattern, blockSize, sessions }: Cell) => `${pattern} ${sizeName(blockSize)}, ${sessions} session(s)`;
  return alike(all, key).map(([name, family]) => {
    const inOrder = [...family].sort((a, b) => a.cell.depth - b.cell.depth);
    const drawn = curves(inOrder, colourOf, ({ rounds, cell }) => {
      const { iops, p99Us } = medians(rounds);
      return { x: iops, y: p99Us, label: `depth ${cell.depth}` };
    });
    const depths = [...new Set(inOrder.map(({ cell }) => cell.depth))].join(', ');
    return curvePlot(`Latency against throughput: ${name}, depth ${depths}`, 'IOPS', 'p99 µs', drawn);
  });
}

function sessionPlots(all: readonly Series[], colourOf: (peer: string) => number): string[] {
  const key = ({ pattern, blockSize, depth }: Cell) => `${pattern} ${sizeName(blockSize)}, depth ${depth}`;
  return alike(all, key).map(([name, family]) => {
    const inOrder = [...family].sort((a, b) => a.cell.sessions - b.cell.sessions);
    const drawn = curves(inOrder, colourOf, ({ rounds, cell }) => {
      return { x: cell.sessions, y: medians(rounds).iops, label: `${cell.sessions} session(s)` };
    });
    return curvePlot(`Scaling by sessions: ${name}`, 'sessions', 'IOPS', drawn);
  });
}

/** One plot per cell that fio measured, as there is no room for a thousand: those of a single session. */
function cpuPlots(all: readonly Series[], colourOf: (peer: string) => number): string[] {
  const cells = [...new Set(all.map(({ cell }) => cell))].filter(({ sessions }) => sessions === 1);
  return cells.map((cell) => {
    const bars = all
      .filter((series) => series.cell === cell)
      .map(({ peer, rounds }) => {
        const { userUsPerIo, systemUsPerIo, cpuUsPerIo } = medians(rounds);
        const parts = [userUsPerIo, systemUsPerIo];
        return { name: peer, colour: colourOf(peer), parts, text: `${cpuUsPerIo.toFixed(1)} µs` };
      });
    return barPlot(`CPU per I/O of the target (disk-…: of fio itself), user and (paler) system: ${cell.name}`, bars);
  });
}

function cellSection(cell: Cell, { all, clientCpuCount }: Results): string {
  const here = all.filter((series) => series.cell === cell);
  const comparisons = compare(here);
  const rows = (Object.keys(GROUPS) as Group[]).flatMap((group) => {
    const series = here.filter((one) => one.group === group);
    if (series.length === 0) return [];
    const heading = `<tr class="group"><th colspan="${HEADINGS.length}">${escapeHtml(GROUPS[group])}</th></tr>`;
    return [heading, ...series.map((one) => seriesRow(one, comparisons, clientCpuCount))];
  });
  const headings = HEADINGS.map((heading) => `<th>${escapeHtml(heading)}</th>`).join('');
  return `<h3>${escapeHtml(cell.name)}</h3><div class="wide"><table><thead><tr>${headings}</tr></thead>
<tbody>${rows.join('\n')}</tbody></table></div>`;
}

function seriesRow(series: Series, comparisons: ReturnType<typeof compare>, clientCpuCount: number): string {
  const name = `<th class="${series.subject ? 'ours' : ''}">${escapeHtml(series.peer)}</th>`;
  if (series.absent !== undefined) {
    return `<tr>${name}<td class="absent" colspan="${HEADINGS.length - 1}">${escapeHtml(series.absent)}</td></tr>`;
  }
  const ratio = comparisons.find(({ peer }) => peer === series.peer)?.ratio;
  const ratios = ratio === undefined ? RATIOS.map(() => '') : [ratio.iops, ratio.p99Us, ratio.cpuUsPerIo].map(times);
  const texts = [...cellTexts(series, clientCpuCount), ...ratios];
  return `<tr>${name}${texts.map((one) => `<td${one.endsWith('!') ? ' class="limit"' : ''}>${one}</td>`).join('')}</tr>`;
}
