// CPU lists as the kernel, taskset and sysfs write them: `0-3,8`.
// Which CPUs there are is kernel/topology.ts's; who is pinned to which, the supervisor's.

/** The CPUs of a list, each once, in the order in which they stand there; an empty text is an empty list. Null for anything else. */
export function parseCpuList(text: string): number[] | null {
  if (text.trim() === '') return [];
  const cpus = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || first > last) return null;
    for (let cpu = first; cpu <= last; cpu++) cpus.add(cpu);
  }
  return [...cpus];
}

/** The shortest list of these CPUs, in ascending order: `0-3,8`. */
export function formatCpuList(cpus: Iterable<number>): string {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b);
  const ranges: [first: number, last: number][] = [];
  for (const cpu of sorted) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === cpu - 1) range[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
