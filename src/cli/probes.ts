// What can be wrong with a machine, one question each: storage, state directory, names, io_uring, locked memory, descriptors, idle CPUs, congestion control, the admin interface's token.
// Each answers in words and changes nothing; ports and placement have files of their own, check.ts asks them all.

import { readFileSync, statSync } from 'node:fs';
import { isToken } from '../admin/token.ts';
import { LunaringError } from '../base/error.ts';
import { MIB } from '../config/limits.ts';
import type { FileLunSettings, Settings } from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import { allowedCongestionControls, chooseCongestionControl } from '../control/congestion.ts';
import { Holders, holderName } from '../control/holders.ts';
import { COMMON_NAME_REMEDY, identityOf, readMachineId, unitsOfCommonName } from '../control/identity.ts';
import { StateDirectory } from '../control/state-directory.ts';
import { rehearseStorage, StorageError } from '../control/storage.ts';
import { probeEngine } from '../engine/choose.ts';
import { libc, Resource, resourceLimit } from '../kernel/libc.ts';
import { settingIn } from '../kernel/sysctl.ts';
import { type Answer, failed, fine, type Opinion, warning } from './answer.ts';

/** Has no other unit it, can it be opened, is its size right, is it aligned for direct I/O. */
function judgeFile(lun: FileLunSettings, who: string, others: Holders): Opinion {
  try {
    others.judge(lun, who);
    rehearseStorage(lun);
    return fine(`${lun.path}, blocks of ${lun.blockSize}${lun.direct ? ', direct' : ''}`);
  } catch (error) {
    if (!(error instanceof LunaringError)) throw error;
    if (!(error instanceof StorageError)) return failed(error.message, 'set direct: false');
    return failed(error.received, `${error.remedy} (${error.allowed})`);
  }
}

/** Every file unit, and whether two of them write one file. */
export function probeStorage({ targets }: Pick<Settings, 'targets'>): Answer[] {
  const answers: Answer[] = [];
  const holders = new Holders();
  for (const { name, luns } of targets) {
    for (const lun of luns) {
      if (lun.backend !== 'file') continue;
      const who = holderName(name, lun.lun);
      answers.push({ question: `storage of ${who}`, ...judgeFile(lun, who, holders) });
      holders.add(lun, answers.length, who);
    }
  }
  return answers;
}

/** Whether units without a regular file can keep their state where it is to be. Null: they are to keep none. */
export function probeStateDirectory({ stateDirectory }: Pick<Settings, 'stateDirectory'>): Answer | null {
  if (stateDirectory === undefined) return null;
  const question = 'state directory';
  try {
    new StateDirectory(stateDirectory).close();
    return { question, ...fine(stateDirectory) };
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { question, ...failed(error.received, `${error.remedy} (${error.allowed})`) };
  }
}

/** Each serial number and world-wide name that a unit shares with one before it. */
function sharedNames(targets: Settings['targets'], machineId: string): string[] {
  const shared: string[] = [];
  const holders = new Map<string, string>();
  for (const { name, luns } of targets) {
    for (const lun of luns) {
      const who = holderName(name, lun.lun);
      for (const [key, value] of Object.entries(identityOf(machineId, name, lun))) {
        const holder = holders.get(`${key} ${value}`);
        if (holder === undefined) holders.set(`${key} ${value}`, who);
        else shared.push(`${key} ${value} of ${who} is also that of ${holder}`);
      }
    }
  }
  return shared;
}

/** Whether initiators can tell the units from each other, and from those of other machines. `machineId`: this one's. */
export function probeNames({ targets }: Pick<Settings, 'targets'>, machineId = readMachineId()): Answer {
  const question = 'world-wide names';
  const shared = sharedNames(targets, machineId);
  if (shared.length > 0) {
    return { question, ...failed(shared.join('; '), 'change one of each two, or leave serial and naa out') };
  }
  const units = unitsOfCommonName(targets, machineId);
  if (units.length === 0) return { question, ...fine("set, or made with this machine's id") };
  const detail = `no machine id: other machines may give the same names to other disks (${units.join(', ')})`;
  return { question, ...warning(detail, COMMON_NAME_REMEDY) };
}

/** Whether workers can use io_uring. */
export function probeUring({ tuning }: Pick<Settings, 'tuning'>): Answer {
  const question = 'io_uring';
  // What is found is worth knowing where it is not wished for, too.
  const { engine, reason, remedy } = probeEngine('auto');
  if (engine === 'uring') {
    const unused = tuning.engine === 'posix' ? '; unused: LUNARING_ENGINE=posix' : '';
    return { question, ...fine(`works, ${reason.replace(/^io_uring: /, '')}${unused}`) };
  }
  const detail = reason.replace(/^posix: /, '').replace(` (${remedy})`, '');
  if (tuning.engine === 'posix') return { question, ...fine(`${detail}; not needed: LUNARING_ENGINE=posix`) };
  const help = remedy === '' ? 'see the error' : remedy;
  if (tuning.engine === 'uring') return { question, ...failed(detail, `${help}; or set LUNARING_ENGINE=auto`) };
  return { question, ...warning(`${detail}: the posix engine serves, slower`, help) };
}

/** Whether this process may lock any amount of memory (CAP_IPC_LOCK). */
function mayLockAnything(): boolean {
  const CAP_IPC_LOCK = 14n;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_IPC_LOCK) & 1n) === 1n;
}

/** Whether the C library can be called, without which nothing can be served, nor the machine be asked. Null: it can. */
export function probeLibrary(): Answer | null {
  try {
    libc();
    return null;
  } catch (error) {
    return { question: 'C library', ...failed((error as Error).message, 'npm ci') };
  }
}

/** Whether the I/O memory of all workers can be registered with the kernel, which pins it. */
export function probeLockedMemory(settings: Settings): Answer {
  const question = 'locked memory';
  const { workers, slabMiB, engine } = settings.tuning;
  if (engine === 'posix') return { question, ...fine('not needed: LUNARING_ENGINE=posix') };
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

/** How long a guest's CPU looks for work before it halts, where nobody has said otherwise. */
const GUEST_HALT_POLL_NS_DEFAULT = 200_000;

/** Whether a CPU of a virtual machine stays awake for a while when it has nothing to do. `sysfs`: where that is. */
export function probeIdleCpus(sysfs = '/sys'): Answer {
  const question = 'idle CPUs';
  const governor = settingIn(`${sysfs}/devices/system/cpu/cpuidle/current_governor_ro`);
  if (governor !== 'haltpoll') return { question, ...fine(governor === '' ? 'no governor' : `governor ${governor}`) };
  const parameter = `${sysfs}/module/haltpoll/parameters/guest_halt_poll_ns`;
  const nanoseconds = Number(settingIn(parameter));
  if (nanoseconds > 0) return { question, ...fine(`look for work for ${nanoseconds / 1000} µs before they halt`) };
  const detail = 'halt at once, and to wake one takes the hypervisor longer than an I/O: slow where queues are short';
  return { question, ...warning(detail, `echo ${GUEST_HALT_POLL_NS_DEFAULT} > ${parameter} (docs/deployment.md)`) };
}

/** Whether portals can have the congestion control that was named: `serve` gives up CAP_NET_ADMIN, which may take any. `root`: see {@link sysctl}. */
export function probeCongestionControl({ tuning }: Pick<Settings, 'tuning'>, root?: string): Answer {
  const question = 'congestion control';
  const { name, required, reason } = chooseCongestionControl(tuning.congestionControl, root);
  const those = allowedCongestionControls(root);
  const allowed = those.join(' ');
  if (!required || those.length === 0 || those.includes(name!)) return { question, ...fine(reason) };
  const add = `modprobe tcp_${name}; sysctl -w net.ipv4.tcp_allowed_congestion_control="${allowed} ${name}"`;
  return {
    question,
    ...failed(`${name} is not among those that the kernel allows: ${allowed}`, `name one of those, or add it: ${add}`),
  };
}

/** Permission bits of those who are neither the owner nor of its group. */
const OTHERS = 0o007;

/** Whether the admin interface is guarded: its token is there, and nobody else's to read. Null: there is no admin interface. */
export function probeToken({ admin }: Pick<Settings, 'admin'>): Answer | null {
  if (admin === false) return null;
  const question = 'admin token';
  const { tokenFile } = admin;
  if (tokenFile === undefined) {
    const remedy = 'set admin.tokenFile: (umask 077; head -c 24 /dev/urandom | base64 > admin.token)';
    return { question, ...warning('none: every user of this machine may administer the target', remedy) };
  }
  try {
    const token = readFileSync(tokenFile, 'utf8').trim();
    if (!isToken(token)) {
      const fault = token === '' ? 'empty' : 'no token: one line without spaces, of ASCII alone';
      return { question, ...failed(`${tokenFile}: ${fault}`, `head -c 24 /dev/urandom | base64 > ${tokenFile}`) };
    }
    if ((statSync(tokenFile).mode & OTHERS) !== 0) {
      return { question, ...warning(`${tokenFile}: open to every user of this machine`, `chmod 600 ${tokenFile}`) };
    }
    return { question, ...fine(tokenFile) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy =
      code === 'ENOENT' ? `(umask 077; head -c 24 /dev/urandom | base64 > ${tokenFile})` : 'check path and permissions';
    return { question, ...failed(`${tokenFile}: ${code}`, remedy) };
  }
}
