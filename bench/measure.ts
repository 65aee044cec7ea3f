// One measurement: a cell against a peer for some seconds, seen from the client and from the target's own threads.
// What is made of several of them is statistics.ts; when which is measured, schedule.ts.

import { Daemon } from '../test/support/daemon.ts';
import { childrenUs, cpuTimes, readProcess, SwitchWatch } from '../test/support/process-readings.ts';
import type { Cell } from './cells.ts';
import { INSTRUMENT, type Observation } from './instruments.ts';
import type { Measurement } from './measurement.ts';
import type { Options } from './options.ts';
import type { Peer } from './peers.ts';

const WARM_UP_SECONDS = 1;
const SYSTEM_CALLS_SECONDS = 1;
/** What the program says that perf runs meanwhile. */
const SLEEPER = /^counting until (\d+) ends$/m;
const COUNTING_SECONDS_MAX = 120;
const PERF_END_LIMIT_MS = 10_000;
const SECOND_US = 1e6;

/** Measures `cell` against `peer`; `warm` says that it was measured before, so that its code is compiled and its memory touched. */
export async function measure(peer: Peer, cell: Cell, options: Options, warm: boolean): Promise<Measurement> {
  if (!warm) await observe(peer, cell, WARM_UP_SECONDS, options);
  peer.prepare();
  const before = peer.pid === null ? null : readings(peer.pid);
  const children = childrenUs();
  using switches = peer.pid === null ? null : SwitchWatch.of(peer.pid);
  const seen = await observe(peer, cell, options.seconds, options);
  switches?.look();
  const childrenSpent = childrenUs() - children;
  const after = peer.pid === null ? null : readings(peer.pid);
  // The disk itself has no target: what its client spends is all there is.
  const perIo = (of: (reading: Readings) => number, otherwise: number): number =>
    before === null || after === null ? otherwise : (of(after) - of(before)) / seen.ios;
  const userUsPerIo = perIo(({ userUs }) => userUs, (seen.userCpu * SECOND_US) / seen.iops);
  const systemUsPerIo = perIo(({ systemUs }) => systemUs, (seen.systemCpu * SECOND_US) / seen.iops);
  const { iops, p50Us, p99Us, p999Us, meanUs } = seen;
  return {
    iops,
    bytesPerSecond: iops * cell.blockSize,
    p50Us,
    p99Us,
    p999Us,
    meanUs,
    cpuUsPerIo: userUsPerIo + systemUsPerIo,
    userUsPerIo,
    systemUsPerIo,
    voluntaryPerIo: switches === null ? null : switches.voluntary / seen.ios,
    involuntaryPerIo: switches === null ? null : switches.involuntary / seen.ios,
    rssBytes: after?.rssBytes ?? null,
    clientCpu: seen.clientCpu ?? (childrenSpent * seen.iops) / (seen.ios * SECOND_US),
  };
}

interface Readings {
  readonly userUs: number;
  readonly systemUs: number;
  readonly rssBytes: number;
}

function readings(pid: number): Readings {
  return { ...cpuTimes(pid), rssBytes: readProcess(pid).rssBytes };
}

function observe(peer: Peer, cell: Cell, seconds: number, options: Options): Promise<Observation> {
  const instrument = peer.instrument ?? INSTRUMENT[cell.instrument];
  return instrument(peer.url, cell, seconds, options);
}

/**
 * System calls of the target per I/O, in a pass of its own, so that counting disturbs no figure. perf counts in the kernel, at a
 * tracepoint, for all threads; where it is not there or may not, the answer is null. ptrace, the other way, would slow a target so much
 * that it batches differently.
 */
export async function systemCallsPerIo(peer: Peer, cell: Cell, options: Options): Promise<number | null> {
  if (peer.pid === null) return null;
  const count = ['perf', 'stat', '-x,', '-e', 'raw_syscalls:sys_enter', '-p', String(peer.pid)];
  // It starts this once it counts, and stops counting when this ends.
  const sleeper = `echo counting until $$ ends; exec setpriv --pdeathsig TERM sleep ${COUNTING_SECONDS_MAX}`;
  try {
    const ready = (output: string) => SLEEPER.test(output);
    const perf = await Daemon.start([...count, '--', 'sh', '-c', sleeper], { ready });
    try {
      const { ios } = await observe(peer, cell, SYSTEM_CALLS_SECONDS, options);
      process.kill(Number(SLEEPER.exec(perf.output)![1]), 'SIGTERM');
      await perf.terminate(PERF_END_LIMIT_MS, true);
      const calls = /^(\d+),[^,]*,raw_syscalls:sys_enter/m.exec(perf.output)?.[1];
      return calls === undefined ? null : Number(calls) / ios;
    } finally {
      await perf.kill();
    }
  } catch {
    return null;
  }
}
