// Which engine this machine can run, found out by making a ring and giving it back; one sentence says what was found and what would help.
// Runs on main before any worker starts. Making the engine itself is the worker's business.

import { release } from 'node:os';
import { Errno, errnoName, KernelError } from '../kernel/errno.ts';
import { PageMemory } from '../kernel/memory.ts';
import { sysctl } from '../kernel/sysctl.ts';
import { Uring } from '../kernel/uring.ts';
import { RECEIVE_GROUP } from './receive-buffers.ts';
import { REQUIRED_OPERATIONS } from './uring-engine.ts';

/** What `LUNARING_ENGINE` may ask for. */
export type EngineWish = 'auto' | 'uring' | 'posix';

/** What there will be. */
export interface EngineChoice {
  readonly engine: 'uring' | 'posix';
  /** One sentence, for the log: what was found, or what stands in the way and how to remove it. */
  readonly reason: string;
  /** What would bring io_uring; empty where it is there, was not asked for, or nobody knows. */
  readonly remedy: string;
  /** Whether it is what was asked for; a `uring` that can't be had is `posix` and false. */
  readonly asWished: boolean;
}

const PROBE_ENTRIES = 8;
const PROBE_BUFFERS = 8;
const PROBE_BUFFER_RING_BYTES = 16 * PROBE_BUFFERS;

/** Chooses an engine. Never throws. */
export function probeEngine(wish: EngineWish): EngineChoice {
  if (wish === 'posix') return { engine: 'posix', reason: 'posix, as configured', remedy: '', asWished: true };
  try {
    return { engine: 'uring', reason: `io_uring: ${probeUring()}`, remedy: '', asWished: true };
  } catch (error) {
    const { what, remedy } = obstacle(error as Error);
    const reason = `posix: ${what}${remedy === '' ? '' : ` (${remedy})`}`;
    return { engine: 'posix', reason, remedy, asWished: wish === 'auto' };
  }
}

function probeUring(): string {
  const uring = new Uring(PROBE_ENTRIES);
  try {
    if (!uring.supports(REQUIRED_OPERATIONS)) throw new KernelError('io_uring_register', Errno.EOPNOTSUPP);
    const bufferRing =
      uring.registerBufferRing(new PageMemory(PROBE_BUFFER_RING_BYTES), PROBE_BUFFERS, RECEIVE_GROUP) === 0;
    return `Linux ${linuxVersion()}, ${uring.mode.name}, ${bufferRing ? 'provided buffer rings' : 'polls before receives'}`;
  } finally {
    uring.close();
  }
}

/** What failed, and what to do about it. */
function obstacle(error: Error): { readonly what: string; readonly remedy: string } {
  if (!(error instanceof KernelError)) return { what: error.message, remedy: '' };
  return { what: `${error.call} failed: ${errnoName(error.errno)}`, remedy: cureOf(error.errno) };
}

function cureOf(errno: number): string {
  switch (errno) {
    case Errno.EPERM: {
      const disabled = sysctl('kernel/io_uring_disabled');
      if (disabled !== '' && disabled !== '0') return `kernel.io_uring_disabled=${disabled}; set it to 0`;
      return 'forbidden to this process, as container runtimes do by default; allow io_uring in its seccomp profile';
    }
    case Errno.ENOSYS:
      return 'this kernel has no io_uring, or a sandbox hides it; Linux 5.7 or newer is needed';
    case Errno.EOPNOTSUPP:
    case Errno.EINVAL:
      return `Linux ${linuxVersion()} is too old; 5.7 or newer is needed, 6.1 or newer is best`;
    case Errno.ENOMEM:
      return 'no memory that may be locked; raise RLIMIT_MEMLOCK (ulimit -l, LimitMEMLOCK=)';
    default:
      return '';
  }
}

function linuxVersion(): string {
  return release().split('-')[0]!;
}
