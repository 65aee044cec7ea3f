// The command line of the benchmark.
// The defaults suit a shared machine with two cores; every one is printed with the results.

import { availableParallelism, tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { LunaringError } from '../src/base/error.ts';

export interface Options {
  /** Seconds that each measurement lasts. */
  readonly seconds: number;
  /** How often each cell is measured for each peer, in turn. */
  readonly rounds: number;
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
  /** File for the results. */
  readonly json: string | undefined;
}

export const USAGE = `usage: npm run bench -- [options]
  --quick              1 s per measurement, 1 round
  --seconds N          seconds per measurement (4)
  --rounds N           measurements per cell and peer (3)
  --cells A,B          only cells whose name contains A or B
  --peers A,B          only peers whose name contains A or B
  --size MIB           size of the disk (512)
  --directory DIR      where its file is made (the temporary directory)
  --workers N          worker threads of lunaring (1)
  --engine E           auto, uring or posix (auto)
  --target-cpus LIST   CPUs of the target, as taskset takes them (0), none: not pinned
  --client-cpus LIST   CPUs of the client (1), none: not pinned
  --json FILE          write the results as JSON too
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
  const pin = availableParallelism() > 1;
  return {
    seconds: positive('seconds', values.seconds ?? (values.quick ? '1' : '4')),
    rounds: positive('rounds', values.rounds ?? (values.quick ? '1' : '3')),
    cells: list(values.cells),
    peers: list(values.peers),
    sizeMiB: positive('size', values.size ?? '512'),
    directory: resolve(values.directory ?? tmpdir()),
    workers: positive('workers', values.workers ?? '1'),
    engine: engine(values.engine ?? 'auto'),
    targetCpus: cpus(values['target-cpus'], pin ? '0' : undefined),
    clientCpus: cpus(values['client-cpus'], pin ? '1' : undefined),
    json: values.json,
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
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

function engine(value: string): Options['engine'] {
  if (value === 'auto' || value === 'uring' || value === 'posix') return value;
  throw new UsageError('--engine takes auto, uring or posix');
}

function list(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').filter((part) => part !== '');
}

function cpus(value: string | undefined, byDefault: string | undefined): string | undefined {
  if (value === undefined) return byDefault;
  return value === 'none' ? undefined : value;
}

/** Whether `name` is among what was asked for. */
export function selected(name: string, patterns: readonly string[]): boolean {
  return patterns.length === 0 || patterns.some((pattern) => name.includes(pattern));
}
