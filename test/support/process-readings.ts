// What the kernel says of a running process: memory, CPU time, descriptors, threads. Linux's /proc only.
// Reads another process or this one; measures nothing by itself.

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ is 100 on every architecture that Node runs on. */
const TICK_US = 10_000;

export interface ProcessReadings {
  /** Resident set, bytes. */
  readonly rssBytes: number;
  /** The most the resident set has been, bytes. */
  readonly rssPeakBytes: number;
  /** See {@link cpuUs}. */
  readonly cpuUs: number;
  readonly threads: number;
  /** Open descriptors. */
  readonly descriptors: number;
}

/** Throws when there is no such process, or it is not ours to read. */
export function readProcess(pid: number): ProcessReadings {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    rssBytes: kibibytes(status, 'VmRSS'),
    rssPeakBytes: kibibytes(status, 'VmHWM'),
    cpuUs: cpuUs(pid),
    threads: readdirSync(`/proc/${pid}/task`).length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/**
 * CPU time of all threads of a process, those that have ended included, user and system, µs. It comes in ticks of 10 ms, but the kernel
 * counts in nanoseconds and rounds once: over a second of work the error is below 1 %.
 */
export function cpuUs(pid: number): number {
  const { userUs, systemUs } = cpuTimes(pid);
  return userUs + systemUs;
}

/** As {@link cpuUs}, user and system apart. */
export function cpuTimes(pid: number): { readonly userUs: number; readonly systemUs: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name may hold spaces and parentheses; state is the first field behind it, utime and stime are 11 and 12 further on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { userUs: Number(fields[11]) * TICK_US, systemUs: Number(fields[12]) * TICK_US };
}

/** CPU time of the threads that a process has now, ns: fine enough for one that is idle. */
export function runNs(pid: number): number {
  return ofThreads(pid, 'schedstat').reduce((sum, text) => sum + Number(text.split(' ', 1)[0]), 0);
}

/** File `name` of each thread. One that ends while it is looked at is left out: those of the kernel's that serve an io_uring come and go. */
export function ofThreads(pid: number, name: string): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${thread}/${name}`, 'utf8')];
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ESRCH') return [];
      throw error;
    }
  });
}

/** Context switches of the threads that a process has now: it waited, or the CPU was taken from it. */
export function contextSwitches(pid: number): { readonly voluntary: number; readonly involuntary: number } {
  let voluntary = 0;
  let involuntary = 0;
  for (const status of ofThreads(pid, 'status')) {
    voluntary += Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
    involuntary += Number(/^nonvoluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return { voluntary, involuntary };
}

function kibibytes(status: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? 0 : Number(match[1]) * 1024;
}
