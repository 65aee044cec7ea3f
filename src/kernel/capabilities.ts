// What root may do beyond other users (capabilities(7)): given up as far as a target never needs it.
// When, and what the log says of it, is cli/privileges.ts's.

import { checked, libc } from './libc.ts';

/** The capabilities that serving and administration may need at any time, by their number in the kernel. */
export const KEPT_CAPABILITIES = {
  /** A file that is saved keeps its owner. */
  CAP_CHOWN: 0,
  /** Units and configuration in files of other users. */
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  /** A file that is saved keeps its permissions. */
  CAP_FOWNER: 3,
  /** Portals below port 1024. */
  CAP_NET_BIND_SERVICE: 10,
  /** Workers register their memory, and do so again when they are started again. */
  CAP_IPC_LOCK: 14,
} as const;

const KEPT = Object.values(KEPT_CAPABILITIES).reduce((mask, number) => mask | (1n << BigInt(number)), 0n);

/** _LINUX_CAPABILITY_VERSION_3: sets of 64 in two halves. */
const VERSION = 0x2008_0522;
const CALLING_THREAD = 0;
const SET_BYTES = 12;
const [EFFECTIVE, PERMITTED, INHERITABLE] = [0, 4, 8];
const SETS = [EFFECTIVE, PERMITTED, INHERITABLE];

/** One of the three sets, whose halves are {@link SET_BYTES} apart. */
const readSet = (sets: DataView, at: number): bigint =>
  BigInt(sets.getUint32(at, true)) | (BigInt(sets.getUint32(at + SET_BYTES, true)) << 32n);

function writeSet(sets: DataView, at: number, set: bigint): void {
  sets.setUint32(at, Number(set & 0xffff_ffffn), true);
  sets.setUint32(at + SET_BYTES, Number(set >> 32n), true);
}

/**
 * Gives up all but {@link KEPT_CAPABILITIES}, and that programs may ever give more (no_new_privs), for the calling thread and the threads that
 * it starts from now on. Answers how many it had that it has no more. Throws a KernelError, or a LunaringError without the C library.
 */
export function dropCapabilities(): number {
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, VERSION, true);
  header.setInt32(4, CALLING_THREAD, true);
  const sets = new DataView(new ArrayBuffer(2 * SET_BYTES));
  checked('capget', libc().capget(header, sets));
  const before = readSet(sets, PERMITTED);
  const excess = SETS.filter((at) => (readSet(sets, at) & ~KEPT) !== 0n);
  for (const at of excess) writeSet(sets, at, readSet(sets, at) & KEPT);
  // Who has nothing to give up may be forbidden to: filters of system calls take it for a call of the privileged.
  if (excess.length !== 0) checked('capset', libc().capset(header, sets));
  const PR_SET_NO_NEW_PRIVS = 38;
  checked('prctl', libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  return (before & ~KEPT).toString(2).replaceAll('0', '').length;
}
