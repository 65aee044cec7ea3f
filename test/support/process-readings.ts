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
  const [utime, stime] = timesIn(pid);
  return { userUs: utime! * TICK_US, systemUs: stime! * TICK_US };
}

/** CPU time of all the programs that this one ran to their end, µs. */
export function childrenUs(): number {
  const [, , cutime, cstime] = timesIn('self');
  return (cutime! + cstime!) * TICK_US;
}

/** utime, stime, cutime and cstime of proc_pid_stat(5), in ticks. */
function timesIn(pid: number | 'self'): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The program's name may hold spaces and parentheses; state is the first field behind it, and these are 11 further on.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).map(Number);
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

interface Switches {
  readonly voluntary: number;
  readonly involuntary: number;
}

/** How often a thread's counts are read: what it did since goes away with it. */
const LOOK_MS = 100;

/** Context switches of a process from now on, those of threads that come and go included: a thread that ends counts with what was read of it last. */
export class SwitchWatch implements Disposable {
  /** It waited. */
  voluntary = 0;
  /** The CPU was taken from it. */
  involuntary = 0;
  readonly #pid: number;
  #threads: ReadonlyMap<string, Switches>;
  #timer: NodeJS.Timeout | undefined;

  /** Counts when it is told to {@link look}. */
  constructor(pid: number) {
    this.#pid = pid;
    this.#threads = switches(pid);
  }

  /** Looks by itself every {@link LOOK_MS}, until it is disposed. */
  static of(pid: number): SwitchWatch {
    const watch = new SwitchWatch(pid);
    watch.#timer = setInterval(() => watch.look(), LOOK_MS).unref();
    return watch;
  }

  look(): void {
    const threads = switches(this.#pid);
    for (const [thread, { voluntary, involuntary }] of threads) {
      const before = this.#threads.get(thread);
      this.voluntary += voluntary - (before?.voluntary ?? 0);
      this.involuntary += involuntary - (before?.involuntary ?? 0);
    }
    this.#threads = threads;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Of each thread that a process has now, by its number; none when it has gone. */
function switches(pid: number): ReadonlyMap<string, Switches> {
  const threads = new Map<string, Switches>();
  try {
    for (const status of ofThreads(pid, 'status')) {
      const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(status)?.[1] ?? 0);
      const thread = /^Pid:\s+(\d+)$/m.exec(status)![1]!;
      threads.set(thread, { voluntary: of('voluntary_ctxt_switches'), involuntary: of('nonvoluntary_ctxt_switches') });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return threads;
}

function kibibytes(status: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? 0 : Number(match[1]) * 1024;
}
