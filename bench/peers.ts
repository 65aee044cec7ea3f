// Who is measured: ours in several settings, and beside each the peers that do the same work in another way.
// All of them run for the whole benchmark, one busy at a time.

import { execFileSync } from 'node:child_process';
import { oneLine } from '../src/base/one-line.ts';
import { MIB } from '../src/config/limits.ts';
import type { Daemon } from '../test/support/daemon.ts';
import { fio } from '../test/support/fio.ts';
import { type ConfigurationFile, TargetProcess } from '../test/support/target-process.ts';
import type { Cell } from './cells.ts';
import { FLOOR_IO_BYTES_MAX, floorSource, startFloor } from './floor.ts';
import { type Instrument, runLocally } from './instruments.ts';
import { startIstgt } from './istgt.ts';
import type { Options } from './options.ts';
import { startTgt } from './tgt.ts';

/** A group is what can be compared: the same medium, reached in the same way. */
export type Group = 'direct' | 'cached' | 'memory' | 'null';

/** What a group's medium is, for the reports. */
export const GROUPS: Readonly<Record<Group, string>> = {
  direct: 'file, O_DIRECT',
  cached: 'file, through the page cache',
  memory: 'no disk; the floor is a C program that does the least work a target can do, and stores nothing',
  null: 'no disk and no memory: what everything else costs',
};

export interface Peer {
  readonly name: string;
  readonly group: Group;
  /** The first of ours in its group: what the others are compared with. */
  readonly subject: boolean;
  /** Null: no target, the client goes to the disk itself. */
  readonly pid: number | null;
  readonly url: string;
  /** Engine and workers, as a target of ours says them itself; why the peer is absent. */
  readonly setting?: string;
  /** Instead of the one that the cell names. */
  readonly instrument?: Instrument;
  /** Why this peer can't be measured in this cell, or null. */
  excludes(cell: Cell): string | null;
  /** Brings the medium into the same state before every measurement. */
  prepare(): void;
  stop(): Promise<void>;
}

/** Paths of what the peers need: a file for each group that has one and for each variant of ours, and one to compile the floor to. No two lunarings serve the same file. */
export interface Files {
  /** A file of that name, filled. */
  disk(name: string): string;
  readonly floor: string;
}

interface Candidate {
  readonly name: string;
  readonly group: Group;
  /** Only when it is asked for by name, or the whole matrix is measured. */
  readonly onRequest?: boolean;
  readonly start: (name: string, options: Options, files: Files) => Promise<Started>;
}

/** What is particular to a peer. */
type Started = Pick<Peer, 'pid' | 'url' | 'stop'> &
  Partial<Pick<Peer, 'setting' | 'instrument' | 'excludes'>> & {
    /** What it serves; none: it is in memory. */
    readonly file?: string;
  };

type Target = NonNullable<ConfigurationFile['targets']>[number];

/** What the variants that always poll look for at most: longer than a client on the same machine takes at depth 1. */
const BUSY_POLL_US = 200;
const FILL_LIMIT_SECONDS = 600;

const CANDIDATES: readonly Candidate[] = [
  { name: 'lunaring-direct', group: 'direct', start: ours({}) },
  { name: 'tgt-aio', group: 'direct', start: tgt('direct', 'aio') },
  { name: 'tgt-rdwr-direct', group: 'direct', start: tgt('direct', 'rdwr', 'direct') },
  { name: 'disk-direct', group: 'direct', start: disk('direct', true) },
  { name: 'lunaring-direct-posix', group: 'direct', onRequest: true, start: ours({ engine: 'posix' }) },
  { name: 'lunaring-direct-polling', group: 'direct', onRequest: true, start: ours({ busyPollUs: BUSY_POLL_US }) },
  { name: 'lunaring-cached', group: 'cached', start: ours({ direct: false }) },
  { name: 'tgt-rdwr', group: 'cached', start: tgt('cached', 'rdwr') },
  { name: 'istgt', group: 'cached', onRequest: true, start: istgt },
  { name: 'disk-cached', group: 'cached', start: disk('cached', false) },
  { name: 'lunaring-memory', group: 'memory', start: ours({ backend: 'memory' }) },
  { name: 'floor', group: 'memory', start: floor },
  {
    name: 'lunaring-memory-header-digest',
    group: 'memory',
    onRequest: true,
    start: ours({ backend: 'memory', digest: true }),
  },
  {
    name: 'lunaring-memory-posix',
    group: 'memory',
    onRequest: true,
    start: ours({ backend: 'memory', engine: 'posix' }),
  },
  {
    name: 'lunaring-memory-polling',
    group: 'memory',
    onRequest: true,
    start: ours({ backend: 'memory', busyPollUs: BUSY_POLL_US }),
  },
  { name: 'lunaring-null', group: 'null', start: ours({ backend: 'null' }) },
];

/** Whether the floor can be among the peers. */
export const floorPresent = ({ floor: named }: Options): boolean => floorSource(named) !== null;

/** Those that `options` ask for: by a part of the name, and those on request by the whole of it. */
function candidates(options: Options): readonly Candidate[] {
  const { peers } = options;
  return CANDIDATES.filter(({ name, onRequest = false }) => {
    if (name === 'floor' && !floorPresent(options)) return false;
    if (peers.includes(name)) return true;
    if (onRequest) return name !== 'istgt' && options.set === 'full' && peers.length === 0;
    return peers.length === 0 || peers.some((part) => name.includes(part));
  });
}

/** The names of those that `options` ask for. */
export function peerNames(options: Options): readonly string[] {
  return candidates(options).map(({ name }) => name);
}

/** What those that say so run with, by name: an engine may have been chosen by the target itself. */
export function settingsOf(peers: readonly Peer[]): Readonly<Record<string, string>> {
  return Object.fromEntries(peers.flatMap(({ name, setting }) => (setting === undefined ? [] : [[name, setting]])));
}

const isOurs = (name: string): boolean => name.startsWith('lunaring');

/** Starts those that were asked for. One that does not start is absent; throws when that is one of ours, or all of them. */
export async function startPeers(options: Options, files: Files): Promise<Peer[]> {
  const wanted = candidates(options);
  const peers: Peer[] = [];
  const reasons: Error[] = [];
  try {
    for (const { name, group, start } of wanted) {
      const subject = wanted.find((one) => one.group === group && isOurs(one.name))?.name === name;
      const started = await start(name, options, files).catch((reason: Error) => {
        if (isOurs(name)) throw reason;
        reasons.push(reason);
        return absentFor(reason);
      });
      const prepare = () => settle(group, started.file);
      peers.push({ name, group, subject, excludes: () => null, prepare, ...started });
    }
    if (reasons.length === wanted.length) throw reasons[0]!;
  } catch (error) {
    await Promise.allSettled(peers.map((peer) => peer.stop()));
    throw error;
  }
  return peers;
}

/** What stands for a peer that did not start, with what it said last. */
function absentFor({ message }: Error): Started {
  const lines = message.trim().split('\n');
  const reason = lines.length === 1 ? message : `${lines[0]}: ${lines.at(-1)}`;
  return {
    pid: null,
    url: '',
    setting: `absent: ${oneLine(reason)}`,
    excludes: () => 'did not start',
    stop: async () => undefined,
  };
}

interface Ours {
  readonly backend?: 'memory' | 'null';
  readonly direct?: boolean;
  readonly engine?: Options['engine'];
  readonly digest?: boolean;
  readonly busyPollUs?: number | 'auto';
}

function ours({ backend, direct = true, engine, digest = false, busyPollUs = 'auto' }: Ours): Candidate['start'] {
  return async (name, options, files) => {
    const size = options.sizeMiB * MIB;
    // Two of ours never serve one file; the variants have one of their own.
    const variant = engine !== undefined || busyPollUs !== 'auto';
    const file = () => files.disk(variant ? name : direct ? 'direct' : 'cached');
    const lun = backend === undefined ? { lun: 0, path: file(), direct } : { lun: 0, backend, size };
    const digests = digest ? { digests: { header: 'require' as const } } : {};
    const target: Target = { name: 'iqn.2026-11.io.lunaring:disk0', luns: [lun], ...digests };
    const tuning = { workers: options.workers, engine: engine ?? options.engine, busyPollUs };
    const settings: ConfigurationFile = { targets: [target], tuning, log: { level: 'warn' } };
    const process = await TargetProcess.start(settings, { cpus: options.targetCpus });
    if (backend === 'memory') await fill(process.url(), options);
    const { engine: chosen, workers } = process.ready;
    return {
      pid: process.pid,
      url: process.url(),
      setting: `engine ${chosen}, ${workers} worker(s)`,
      ...(backend === undefined ? { file: file() } : {}),
      excludes: (cell) => (digest && cell.instrument.startsWith('raw') ? 'raw offers no header digests' : null),
      stop: () => process.stop(),
    };
  };
}

/** Writes all of a disk in memory. The first touch of a page costs many times what an I/O does, in a virtual machine above all. */
async function fill(url: string, { sizeMiB, clientCpus }: Options): Promise<void> {
  const job = { url, rw: 'write', blockSize: MIB, depth: 4, options: { size: `${sizeMiB}M` } } as const;
  await fio(job, { cpus: clientCpus, limitSeconds: FILL_LIMIT_SECONDS });
}

function served({ daemon, url }: { daemon: Daemon; url: string }): Started {
  return { pid: daemon.pid, url, stop: () => daemon.kill() };
}

function tgt(group: 'direct' | 'cached', store: string, openFlags?: string): Candidate['start'] {
  return async (_name, options, files) => {
    const file = files.disk(group);
    return { ...served(await startTgt(file, store, options.targetCpus, openFlags)), file };
  };
}

async function istgt(_name: string, options: Options, files: Files): Promise<Started> {
  const file = files.disk('cached');
  return { ...served(await startIstgt(file, options.sizeMiB, options.targetCpus)), file };
}

async function floor(_name: string, options: Options, files: Files): Promise<Started> {
  const started = served(
    await startFloor(floorSource(options.floor)!, files.floor, options.sizeMiB, options.targetCpus),
  );
  return {
    ...started,
    excludes: (cell) => {
      if (cell.blockSize > FLOOR_IO_BYTES_MAX) return 'more than the floor can do';
      return cell.instrument === 'raw-data-digest' ? 'it has no digests' : null;
    },
  };
}

function disk(group: 'direct' | 'cached', direct: boolean): Candidate['start'] {
  return async (_name, _options, files) => {
    const file = files.disk(group);
    return {
      pid: null,
      url: file,
      file,
      instrument: runLocally(direct),
      excludes: (cell) => (cell.instrument === 'fio' ? null : 'only fio goes to the disk itself'),
      stop: async () => undefined,
    };
  };
}

/** Nothing of an earlier measurement is still on its way to the disk, and the page cache holds all of the file or none of it. */
function settle(group: Group, file: string | undefined): void {
  if (file === undefined) return;
  execFileSync('sync', [file]);
  if (group === 'cached') execFileSync('dd', [`if=${file}`, 'of=/dev/null', 'bs=1M', 'status=none']);
  else execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}
