// The command line of the benchmark.
// The defaults suit a shared machine with two cores; every one is printed with the results.

import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LunaringError } from '../src/base/error.ts';
import { KIB, MIB, SESSION_LIMIT_MAX } from '../src/config/limits.ts';
import { readTopology } from '../src/kernel/topology.ts';
import type { Axes, SetName } from './cell-sets.ts';
import { PATTERNS, type Pattern } from './cells.ts';
import { apart, cpusOf } from './cpus.ts';

export interface Options {
  /** Seconds that each measurement lasts. */
  readonly seconds: number;
  /** How often each cell is measured for each peer, in turn. */
  readonly rounds: number;
  readonly set: SetName;
  /** Instead of the set: every combination of these. */
  readonly axes: Axes;
  /** Whether system calls are counted, in a pass of its own. */
  readonly systemCalls: boolean;
  /** Substrings of the names of cells and peers; empty: all. */
  readonly cells: readonly string[];
  readonly peers: readonly string[];
  /** Size of the disk, MiB. */
  readonly sizeMiB: number;
  /** Where the disk's file is made. */
  readonly directory: string;
  /** Worker threads and engine of ours. */
  readonly workers: number;
  readonly engine: 'auto' | 'uring' | 'posix';
  /** CPUs, as `taskset -c` takes them; undefined: not pinned. */
  readonly targetCpus: string | undefined;
  readonly clientCpus: string | undefined;
  /** Source of the floor; undefined: where it is beside the repository. */
  readonly floor: string | undefined;
  /** File for the results. */
  readonly json: string | undefined;
  readonly html: string | undefined;
  /** Idle sessions of the cells about many sessions; 0: those aren't measured. */
  readonly idleSessions: number;
}

/** Of one worker: it promises 32,768 commands, and 16 of them to each session to begin with. */
const WORKER_SESSIONS_MAX = 2048;
/** Room for the busy ones, twice: those of the measurement before may not be quite gone. */
export const SESSIONS_BESIDE_IDLE = 16;

export const USAGE = `usage: npm run bench -- [options]
  --quick              few cells, 1 s and 1 round each: under 3 minutes
  --full               the whole matrix: hours; says how many before it begins
  --rw A,B             only these access patterns: read, write, rw, randread, randwrite, randrw (rw: 70 % reads)
  --block A,B          only these block sizes: 4k, 16k, 128k, 1m, ...
  --depth A,B          only these depths, of each session
  --sessions A,B       only these numbers of sessions
                       without --full, axes that aren't named stay at randread, 4k, 32, 1
  --cells A,B          only cells whose name contains A or B
  --peers A,B          only peers whose name contains A or B; by their whole name also those that are left out otherwise:
                       istgt, lunaring-direct-posix, lunaring-memory-posix, lunaring-memory-header-digest,
                       lunaring-direct-polling, lunaring-memory-polling
  --floor FILE         C source of the peer floor, which is no part of the repository; bench/README.md says what it is to do
  --idle N             besides, what N idle sessions cost: CPU, memory, and the speed of 8 busy ones
  --seconds N          seconds per measurement (2)
  --rounds N           measurements per cell and peer (3)
  --no-system-calls    leave out the pass that counts them
  --size MIB           size of the disk (512)
  --directory DIR      where its file is made (the temporary directory)
  --workers N          worker threads of lunaring (1)
  --engine E           auto, uring or posix (auto)
  --target-cpus LIST   CPUs of the target, as taskset takes them (the first that may be used), none: not pinned
  --client-cpus LIST   CPUs of the client (the first of another core), none: not pinned
  --json FILE          write the results as JSON
  --html FILE          write a report with plots
`;

/** The command line can't be understood. */
export class UsageError extends LunaringError {
  constructor(message: string, options?: ErrorOptions) {
    super('LUNARING_BENCH_USAGE', message, options);
  }
}

/** Reads the command line; null when it asks for help. */
export function readOptions(args: readonly string[]): Options | null {
  const values = parse(args);
  if (values.help) return null;
  const usual = apart(readTopology());
  return {
    set: values.full ? 'full' : values.quick ? 'quick' : 'default',
    axes: axes(values),
    systemCalls: !(values['no-system-calls'] ?? values.quick ?? false),
    seconds: positive('seconds', values.seconds ?? (values.quick ? '1' : '2')),
    rounds: positive('rounds', values.rounds ?? (values.quick ? '1' : '3')),
    cells: list('cells', values.cells),
    peers: list('peers', values.peers),
    sizeMiB: positive('size', values.size ?? '512'),
    directory: resolve(values.directory ?? tmpdir()),
    workers: positive('workers', values.workers ?? '1'),
    engine: engine(values.engine ?? 'auto'),
    targetCpus: cpus('target-cpus', values['target-cpus'], usual?.target),
    clientCpus: cpus('client-cpus', values['client-cpus'], usual?.client),
    floor: values.floor === undefined ? undefined : resolve(values.floor),
    json: values.json,
    html: values.html,
    idleSessions: values.idle === undefined ? 0 : idleSessions(values.idle, positive('workers', values.workers ?? '1')),
  };
}

function idleSessions(value: string, workers: number): number {
  const count = positive('idle', value);
  const most = Math.min(SESSION_LIMIT_MAX, workers * WORKER_SESSIONS_MAX) - SESSIONS_BESIDE_IDLE;
  if (count <= most) return count;
  throw new UsageError(
    `--idle ${count}: ${most} are the most that a target with --workers ${workers} takes beside the busy ones`,
  );
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        full: { type: 'boolean' },
        'no-system-calls': { type: 'boolean' },
        rw: text,
        block: text,
        depth: text,
        sessions: text,
        idle: text,
        floor: text,
        html: text,
        help: { type: 'boolean', short: 'h' },
        seconds: text,
        rounds: text,
        cells: text,
        peers: text,
        size: text,
        directory: text,
        workers: text,
        engine: text,
        'target-cpus': text,
        'client-cpus': text,
        json: text,
      },
    }).values;
  } catch (cause) {
    throw new UsageError((cause as Error).message, { cause });
  }
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1) throw new UsageError(`--${name} takes a whole number from 1 on`);
  return number;
}

function axes(values: ReturnType<typeof parse>): Axes {
  const numbers = (name: string, value: string) => list(name, value).map((one) => positive(name, one));
  return {
    ...(values.rw === undefined ? {} : { patterns: list('rw', values.rw).map(pattern) }),
    ...(values.block === undefined ? {} : { blocks: list('block', values.block).map(blockSize) }),
    ...(values.depth === undefined ? {} : { depths: numbers('depth', values.depth) }),
    ...(values.sessions === undefined ? {} : { sessions: numbers('sessions', values.sessions) }),
  };
}

function pattern(value: string): Pattern {
  const found = PATTERNS.find((one) => one === value);
  if (found === undefined) throw new UsageError(`--rw takes ${PATTERNS.join(', ')}, not ${value}`);
  return found;
}

function blockSize(value: string): number {
  const [, digits, unit] = /^([1-9]\d{0,5})([km])$/i.exec(value) ?? [];
  if (digits === undefined) throw new UsageError(`--block takes sizes like 4k or 1m, not ${value}`);
  return Number(digits) * (unit!.toLowerCase() === 'k' ? KIB : MIB);
}

function engine(value: string): Options['engine'] {
  if (value === 'auto' || value === 'uring' || value === 'posix') return value;
  throw new UsageError('--engine takes auto, uring or posix');
}

function list(name: string, value: string | undefined): string[] {
  if (value === undefined) return [];
  const parts = value.split(',').filter((part) => part !== '');
  if (parts.length === 0) throw new UsageError(`--${name} takes one or more, with commas between them`);
  return parts;
}

function cpus(name: string, value: string | undefined, byDefault: number | undefined): string | undefined {
  if (value === undefined) return byDefault?.toString();
  if (value === 'none') return undefined;
  if (cpusOf(value) === null) throw new UsageError(`--${name} takes CPUs like 0,2-3 or 0-10:2, or none, not ${value}`);
  return value;
}

/** Whether `name` is among what was asked for. */
export function selected(name: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
}
