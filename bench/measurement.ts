// What one measurement found: the figures of a round, and all rounds of a peer in a cell.
// How they come about is measure.ts; what is made of them, statistics.ts.

import type { Cell } from './cells.ts';
import type { Group } from './peers.ts';

/** Null: this instrument can't tell, or there is no target (the disk itself). */
export interface Measurement {
  readonly iops: number;
  readonly bytesPerSecond: number;
  /** From submission to completion, as the client sees it. */
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly p999Us: number | null;
  readonly meanUs: number | null;
  /** CPU time of all the target's threads per I/O. */
  readonly cpuUsPerIo: number;
  readonly userUsPerIo: number;
  readonly systemUsPerIo: number;
  /** Context switches of all the target's threads per I/O: it waited, or the CPU was taken from it. */
  readonly voluntaryPerIo: number | null;
  readonly involuntaryPerIo: number | null;
  /** Resident set of the target afterwards. */
  readonly rssBytes: number | null;
  /** CPUs that the client kept busy. */
  readonly clientCpu: number;
}

/** All rounds of one peer in one cell. */
export interface Series {
  readonly cell: Cell;
  readonly peer: string;
  readonly group: Group;
  /** What the others of the group are compared with. */
  readonly subject: boolean;
  readonly rounds: readonly Measurement[];
  /** System calls of the target per I/O, from a pass of its own; null when it wasn't made. */
  readonly systemCallsPerIo: number | null;
  /** Why there is no measurement. */
  readonly absent?: string;
}

/** From here on the client is what limits the figure: its CPUs have nothing left. */
const CLIENT_BUSY = 0.95;

/** Whether the client, with so many CPUs and so many threads, had nothing left to give. */
export function clientIsLimit(clientCpu: number, cpus: number, threads: number): boolean {
  return clientCpu > CLIENT_BUSY * Math.min(cpus, threads);
}
