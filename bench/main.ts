// The benchmark: every cell against every peer, in turns, as tables and reports. `npm run bench -- --help` lists the options.
// What is measured is cells.ts, who is measured peers.ts, in which order schedule.ts.

import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { delimiter } from 'node:path';
import { whenUnread } from '../src/cli/broken-pipe.ts';
import { findFio } from '../test/support/fio.ts';
import { exitWhenInterrupted } from '../test/support/interruption.ts';
import { Scratch } from '../test/support/scratch.ts';
import { cellSet } from './cell-sets.ts';
import type { Cell } from './cells.ts';
import { cpusOf } from './cpus.ts';
import { describeMachine } from './machine.ts';
import { type ManySessions, measureManySessions } from './many-sessions.ts';
import type { Series } from './measurement.ts';
import { type Options, readOptions, selected, USAGE, UsageError } from './options.ts';
import { prepareOutputs, writeOutputs } from './outputs.ts';
import { type Files, floorPresent, type Peer, peerNames, settingsOf, startPeers } from './peers.ts';
import { Progress } from './progress.ts';
import { cellTable, duration, manySessionsText, preamble } from './report-terminal.ts';
import type { Results } from './results.ts';
import { countPairs, measureCell, pairSeconds } from './schedule.ts';

/** A slow disk, and the largest size that anyone would ask for. */
const FILL_LIMIT_MS = 600_000;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Noise, and all of it there before anything is read: a hole in a file is no disk. */
function fill(path: string, sizeMiB: number): void {
  const args = ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${sizeMiB}`, 'conv=fsync', 'status=none'];
  execFileSync('dd', args, { timeout: FILL_LIMIT_MS });
}

function files(scratch: Scratch, sizeMiB: number): Files {
  const filled = new Set<string>();
  const disk = (name: string) => {
    const path = scratch.file(`${name}.img`);
    if (!filled.has(name)) fill(path, sizeMiB);
    filled.add(name);
    return path;
  };
  return { disk, floor: scratch.file('floor') };
}

/** How many CPUs the client may use. */
function clientCpus({ clientCpus: list }: Options): number {
  return list === undefined ? availableParallelism() : cpusOf(list)!.size;
}

/** Something could not be measured or written: the run goes on, and fails in the end. */
function fail(message: string): void {
  process.exitCode = EXIT_FAILURE;
  process.stderr.write(`${message}\n`);
}

/** Measures everything, and adds it to `all` cell by cell. */
async function measureAll(
  cells: readonly Cell[],
  peers: readonly Peer[],
  options: Options,
  all: Series[],
): Promise<void> {
  const clientCpuCount = clientCpus(options);
  const pairs = countPairs(cells, peers);
  const expected = pairs * pairSeconds(options);
  print(`time      about ${duration(expected)}: ${cells.length} cells, ${pairs} pairs of cell and peer`);
  const progress = new Progress(pairs, expected, fail);
  process.once('exit', () => progress.clear());
  for (const cell of cells) {
    const series = await measureCell(cell, peers, options, progress);
    progress.advance(countPairs([cell], peers));
    all.push(...series);
    print(`\n${cellTable(cell, series, clientCpuCount)}`);
  }
}

/** Null: nobody asked for it, or it could not be measured. */
async function measureIdle(options: Options): Promise<ManySessions | null> {
  if (options.idleSessions === 0) return null;
  try {
    const found = await measureManySessions(options);
    print(`\n${manySessionsText(found)}`);
    return found;
  } catch (error) {
    fail(`${options.idleSessions} idle sessions: ${(error as Error).message}`);
    return null;
  }
}

async function stopAll(peers: readonly Peer[]): Promise<void> {
  for (const stop of await Promise.allSettled(peers.map((peer) => peer.stop()))) {
    if (stop.status === 'rejected') fail(String(stop.reason));
  }
}

async function bench(options: Options): Promise<void> {
  const fioPath = findFio();
  if (fioPath === null) throw new Error('no fio with the libiscsi engine: run node scripts/setup-clients.mjs');
  const cells = cellSet(options.set, options.axes).filter(({ name }) => selected(name, options.cells));
  const names = peerNames(options);
  if (cells.length === 0) throw new UsageError(`no cell is called anything like ${options.cells.join(' or ')}`);
  if (names.length === 0) throw new UsageError(`no peer is called anything like ${options.peers.join(' or ')}`);
  prepareOutputs(options);
  using scratch = new Scratch('bench', options.directory);
  const machine = describeMachine(fioPath, names, options.directory);
  print(preamble(machine, options));
  if (!floorPresent(options)) print('floor     absent: its source is not in the repository; --floor names one');
  const peers = await startPeers(options, files(scratch, options.sizeMiB));
  const targets = settingsOf(peers);
  for (const [name, setting] of Object.entries(targets)) print(`${name}  ${setting}`);
  const all: Series[] = [];
  let manySessions: ManySessions | null = null;
  try {
    await measureAll(cells, peers, options, all).finally(() => stopAll(peers));
    manySessions = await measureIdle(options);
  } finally {
    // What was measured before something went wrong is worth keeping.
    const results: Results = { machine, options, targets, all, manySessions, clientCpuCount: clientCpus(options) };
    for (const { message } of writeOutputs(results)) fail(message);
  }
}

// tgtd and istgt are in sbin, which a user's PATH may lack.
process.env['PATH'] = [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter);
// No disk of half a gigabyte stays behind.
exitWhenInterrupted();
whenUnread(process.stdout, () => process.exit());

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) print(USAGE.trimEnd());
  else await bench(options);
} catch (error) {
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  process.stderr.write(`bench: ${(error as Error).message}\n`);
}
