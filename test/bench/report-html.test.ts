// The report: whole, by itself, and honest about what it could not measure. JSON and terminal are looked at beside it.

import { expect, test } from 'vitest';
import { cell } from '../../bench/cells.ts';
import type { Measurement, Series } from '../../bench/measurement.ts';
import { readOptions } from '../../bench/options.ts';
import { toHtml } from '../../bench/report-html.ts';
import { cellTable, duration, preamble, progressLine } from '../../bench/report-terminal.ts';
import { compare, type Results, toJson } from '../../bench/results.ts';

const shallow = cell('randread', 4096, 1);
const deep = cell('randread', 4096, 32);

function measured(iops: number, clientCpu: number): Measurement {
  const latency = { p50Us: 80, p99Us: 200, p999Us: 900, meanUs: 90 };
  const cpu = { cpuUsPerIo: 6, userUsPerIo: 2, systemUsPerIo: 4, voluntaryPerIo: 0.1, involuntaryPerIo: 0 };
  return { iops, bytesPerSecond: iops * 4096, ...latency, ...cpu, rssBytes: 1e8, clientCpu };
}

function series(at: typeof deep, peer: string, subject: boolean, rounds: Measurement[], absent?: string): Series {
  const of = { cell: at, peer, group: 'memory' as const, subject, rounds, systemCallsPerIo: 0.5 };
  return absent === undefined ? of : { ...of, absent };
}

const all = [
  series(shallow, 'lunaring-memory', true, [measured(10_000, 0.4), measured(12_000, 0.4)]),
  series(shallow, 'floor', false, [measured(20_000, 0.4), measured(24_000, 0.4)]),
  series(deep, 'lunaring-memory', true, [measured(90_000, 1)]),
  series(deep, 'floor', false, [], 'it <broke>'),
];
const results: Results = {
  machine: { machine: 'a "machine" & more', date: 'today' },
  options: readOptions(['--size', '16', '--engine', 'auto'])!,
  targets: { 'lunaring-memory': 'engine uring, 3 worker(s)' },
  all,
  manySessions: null,
  clientCpuCount: 1,
};

test('subjects are compared with their peers in the same cell, where both were measured', () => {
  expect(compare(all).map(({ cell: { name }, peer, ratio }) => [name, peer, ratio.iops])).toEqual([
    ['randread-4k-qd1', 'floor', 0.5],
  ]);
});

test('the page needs nothing from elsewhere, and runs nothing', () => {
  const html = toHtml(results);
  expect(html).not.toMatch(/<script|https?:|url\(|@import|<link|<img/);
  expect(html.match(/<svg/g)!.length).toBeGreaterThan(2);
  expect(html).toContain('prefers-color-scheme:dark');
  expect(html).not.toMatch(/NaN|Infinity|undefined/);
});

test('the page says what it was measured on, in text that can not be taken for markup', () => {
  const html = toHtml(results);
  expect(html).toContain('a &quot;machine&quot; &amp; more');
  expect(html).toContain('it &lt;broke&gt;');
  expect(html).not.toContain('<broke>');
});

test('page and document say with what the targets ran, not what they were asked for', () => {
  expect(toHtml(results)).toContain('<tr><th>lunaring-memory</th><td>engine uring, 3 worker(s)</td></tr>');
  expect(toHtml(results)).not.toContain('engine auto');
  expect(JSON.parse(toJson(results)).targets).toEqual(results.targets);
});

test('the page and the table say where the client was the limit', () => {
  expect(toHtml(results)).toContain('The client was the limit in 1 of 3 measurements.');
  expect(cellTable(deep, all, 1)).toContain('100%!');
  expect(cellTable(deep, all, 2)).toContain('100%!');
  expect(cellTable(shallow, all, 1)).not.toContain('!');
});

test('the page says whose CPU time it is where there is no target', () => {
  expect(toHtml(results)).toContain('CPU per I/O of the target (disk-…: of fio itself)');
});

test('facts stand apart from their names, however long these are', () => {
  const text = preamble({ node: 'v20', 'congestion control': 'bbr' }, results.options);
  expect(text).toMatch(/^node {6}v20$/m);
  expect(text).toMatch(/^congestion control {2}bbr$/m);
});

test('one round has no spread', () => {
  expect(cellTable(deep, all, 1)).toMatch(/lunaring-memory .* -$/m);
  expect(cellTable(shallow, all, 1)).toMatch(/lunaring-memory .* 18%$/m);
  expect(JSON.parse(toJson(results)).results[2].spread.iops).toBeNull();
});

test('the document holds rounds, medians, spreads and ratios', () => {
  const { results: found, ratios } = JSON.parse(toJson(results));
  expect(found).toHaveLength(4);
  expect(found[0]).toMatchObject({ peer: 'lunaring-memory', median: { iops: 11_000 }, clientIsLimit: false });
  expect(found[0].spread.iops).toBeCloseTo(2000 / 11_000);
  expect(found[3]).toMatchObject({ absent: 'it <broke>', median: null });
  expect(ratios).toHaveLength(1);
});

test('times are written for people', () => {
  expect([30, 89, 600, 3900].map(duration)).toEqual(['30 s', '89 s', '10 min', '1 h 05 min']);
  expect(progressLine(0, 4, 0, 100, 'x')).toContain('0%  2 min left');
  expect(progressLine(2, 4, 30, 100, 'x')).toContain('50%  30 s left');
});
