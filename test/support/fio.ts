// fio with the libiscsi engine: finds it, runs one job against a LUN, and reads its JSON.
// Which jobs are worth running is for test/interop and bench/ to say; scripts/setup-clients.mjs builds it.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type RunOptions, run, succeed } from './run.ts';

export interface FioJob {
  /** `iscsi://host:port/name/lun`; a path, when `options` name another engine. */
  readonly url: string;
  readonly rw: 'read' | 'write' | 'rw' | 'randread' | 'randwrite' | 'randrw';
  /** Bytes. */
  readonly blockSize: number;
  readonly depth: number;
  /** Every other option, by fio's own name. */
  readonly options?: Readonly<Record<string, string | number>>;
}

/** One direction of a job. Times in µs. */
export interface FioDirection {
  readonly ios: number;
  readonly iops: number;
  readonly bytesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly meanUs: number;
}

export interface FioResult {
  readonly read: FioDirection;
  readonly write: FioDirection;
  /** Both in one, when the job asks for `unified_rw_reporting`: `read` and `write` are empty then. */
  readonly mixed: FioDirection | null;
  /** CPUs that fio kept busy, in user and in system mode: of one thread on average, when several are reported as a group. */
  readonly clientCpu: number;
  readonly userCpu: number;
  readonly systemCpu: number;
  /** How long the measured part took. */
  readonly runtimeMs: number;
  readonly errors: number;
}

/** Where scripts/setup-clients.mjs keeps what it builds. */
export const CLIENTS_CACHE = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lunaring');

let found: string | null | undefined;

/** Path of a fio that has the libiscsi engine, or null: the one on PATH, or the newest that was built. */
export function findFio(): string | null {
  if (found !== undefined) return found;
  const versions = existsSync(CLIENTS_CACHE)
    ? readdirSync(CLIENTS_CACHE).filter((name) => name.startsWith('fio-'))
    : [];
  const candidates = [
    'fio',
    ...versions
      .sort()
      .reverse()
      .map((name) => join(CLIENTS_CACHE, name, 'fio')),
  ];
  found = candidates.find((path) => spawnSync(path, ['--enghelp=libiscsi']).status === 0) ?? null;
  return found;
}

/** Exit status of a fio that was interrupted, and otherwise content. */
const INTERRUPTED = 128;

/** Runs one job and throws when fio reports an error, a verify failure included. With `stop` it ends when that says so. */
export async function fio(job: FioJob, runOptions: RunOptions = {}): Promise<FioResult> {
  const program = findFio();
  if (program === null) throw new Error('no fio with the libiscsi engine: run node scripts/setup-clients.mjs');
  const options: Record<string, string | number> = {
    name: 'job',
    ioengine: 'libiscsi',
    thread: 1,
    // Or it leaves a file in the working directory when it is ended early.
    verify_state_save: 0,
    // Colons separate file names.
    filename: job.url.replaceAll(':', '\\:'),
    rw: job.rw,
    bs: job.blockSize,
    iodepth: job.depth,
    ...job.options,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const all = ['--output-format=json', ...args];
  if (runOptions.stop === undefined) return parse((await succeed(program, all, runOptions)).stdout);
  const { code, stdout, stderr } = await run(program, all, runOptions);
  if (code !== 0 && code !== INTERRUPTED) throw new Error(`fio ended with ${code}\n${stdout}\n${stderr}`);
  return parse(stdout);
}

interface FioJson {
  jobs: {
    error: number;
    job_runtime: number;
    usr_cpu: number;
    sys_cpu: number;
    read: DirectionJson;
    write: DirectionJson;
    mixed?: DirectionJson;
  }[];
}

interface DirectionJson {
  total_ios: number;
  iops: number;
  bw_bytes: number;
  clat_ns: { mean?: number; percentile?: Record<string, number> };
}

/** fio may print warnings before its JSON. */
function parse(stdout: string): FioResult {
  const json = JSON.parse(stdout.slice(stdout.indexOf('{'))) as FioJson;
  const job = json.jobs[0]!;
  return {
    read: direction(job.read ?? job.mixed),
    write: direction(job.write ?? job.mixed),
    mixed: job.mixed === undefined ? null : direction(job.mixed),
    clientCpu: (job.usr_cpu + job.sys_cpu) / 100,
    userCpu: job.usr_cpu / 100,
    systemCpu: job.sys_cpu / 100,
    runtimeMs: job.job_runtime,
    errors: job.error,
  };
}

function direction(json: DirectionJson): FioDirection {
  const percentile = (key: string): number => (json.clat_ns.percentile?.[key] ?? 0) / 1000;
  return {
    ios: json.total_ios,
    iops: json.iops,
    bytesPerSecond: json.bw_bytes,
    p50Us: percentile('50.000000'),
    p99Us: percentile('99.000000'),
    p999Us: percentile('99.900000'),
    meanUs: (json.clat_ns.mean ?? 0) / 1000,
  };
}
