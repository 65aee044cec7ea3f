// Who is measured: ours in three settings, and beside each the peer that does the same work in another way.
// All of them run for the whole benchmark, one busy at a time.

import { execFileSync } from 'node:child_process';
import { MIB } from '../src/config/limits.ts';
import { TargetProcess } from '../test/support/target-process.ts';
import type { Cell } from './cells.ts';
import { FLOOR_IO_BYTES_MAX, floorSource, startFloor } from './floor.ts';
import { type Options, selected } from './options.ts';
import { startTgt } from './tgt.ts';

/** A group is what can be compared: the same medium, reached in the same way. */
export type Group = 'direct' | 'cached' | 'memory';

export interface Peer {
  readonly name: string;
  readonly group: Group;
  readonly ours: boolean;
  readonly pid: number;
  readonly url: string;
  /** Why this peer can't be measured in this cell, or null. */
  excludes(cell: Cell): string | null;
  /** Brings the medium into the same state before every measurement. */
  prepare(): void;
  stop(): Promise<void>;
}

/** What a group's medium is, for the report. */
export const GROUPS: Readonly<Record<Group, string>> = {
  direct: 'file, O_DIRECT: lunaring (file) beside tgt (aio)',
  cached: 'file, through the page cache: lunaring (file, direct: false) beside tgt (rdwr)',
  memory: 'no disk: lunaring (memory) beside the floor (C, stores nothing)',
};

type Starter = (options: Options, files: Files) => Promise<Peer | null>;

/** Paths of what the peers need: a file for each group that has one (no two lunarings serve the same), and one to compile the floor to. */
export interface Files {
  readonly direct: string;
  readonly cached: string;
  readonly floor: string;
}

const STARTERS: readonly { name: string; start: Starter }[] = [
  { name: 'lunaring-direct', start: (options, files) => startOurs('lunaring-direct', 'direct', options, files.direct) },
  { name: 'tgt-aio', start: (options, files) => startTgtPeer('tgt-aio', 'direct', options, files.direct) },
  { name: 'lunaring-cached', start: (options, files) => startOurs('lunaring-cached', 'cached', options, files.cached) },
  { name: 'tgt-rdwr', start: (options, files) => startTgtPeer('tgt-rdwr', 'cached', options, files.cached) },
  { name: 'lunaring-memory', start: (options) => startOurs('lunaring-memory', 'memory', options, '') },
  { name: 'floor', start: (options, files) => startFloorPeer(options, files.floor) },
];

/** Starts those that were asked for. */
export async function startPeers(options: Options, files: Files): Promise<Peer[]> {
  const peers: Peer[] = [];
  try {
    for (const { name, start } of STARTERS) {
      const peer = selected(name, options.peers) ? await start(options, files) : null;
      if (peer !== null) peers.push(peer);
    }
  } catch (error) {
    await Promise.allSettled(peers.map((peer) => peer.stop()));
    throw error;
  }
  return peers;
}

/** Whether the floor can be among the peers. */
export const floorPresent = floorSource() !== null;

async function startOurs(name: string, group: Group, options: Options, file: string): Promise<Peer> {
  const size = options.sizeMiB * MIB;
  const lun =
    group === 'memory'
      ? { lun: 0, backend: 'memory' as const, size }
      : { lun: 0, path: file, direct: group === 'direct' };
  const target = await TargetProcess.start(
    {
      targets: [{ name: 'iqn.2026-11.io.lunaring:disk0', luns: [lun] }],
      tuning: { workers: options.workers, engine: options.engine },
      log: { level: 'warn' },
    },
    { cpus: options.targetCpus },
  );
  return {
    name,
    group,
    ours: true,
    pid: target.pid,
    url: target.url(),
    excludes: () => null,
    prepare: () => prepare(group, file),
    stop: () => target.stop(),
  };
}

async function startTgtPeer(name: string, group: Group, options: Options, file: string): Promise<Peer> {
  const { daemon, url } = await startTgt(file, group === 'direct' ? 'aio' : 'rdwr', options.targetCpus);
  return {
    name,
    group,
    ours: false,
    pid: daemon.pid,
    url,
    excludes: () => null,
    prepare: () => prepare(group, file),
    stop: () => daemon.kill(),
  };
}

async function startFloorPeer(options: Options, program: string): Promise<Peer | null> {
  const source = floorSource();
  if (source === null) return null;
  const { daemon, url } = await startFloor(source, program, options.sizeMiB, options.targetCpus);
  return {
    name: 'floor',
    group: 'memory',
    ours: false,
    pid: daemon.pid,
    url,
    excludes: (cell) => (cell.blockSize > FLOOR_IO_BYTES_MAX ? 'more than the floor can do' : null),
    prepare: () => undefined,
    stop: () => daemon.kill(),
  };
}

/** Nothing of an earlier measurement is still on its way to the disk, and the page cache holds all of the file or none of it. */
function prepare(group: Group, file: string): void {
  if (group === 'memory') return;
  execFileSync('sync', [file]);
  if (group === 'cached') execFileSync('dd', [`if=${file}`, 'of=/dev/null', 'bs=1M', 'status=none']);
  else execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}
