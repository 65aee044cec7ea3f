// Setting an io_uring instance up: what is asked for, best first, and what the kernel answers to it.
// The rings that it maps, and the calls into it, are uring.ts's.

import { layout, reserved, u32, u64 } from '../base/layout.ts';
import { Errno, KernelError } from './errno.ts';
import { close, libc } from './libc.ts';

const SYS_IO_URING_SETUP = 425;

/** struct io_uring_params, with struct io_sqring_offsets and io_cqring_offsets in it. */
export const Params = layout(
  120,
  {
    sqEntries: u32(0),
    cqEntries: u32(4),
    flags: u32(8),
    sqThreadCpu: u32(12),
    sqThreadIdle: u32(16),
    features: u32(20),
    wqFd: u32(24),
    reserved28: reserved(28, 12),
    sqHead: u32(40),
    sqTail: u32(44),
    sqRingMask: u32(48),
    sqRingEntries: u32(52),
    sqFlags: u32(56),
    sqDropped: u32(60),
    sqArray: u32(64),
    sqReserved68: reserved(68, 4),
    sqUserAddress: u64(72),
    cqHead: u32(80),
    cqTail: u32(84),
    cqRingMask: u32(88),
    cqRingEntries: u32(92),
    cqOverflow: u32(96),
    cqCqes: u32(100),
    cqFlags: u32(104),
    cqReserved108: reserved(108, 4),
    cqUserAddress: u64(112),
  },
  'little',
);

/** IORING_SETUP_*. */
const SetupFlag = {
  SQPOLL: 1 << 1,
  CQSIZE: 1 << 3,
  SUBMIT_ALL: 1 << 7,
  COOP_TASKRUN: 1 << 8,
  TASKRUN_FLAG: 1 << 9,
  SINGLE_ISSUER: 1 << 12,
  DEFER_TASKRUN: 1 << 13,
} as const;

/** Only where it is asked for: it has a CPU of its own to use up. */
const SQPOLL = { name: 'SQPOLL', flags: SetupFlag.SUBMIT_ALL | SetupFlag.SINGLE_ISSUER | SetupFlag.SQPOLL } as const;

/** The ring says when the kernel has something that only this thread can finish, inside `enter`. */
const TOLD = SetupFlag.SUBMIT_ALL | SetupFlag.TASKRUN_FLAG;

/** What to ask for, best first; an older kernel answers EINVAL to what it does not know. */
const STEPS = [
  { name: 'DEFER_TASKRUN', flags: TOLD | SetupFlag.SINGLE_ISSUER | SetupFlag.DEFER_TASKRUN },
  { name: 'COOP_TASKRUN', flags: TOLD | SetupFlag.COOP_TASKRUN },
  { name: 'plain', flags: 0 },
] as const;

/** IORING_FEAT_*: what the engine can't do without. FAST_POLL came with Linux 5.7 and is the youngest. */
const REQUIRED_FEATURES = { SINGLE_MMAP: 1 << 0, NODROP: 1 << 1, SUBMIT_STABLE: 1 << 2, FAST_POLL: 1 << 5 } as const;

/** The kernel's thread (SQPOLL) sleeps after it has found nothing for this long; waking it takes a system call. */
const SQPOLL_IDLE_MS = 10;

/** How a ring was set up. */
export interface UringMode {
  /**
   * When completions are processed: `DEFER_TASKRUN` (6.1: only inside `enter`), `COOP_TASKRUN` (5.19), `plain`. `SQPOLL`: a thread of the
   * kernel's takes the entries and processes their completions, and uses a CPU up while there is something to do (6.0).
   */
  readonly name: (typeof STEPS)[number]['name'] | typeof SQPOLL.name;
  readonly features: number;
}

/** Which mode to take: this one or none; or SQPOLL if that can be had. Neither: the best. */
export interface UringChoice {
  readonly mode?: UringMode['name'] | undefined;
  readonly sqPoll?: boolean | undefined;
}

/** What the kernel made of it. The descriptor is the caller's; `params` holds a {@link Params}. */
export interface UringSetup {
  readonly fd: number;
  readonly mode: UringMode;
  readonly params: DataView;
}

/**
 * Asks for a ring of `entries` submissions, a power of two, and four times as many completions. Throws {@link KernelError}: EPERM and ENOSYS
 * when io_uring is switched off, EOPNOTSUPP when the kernel's is too old.
 */
export function setUpRing(entries: number, { mode, sqPoll = false }: UringChoice): UringSetup {
  const params = new DataView(new ArrayBuffer(Params.size));
  const wanted = [SQPOLL, ...STEPS].filter(({ name }) =>
    mode === undefined ? sqPoll || name !== SQPOLL.name : name === mode,
  );
  let errno: number = Errno.EINVAL;
  for (const { name, flags } of wanted) {
    const fd = ask(entries, flags, params);
    if (fd >= 0) return judged(fd, name, params);
    errno = -fd;
    // Kernels before 5.11 let only the privileged have SQPOLL.
    if (errno !== Errno.EINVAL && name !== SQPOLL.name) break;
  }
  throw new KernelError('io_uring_setup', errno);
}

/** A descriptor, or a negated errno. */
function ask(entries: number, flags: number, params: DataView): number {
  const library = libc();
  const bytes = new Uint8Array(params.buffer);
  bytes.fill(0);
  Params.cqEntries.set(params, 0, entries * 4);
  Params.flags.set(params, 0, flags | SetupFlag.CQSIZE);
  Params.sqThreadIdle.set(params, 0, (flags & SetupFlag.SQPOLL) === 0 ? 0 : SQPOLL_IDLE_MS);
  const fd = library.ioUringSetup(SYS_IO_URING_SETUP, entries, bytes);
  return fd < 0 ? -library.errno() : fd;
}

function judged(fd: number, name: UringMode['name'], params: DataView): UringSetup {
  const features = Params.features.get(params, 0);
  if (Object.values(REQUIRED_FEATURES).every((feature) => (features & feature) !== 0)) {
    return { fd, mode: { name, features }, params };
  }
  close(fd);
  throw new KernelError('io_uring_setup (features of Linux 5.7)', Errno.EOPNOTSUPP);
}
