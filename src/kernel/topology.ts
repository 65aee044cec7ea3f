// The CPUs of this machine, as sysfs and procfs tell them: which are there, which this process may use, which share a memory node or a core.
// Pinning a thread is libc.ts's; whether the settings make sense on this machine, `lunaring check` says.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCpuList } from '../base/cpu-list.ts';

/** CPUs by number. Ascending wherever the kernel lists them so, which it does. */
export interface Topology {
  readonly online: readonly number[];
  /** Those that the affinity of this process names: what taskset, systemd or a container's cpuset leave of them. */
  readonly allowed: readonly number[];
  /** Memory nodes by their number, with their CPUs; those without CPUs are left out. */
  readonly nodes: ReadonlyMap<number, readonly number[]>;
  /** CPUs that are threads of one core, one list a core. */
  readonly cores: readonly (readonly number[])[];
}

/** The list in a file; null where there is no such file, or something else in it. */
function readList(path: string): number[] | null {
  try {
    return parseCpuList(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function readAllowed(root: string): number[] | null {
  try {
    const status = readFileSync(join(root, 'proc/self/status'), 'utf8');
    return parseCpuList(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '');
  } catch {
    return null;
  }
}

function readNodes(root: string, online: readonly number[]): Map<number, readonly number[]> {
  const folder = join(root, 'sys/devices/system/node');
  const nodes = new Map<number, readonly number[]>();
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch {
    // A kernel without NUMA: one node has them all.
  }
  for (const name of names) {
    const number = /^node(\d+)$/.exec(name)?.[1];
    const cpus = number === undefined ? null : readList(join(folder, name, 'cpulist'));
    if (cpus !== null && cpus.length > 0) nodes.set(Number(number), cpus);
  }
  return nodes.size === 0 ? new Map([[0, online]]) : new Map([...nodes].sort(([a], [b]) => a - b));
}

/** Reads the topology; null where the kernel does not tell which CPUs there are. `root`: where /sys and /proc are. */
export function readTopology(root = '/'): Topology | null {
  const cpuFolder = join(root, 'sys/devices/system/cpu');
  const online = readList(join(cpuFolder, 'online'));
  if (online === null || online.length === 0) return null;
  const cores = new Map<string, readonly number[]>();
  for (const cpu of online) {
    const siblings = readList(join(cpuFolder, `cpu${cpu}/topology/thread_siblings_list`)) ?? [cpu];
    cores.set(siblings.join(), siblings);
  }
  return { online, allowed: readAllowed(root) ?? online, nodes: readNodes(root, online), cores: [...cores.values()] };
}
