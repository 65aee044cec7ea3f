// CPU lists as `taskset -c` takes them, and which CPUs target and client get when nobody says.
// Who is pinned to them is daemon.ts's and run.ts's business, in test/support.

import type { Topology } from '../src/kernel/topology.ts';

/** The CPUs of a list like `0,2-8:2` (every second from 2 to 8); null when it is none. */
export function cpusOf(list: string): ReadonlySet<number> | null {
  const cpus = new Set<number>();
  for (const part of list.split(',')) {
    const match = /^(\d{1,5})(?:-(\d{1,5})(?::(\d{1,5}))?)?$/.exec(part);
    if (match === null) return null;
    const [first, last, stride] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
    if (first > last || stride === 0) return null;
    for (let cpu = first; cpu <= last; cpu += stride) cpus.add(cpu);
  }
  return cpus;
}

/** A CPU for the target and one for the client, of those that this process may use: on two cores where there are two. Null: there is but one CPU, or nobody knows. */
export function apart(topology: Topology | null): { readonly target: number; readonly client: number } | null {
  const [target, second] = topology?.allowed ?? [];
  if (topology === null || target === undefined || second === undefined) return null;
  const core = topology.cores.find((cpus) => cpus.includes(target)) ?? [target];
  return { target, client: topology.allowed.find((cpu) => !core.includes(cpu)) ?? second };
}
