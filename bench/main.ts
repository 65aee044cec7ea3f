// The benchmark: every cell against every peer, in turns, printed as tables. `npm run bench -- --help` lists the options.
// The client is fio with the libiscsi engine, so that all peers are measured with the same eyes.

import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { findFio } from '../test/support/fio.ts';
import { succeed } from '../test/support/run.ts';
import { Scratch } from '../test/support/scratch.ts';
import { CELLS, type Cell } from './cells.ts';
import { type Measurement, measure } from './measure.ts';
import { type Options, readOptions, selected, USAGE, UsageError } from './options.ts';
import { floorPresent, type Peer, startPeers } from './peers.ts';
import { cellTable, preamble, type Series, writeJson } from './report.ts';

/** A slow disk, and the largest size that anyone would ask for. */
const FILL_LIMIT_SECONDS = 600;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function describeMachine(fioPath: string): Record<string, string | number> {
  const all = cpus();
  return {
    machine: `${all[0]?.model.trim()}, ${all.length} CPUs, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    // Whoever else is at work here: with two cores a load of 1 before the start spoils most figures.
    load: loadavg()[0]!.toFixed(1),
    node: process.version,
    fio: execFileSync(fioPath, ['--version'], { encoding: 'utf8' }).trim(),
    date: new Date().toISOString(),
  };
}

/** All rounds of one cell, the peers taking turns in each. */
async function measureCell(cell: Cell, peers: readonly Peer[], options: Options): Promise<Series[]> {
  const rounds = new Map<Peer, Measurement[]>();
  const absent = new Map<Peer, string>();
  for (const peer of peers) {
    rounds.set(peer, []);
    const reason = peer.excludes(cell);
    if (reason !== null) absent.set(peer, reason);
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const peer of peers) {
      if (absent.has(peer)) continue;
      try {
        rounds.get(peer)!.push(await measure(peer, cell, options, round > 0));
      } catch (error) {
        absent.set(peer, 'failed');
        process.exitCode = EXIT_FAILURE;
        process.stderr.write(`${peer.name}, ${cell.name}: ${(error as Error).message}\n`);
      }
    }
  }
  return peers.map((peer) => {
    const reason = absent.get(peer);
    const series = { cell: cell.name, peer: peer.name, group: peer.group, ours: peer.ours };
    return reason === undefined ? { ...series, rounds: rounds.get(peer)! } : { ...series, rounds: [], absent: reason };
  });
}

/** Noise, and all of it there before anything is read: a hole in a file is no disk. */
function fill(path: string, sizeMiB: number): Promise<unknown> {
  const args = ['if=/dev/urandom', `of=${path}`, 'bs=1M', `count=${sizeMiB}`, 'conv=fsync'];
  return succeed('dd', args, { limitSeconds: FILL_LIMIT_SECONDS });
}

async function bench(options: Options): Promise<void> {
  const fioPath = findFio();
  if (fioPath === null) throw new Error('no fio with the libiscsi engine: run node scripts/setup-clients.mjs');
  using scratch = new Scratch('bench', options.directory);
  const files = {
    direct: scratch.file('direct.img'),
    cached: scratch.file('cached.img'),
    floor: scratch.file('floor'),
  };
  for (const path of [files.direct, files.cached]) await fill(path, options.sizeMiB);
  const machine = describeMachine(fioPath);
  print(preamble(machine, options));
  if (!floorPresent) print('floor     absent: its source is not beside the repository');
  const peers = await startPeers(options, files);
  const all: Series[] = [];
  try {
    for (const cell of CELLS.filter((one) => selected(one.name, options.cells))) {
      all.push(...(await measureCell(cell, peers, options)));
      print(`\n${cellTable(cell, all)}`);
    }
  } finally {
    const stops = await Promise.allSettled(peers.map((peer) => peer.stop()));
    for (const stop of stops) if (stop.status === 'rejected') process.stderr.write(`${stop.reason}\n`);
    if (stops.some((stop) => stop.status === 'rejected')) process.exitCode = EXIT_FAILURE;
  }
  if (options.json !== undefined) writeJson(options.json, machine, options, all);
}

// Interrupted, it ends by way of 'exit', so that no disk of half a gigabyte stays behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(EXIT_FAILURE));

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) print(USAGE.trimEnd());
  else await bench(options);
} catch (error) {
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
  process.stderr.write(`bench: ${(error as Error).message}\n`);
}
