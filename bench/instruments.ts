// The eyes: each client runs a cell against an address for some seconds and says what it saw.
// What the target spent meanwhile is measure.ts. Cells of different instruments are never compared with each other.

import { join } from 'node:path';
import { MIB } from '../src/config/limits.ts';
import { iscsiPerf } from '../test/support/clients.ts';
import { type FioDirection, type FioResult, fio } from '../test/support/fio.ts';
import { repositoryRoot } from '../test/support/repository.ts';
import { succeed } from '../test/support/run.ts';
import { type Cell, type InstrumentName, mixed, writes } from './cells.ts';
import type { Options } from './options.ts';
import type { RawJob } from './raw-load.ts';

/** What a client saw. Null: it can't tell. */
export interface Observation {
  readonly ios: number;
  readonly iops: number;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly meanUs: number | null;
  /** CPUs kept busy: all its threads together. Null: the instrument is not the one to say, look at the children's CPU time. */
  readonly clientCpu: number | null;
  readonly userCpu: number;
  readonly systemCpu: number;
}

export type Instrument = (url: string, cell: Cell, seconds: number, options: Options) => Promise<Observation>;

const BLOCK = 512;
const LIMIT_BEYOND_SECONDS = 60;
const UNTOLD = { p50Us: null, p99Us: null, p999Us: null, meanUs: null, clientCpu: null, userCpu: 0, systemCpu: 0 };

/** How many I/Os qemu-img, which counts instead of looking at the clock, is asked for: what takes about a second. */
const QEMU_IOS_A_SECOND = 20_000;

export const INSTRUMENT: Readonly<Record<InstrumentName, Instrument>> = {
  fio: (url, cell, seconds, options) => runFio(url, cell, seconds, options, {}),
  'iscsi-perf': runIscsiPerf,
  'qemu-img': runQemuImg,
  raw: (url, cell, seconds, options) => runRaw(url, cell, seconds, options, false),
  'raw-data-digest': (url, cell, seconds, options) => runRaw(url, cell, seconds, options, true),
};

/** Why `instrument` can't do this cell, or null. */
export function inability({ instrument, pattern, sessions }: Cell): string | null {
  if (instrument === 'fio') return null;
  if (sessions > 1) return `${instrument} has one session`;
  if (instrument === 'qemu-img')
    return pattern === 'read' || pattern === 'write' ? null : 'qemu-img bench is sequential';
  return pattern === 'read' || pattern === 'randread' ? null : `${instrument} only reads here`;
}

/** What the disk itself can do: fio's own io_uring engine at the file. */
export function runLocally(direct: boolean): Instrument {
  const engine = { ioengine: 'io_uring', direct: direct ? 1 : 0 };
  return (path, cell, seconds, options) => runFio(path, cell, seconds, options, engine);
}

async function runFio(
  url: string,
  cell: Cell,
  seconds: number,
  options: Options,
  engine: Readonly<Record<string, string | number>>,
): Promise<Observation> {
  const job = {
    url,
    rw: cell.pattern,
    blockSize: cell.blockSize,
    depth: cell.depth,
    options: {
      size: `${options.sizeMiB}M`,
      time_based: 1,
      runtime: seconds,
      norandommap: 1,
      randrepeat: 0,
      numjobs: cell.sessions,
      group_reporting: 1,
      ...(mixed(cell) ? { rwmixread: 70, unified_rw_reporting: 'mixed' } : {}),
      ...engine,
    },
  };
  const result = await fio(job, { cpus: options.clientCpus, limitSeconds: seconds + LIMIT_BEYOND_SECONDS });
  const { ios, iops, p50Us, p99Us, p999Us, meanUs } = directionOf(result, cell);
  const { sessions } = cell;
  return {
    ios,
    iops,
    p50Us,
    p99Us,
    p999Us,
    meanUs,
    // fio reports the average over the threads of a group.
    clientCpu: result.clientCpu * sessions,
    userCpu: result.userCpu * sessions,
    systemCpu: result.systemCpu * sessions,
  };
}

function directionOf(result: FioResult, cell: Cell): FioDirection {
  return result.mixed ?? (writes(cell) ? result.write : result.read);
}

async function runIscsiPerf(url: string, cell: Cell, seconds: number, options: Options): Promise<Observation> {
  const { depth, pattern, blockSize } = cell;
  const random = pattern === 'randread';
  const job = { depth, blocks: blockSize / BLOCK, seconds, random, cpus: options.clientCpus };
  const iops = await iscsiPerf(url, job);
  return { ...UNTOLD, ios: iops * seconds, iops };
}

async function runQemuImg(url: string, cell: Cell, seconds: number, options: Options): Promise<Observation> {
  const count = QEMU_IOS_A_SECOND * seconds;
  const job = ['-f', 'raw', '-t', 'none', '-c', String(count), '-d', String(cell.depth), '-s', String(cell.blockSize)];
  const direction = writes(cell) ? ['-w'] : [];
  const limits = { cpus: options.clientCpus, limitSeconds: seconds + LIMIT_BEYOND_SECONDS };
  const { stdout } = await succeed('qemu-img', ['bench', ...job, ...direction, url], limits);
  const took = Number(/Run completed in ([\d.]+) seconds/.exec(stdout)?.[1]);
  if (!(took > 0)) throw new Error(`qemu-img bench measured nothing\n${stdout}`);
  return { ...UNTOLD, ios: count, iops: count / took };
}

async function runRaw(
  url: string,
  cell: Cell,
  seconds: number,
  options: Options,
  dataDigest: boolean,
): Promise<Observation> {
  const job: RawJob = { url, cell, seconds, sizeBytes: options.sizeMiB * MIB, dataDigest };
  const limits = { cpus: options.clientCpus, limitSeconds: seconds + LIMIT_BEYOND_SECONDS };
  const program = join(repositoryRoot(), 'dist/bench/raw-client.js');
  const { stdout } = await succeed(process.execPath, [program, JSON.stringify(job)], limits);
  return JSON.parse(stdout);
}
