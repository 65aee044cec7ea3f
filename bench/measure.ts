// One measurement: a cell against a peer for some seconds, seen from the client (fio) and from the target's own threads.
// What is made of several of them is report.ts.

import { type FioResult, fio } from '../test/support/fio.ts';
import { cpuUs } from '../test/support/process-readings.ts';
import { type Cell, writes } from './cells.ts';
import type { Options } from './options.ts';
import type { Peer } from './peers.ts';

/** From here on the client is what limits the figure: its core has nothing left. */
export const CLIENT_BUSY = 0.95;
const WARM_UP_SECONDS = 1;

export interface Measurement {
  readonly iops: number;
  readonly bytesPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of all the target's threads, user and system, per I/O. */
  readonly cpuUsPerIo: number;
  /** Share of a core that fio used. */
  readonly clientCpu: number;
}

/** Measures `cell` against `peer`; `warm` says that it was measured before, so that its code is compiled and its memory touched. */
export async function measure(peer: Peer, cell: Cell, options: Options, warm: boolean): Promise<Measurement> {
  if (!warm) await runCell(peer, cell, WARM_UP_SECONDS, options);
  peer.prepare();
  const before = cpuUs(peer.pid);
  const result = await runCell(peer, cell, options.seconds, options);
  const spent = cpuUs(peer.pid) - before;
  const direction = writes(cell) ? result.write : result.read;
  return {
    iops: direction.iops,
    bytesPerSecond: direction.bytesPerSecond,
    p50Us: direction.p50Us,
    p99Us: direction.p99Us,
    cpuUsPerIo: spent / direction.ios,
    clientCpu: result.clientCpu,
  };
}

function runCell(peer: Peer, cell: Cell, seconds: number, options: Options): Promise<FioResult> {
  const job = {
    url: peer.url,
    rw: cell.rw,
    blockSize: cell.blockSize,
    depth: cell.depth,
    options: { size: `${options.sizeMiB}M`, time_based: 1, runtime: seconds, norandommap: 1, randrepeat: 0 },
  };
  return fio(job, { cpus: options.clientCpus, limitSeconds: seconds + 60 });
}

/** The middle one; the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
