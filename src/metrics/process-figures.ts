// What the process and each of its threads use, as /proc has it: no thread is asked.
// How long the main thread keeps others waiting is loop-delay.ts's.

import { readdirSync, readFileSync } from 'node:fs';

/** /proc counts in hundredths of a second (USER_HZ), whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/…/stat behind the name, which may hold spaces: utime is the 14th of the line, stime the 15th. */
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;

/** Seconds. */
export interface CpuTime {
  readonly user: number;
  readonly system: number;
}

/** The CPU times of a line of /proc/…/stat. */
export function cpuTimeOf(stat: string): CpuTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    user: Number(fields[USER_FIELD]) / TICKS_PER_SECOND,
    system: Number(fields[SYSTEM_FIELD]) / TICKS_PER_SECOND,
  };
}

/** The CPU time of a thread of this process; null when there is none with that id any more. */
export function threadCpu(threadId: number): CpuTime | null {
  try {
    return cpuTimeOf(readFileSync(`/proc/self/task/${threadId}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** What `read` finds; null when it can't look, as when no descriptor is left for it. */
function figure(read: () => number): number | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Open descriptors, the one that the look takes not counted; null when there is none left to look with. */
export function openDescriptors(): number | null {
  return figure(() => readdirSync('/proc/self/fd').length - 1);
}

/** Bytes of memory that are in RAM; null when there is no descriptor left to look with. */
export function residentMemory(): number | null {
  return figure(() => process.memoryUsage.rss());
}
