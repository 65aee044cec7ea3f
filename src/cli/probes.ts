// What can be wrong with a machine, one question each: storage, io_uring, locked memory, descriptors, ports.
// Each answers in words and changes nothing; check.ts asks them all.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { LunaringError } from '../base/error.ts';
import { MIB } from '../config/limits.ts';
import type { Settings } from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import { rehearseStorage, StorageError } from '../control/storage.ts';
import { Errno, KernelError } from '../kernel/errno.ts';
import { Resource, resourceLimit } from '../kernel/libc.ts';
import { Uring } from '../kernel/uring.ts';

/** The answer to one question. A failed one keeps the target from starting, a warning costs speed or limits it. */
export interface Answer {
  readonly question: string;
  readonly state: 'fine' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do; empty when all is fine. */
  readonly remedy: string;
}

type Opinion = Omit<Answer, 'question'>;

const fine = (detail: string): Opinion => ({ state: 'fine', detail, remedy: '' });
const warning = (detail: string, remedy: string): Opinion => ({ state: 'warning', detail, remedy });
const failed = (detail: string, remedy: string): Opinion => ({ state: 'failed', detail, remedy });

/** Every file unit: can it be opened, is its size right, is it aligned for direct I/O. */
export function probeStorage(settings: Settings): Answer[] {
  const answers: Answer[] = [];
  for (const { name, luns } of settings.targets) {
    for (const lun of luns) {
      if (lun.backend !== 'file') continue;
      const question = `storage of ${name} LUN ${lun.lun}`;
      try {
        rehearseStorage(lun);
        answers.push({ question, ...fine(`${lun.path}, blocks of ${lun.blockSize}${lun.direct ? ', direct' : ''}`) });
      } catch (error) {
        if (!(error instanceof LunaringError)) throw error;
        const remedy = error instanceof StorageError ? `${error.remedy} (${error.allowed})` : 'set direct: false';
        const detail = error instanceof StorageError ? error.received : error.message;
        answers.push({ question, ...failed(detail, remedy) });
      }
    }
  }
  return answers;
}

function readSwitch(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8'));
  } catch {
    // Kernels before 6.6 have no such switch.
    return 0;
  }
}

function explainUring(error: LunaringError): string {
  const errno = error instanceof KernelError ? error.errno : 0;
  const value = readSwitch();
  if (errno === Errno.EPERM && value > 0) return `sysctl kernel.io_uring_disabled=0 (it is ${value})`;
  if (errno === Errno.EPERM)
    return "allow io_uring_setup, io_uring_enter and io_uring_register in the container's seccomp profile";
  if (errno === Errno.ENOSYS || errno === Errno.EOPNOTSUPP) return 'use Linux 5.7 or newer, with CONFIG_IO_URING';
  return 'see the error';
}

/** Whether workers can use io_uring. */
export function probeUring(settings: Settings): Answer {
  const question = 'io_uring';
  const { engine } = settings.tuning;
  try {
    const ring = new Uring(8);
    const { name } = ring.mode;
    ring.close();
    return { question, ...fine(`works, ${name}`) };
  } catch (error) {
    if (!(error instanceof LunaringError)) throw error;
    const remedy = explainUring(error);
    if (engine === 'uring') return { question, ...failed(error.message, `${remedy}, or set LUNARING_ENGINE=auto`) };
    return { question, ...warning(`${error.message}: the posix engine serves, slower`, remedy) };
  }
}

/** Whether this process may lock any amount of memory (CAP_IPC_LOCK). */
function mayLockAnything(): boolean {
  const CAP_IPC_LOCK = 14n;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_IPC_LOCK) & 1n) === 1n;
}

/** Whether the I/O memory of all workers can be registered with the kernel, which pins it. */
export function probeLockedMemory(settings: Settings): Answer {
  const question = 'locked memory';
  const { workers, slabMiB } = settings.tuning;
  const needed = workers * slabMiB * MIB;
  if (mayLockAnything()) return { question, ...fine('unlimited (CAP_IPC_LOCK)') };
  const { soft } = resourceLimit(Resource.lockedMemory);
  if (soft >= needed) return { question, ...fine(`${formatSize(needed)} needed, ${formatSize(soft)} allowed`) };
  const detail = `${formatSize(needed)} needed, ${formatSize(soft)} allowed: I/O memory stays unregistered, slower`;
  return {
    question,
    ...warning(detail, `ulimit -l ${needed / 1024}, LimitMEMLOCK= in a unit file, or a smaller LUNARING_SLAB_MIB`),
  };
}

/** Descriptors that the program needs beside those of connections and disks: libraries, rings, pipes. */
const OWN_DESCRIPTORS = 64;

/** Whether there are descriptors for every connection that the settings allow. */
export function probeDescriptors(settings: Settings): Answer {
  const question = 'descriptors';
  const connections = settings.targets.reduce((sum, { connectionLimit }) => sum + connectionLimit, 0);
  const units = settings.targets.reduce((sum, { luns }) => sum + luns.length, 0);
  // A connection has two for a moment, while it is handed to its worker.
  const needed = OWN_DESCRIPTORS + units + 2 * connections;
  // Node raises the soft limit to the hard one when it starts.
  const { soft } = resourceLimit(Resource.openFiles);
  if (soft >= needed) return { question, ...fine(`${needed} needed, ${soft} allowed`) };
  const remedy = `ulimit -n ${needed}, LimitNOFILE= in a unit file, or lower connectionLimit`;
  return { question, ...warning(`${needed} needed when every connection is in use, ${soft} allowed`, remedy) };
}

const PORT_REMEDIES: Readonly<Record<string, (port: number) => string>> = {
  EADDRINUSE: (port) => `another program listens there: ss -ltnp 'sport = :${port}'; stop it, or choose another port`,
  EADDRNOTAVAIL: () => 'no interface has this address: ip address; or listen on 0.0.0.0',
  EACCES: () => 'ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one',
};

/** Whether `address` and `port` can be listened on. */
export function probePort(what: string, address: string, port: number): Promise<Answer> {
  const question = `${what} ${address} port ${port}`;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      resolve({ question, ...failed(code, PORT_REMEDIES[code]?.(port) ?? 'see the error') });
    });
    server.listen({ host: address, port, ipv6Only: address.includes(':'), exclusive: true }, () => {
      server.close(() => resolve({ question, ...fine('free') }));
    });
  });
}
