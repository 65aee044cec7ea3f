// Whether workers are placed with sense: on CPUs that are there, one each, near each other.
// The machine's CPUs are kernel/topology.ts's; the pinning itself is the worker's.

import { formatCpuList } from '../base/cpu-list.ts';
import type { Settings } from '../config/settings.ts';
import { KernelError } from '../kernel/errno.ts';
import { pinThread } from '../kernel/libc.ts';
import { readTopology, type Topology } from '../kernel/topology.ts';
import { type Answer, failed, fine, type Opinion, warning } from './answer.ts';

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Whether a thread may be tied to `cpu`: tried, and undone. A cpuset forbids it, an affinity mask does not. */
function canPin(cpu: number, { allowed }: Topology): boolean {
  try {
    pinThread([cpu]);
    return true;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return false;
  } finally {
    pinThread(allowed);
  }
}

/** The CPU of each worker, as the supervisor hands them out. */
function cpusOfWorkers({ workers, cpus }: Settings['tuning']): number[] {
  return Array.from({ length: workers }, (_, index) => cpus[index % cpus.length]!);
}

/** The NUMA nodes that some of `cpus` are in. */
function nodesOf(cpus: readonly number[], { nodes }: Topology) {
  return [...nodes].filter(([, own]) => own.some((cpu) => cpus.includes(cpu)));
}

/** What helps where they are several. */
function pinToOne([node, cpus]: readonly [number, readonly number[]]): string {
  const where = "the network card's: cat /sys/class/net/*/device/numa_node";
  return `pin to one node, ${where}; node ${node} is LUNARING_CPUS=${formatCpuList(cpus)}`;
}

function judgePinned(tuning: Settings['tuning'], topology: Topology, pinnable: typeof canPin): Opinion {
  const { online, cores } = topology;
  const used = cpusOfWorkers(tuning);
  const distinct = [...new Set(used)];
  const choose = `set LUNARING_CPUS (tuning.cpus) to some of ${formatCpuList(online)}`;
  const absent = distinct.filter((cpu) => !online.includes(cpu));
  if (absent.length > 0) {
    return failed(`no CPU ${formatCpuList(absent)} on this machine: workers that are pinned there can't start`, choose);
  }
  const forbidden = distinct.filter((cpu) => !pinnable(cpu, topology));
  if (forbidden.length > 0) {
    const remedy = `choose CPUs that this process may use, or widen the cpuset of its container or unit (AllowedCPUs=)`;
    return failed(`CPU ${formatCpuList(forbidden)} is forbidden to this process: workers there can't start`, remedy);
  }
  if (distinct.length < used.length) {
    const detail = `${plural(used.length, 'worker')} on ${plural(distinct.length, 'pinned CPU')}: they take turns`;
    return warning(detail, `set LUNARING_WORKERS=${distinct.length}, or pin to more CPUs: LUNARING_CPUS`);
  }
  const spread = nodesOf(distinct, topology);
  if (spread.length > 1) {
    const detail = `pinned across ${spread.length} NUMA nodes: half of what they share lies far from each`;
    return warning(detail, pinToOne(spread[0]!));
  }
  const shared = cores.find((core) => core.filter((cpu) => distinct.includes(cpu)).length > 1);
  if (shared !== undefined) {
    const detail = `CPUs ${formatCpuList(shared)} are threads of one core: workers there share it`;
    const firsts = formatCpuList(cores.map((core) => core[0]!));
    return warning(detail, `pin to one thread a core: LUNARING_CPUS=${firsts}, and as many workers at most`);
  }
  return fine(`${plural(used.length, 'worker')} pinned to CPU ${formatCpuList(used)}`);
}

function judgeFree({ workers }: Settings['tuning'], topology: Topology): Opinion {
  const { allowed } = topology;
  if (workers > allowed.length) {
    const detail = `${plural(workers, 'worker')} on ${plural(allowed.length, 'CPU')}: they take turns`;
    return warning(detail, `set LUNARING_WORKERS=auto, or ${allowed.length} and less`);
  }
  const within = nodesOf(allowed, topology);
  if (within.length > 1) {
    const detail = `${plural(workers, 'worker')}, free to move across ${within.length} NUMA nodes, away from their memory`;
    return warning(detail, pinToOne(within[0]!));
  }
  return fine(`${plural(workers, 'worker')} on ${plural(allowed.length, 'CPU')}, not pinned`);
}

/** Whether workers run where they should. `topology` null: the kernel does not tell. */
export function probePlacement(
  { tuning }: Pick<Settings, 'tuning'>,
  topology: Topology | null = readTopology(),
  pinnable: typeof canPin = canPin,
): Answer {
  const question = 'workers and CPUs';
  if (topology === null) {
    return { question, ...warning('the kernel does not tell which CPUs there are', 'mount sysfs: /sys') };
  }
  return {
    question,
    ...(tuning.cpus.length > 0 ? judgePinned(tuning, topology, pinnable) : judgeFree(tuning, topology)),
  };
}
