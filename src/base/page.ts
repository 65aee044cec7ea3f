// The unit in which the kernel maps memory, and the alignment that suits direct I/O and the machine's copying alike.
// Arithmetic on addresses and lengths only: where a buffer lies is for kernel/memory.ts to ask.

/** 4 KiB on every machine that Node has binaries for but some arm64 ones, where 64 KiB is a multiple of it. */
export const PAGE_BYTES = 4096;

/** The first page boundary from `address` on; the same for a length. */
export function pageFrom(address: number): number {
  return Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
}
