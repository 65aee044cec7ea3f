// One io_uring instance: set-up with a step down for older kernels, the two mapped rings, registration, and the one call per turn.
// Knows entries, not what they are for: operations are in sqe.ts, their meaning in the engine.

import { assert } from '../base/assert.ts';
import { bytes, layout, reserved, u8, u16, u32, u64 } from '../base/layout.ts';
import { type CompletionHandler, Cqe } from './cqe.ts';
import { Errno, KernelError } from './errno.ts';
import { IoVector } from './gather.ts';
import { close, libc } from './libc.ts';
import { Mapping, type PageMemory } from './memory.ts';
import { type EntryFlag, Sqe, writeEntry } from './sqe.ts';

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

/** struct io_uring_params, with struct io_sqring_offsets and io_cqring_offsets in it. */
const Params = layout(
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

/** struct io_uring_probe without its tail; struct io_uring_probe_op. */
const Probe = layout(16, { lastOp: u8(0), count: u8(1), reserved2: reserved(2, 14) }, 'little');
const ProbeOperation = layout(
  8,
  { operation: u8(0), reserved1: reserved(1, 1), flags: u16(2), reserved4: reserved(4, 4) },
  'little',
);
const PROBE_OPERATIONS_MAX = 256;

/** struct io_uring_buf_reg. */
const BufferRing = layout(
  40,
  { address: u64(0), entries: u32(8), group: u16(12), flags: u16(14), reserved16: bytes(16, 24) },
  'little',
);

/** IORING_SETUP_*. */
const SetupFlag = {
  CQSIZE: 1 << 3,
  SUBMIT_ALL: 1 << 7,
  COOP_TASKRUN: 1 << 8,
  SINGLE_ISSUER: 1 << 12,
  DEFER_TASKRUN: 1 << 13,
} as const;

/** What to ask for, best first; an older kernel answers EINVAL to what it does not know. */
const STEPS = [
  { name: 'DEFER_TASKRUN', flags: SetupFlag.SUBMIT_ALL | SetupFlag.SINGLE_ISSUER | SetupFlag.DEFER_TASKRUN },
  { name: 'COOP_TASKRUN', flags: SetupFlag.SUBMIT_ALL | SetupFlag.COOP_TASKRUN },
  { name: 'plain', flags: 0 },
] as const;

/** IORING_FEAT_*: what the engine can't do without. FAST_POLL came with Linux 5.7 and is the youngest. */
const REQUIRED_FEATURES = { SINGLE_MMAP: 1 << 0, NODROP: 1 << 1, SUBMIT_STABLE: 1 << 2, FAST_POLL: 1 << 5 } as const;

const RegisterCode = { BUFFERS: 0, PROBE: 8, PBUF_RING: 22 } as const;

const IORING_OFF_SQ_RING = 0;
const IORING_OFF_SQES = 0x10000000;
const IORING_ENTER_GETEVENTS = 1;

/** The kernel takes at most this many bytes in one registered buffer. */
export const REGISTERED_BUFFER_BYTES_MAX = 2 ** 30;

/** IORING_FEAT_CQE_SKIP (5.17). */
const FEATURE_CQE_SKIP = 1 << 11;

/** IORING_SQ_CQ_OVERFLOW. */
const CQ_OVERFLOW = 1 << 1;

/** Shortage of memory and interrupting signals pass; what lasts longer than this does not. */
const SUBMIT_ATTEMPTS_MAX = 1000;

/** How a ring was set up. */
export interface UringMode {
  /** When completions are processed: `DEFER_TASKRUN` (6.1: only inside `enter`), `COOP_TASKRUN` (5.19), `plain`. */
  readonly name: (typeof STEPS)[number]['name'];
  readonly features: number;
}

/** An io_uring instance. Belongs to the thread that made it. */
export class Uring {
  readonly mode: UringMode;
  /** Entries that can wait for submission. */
  readonly entries: number;
  /** Entries written whose completion has not been reaped, or inferred with {@link skipped}: every operation in use completes exactly once. */
  inFlight = 0;
  readonly #fd: number;
  #ring: Mapping;
  #sqes: Mapping;
  #ringWords: Int32Array;
  #sqeWords: Int32Array;
  readonly #sqHead: number;
  readonly #sqTail: number;
  readonly #sqMask: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #sqFlags: number;
  readonly #cqes: number;
  // Positions in the two rings, wrapped to signed 32 bits: entries written, entries that the kernel took, completions reaped.
  #written = 0;
  #taken = 0;
  #reaped = 0;

  /**
   * Sets up a ring of `entries` submissions, a power of two, and four times as many completions; takes the best mode that the kernel has, or `mode` if it is given.
   * Throws {@link KernelError}: EPERM and ENOSYS when io_uring is switched off, EOPNOTSUPP when the kernel's is too old.
   */
  constructor(entries: number, mode?: UringMode['name']) {
    const params = new DataView(new ArrayBuffer(Params.size));
    const { fd, name } = setUp(entries, params, mode);
    this.#fd = fd;
    try {
      const features = Params.features.get(params, 0);
      for (const feature of Object.values(REQUIRED_FEATURES)) {
        if ((features & feature) === 0)
          throw new KernelError('io_uring_setup (features of Linux 5.7)', Errno.EOPNOTSUPP);
      }
      this.mode = { name, features };
      this.entries = Params.sqEntries.get(params, 0);
      const array = Params.sqArray.get(params, 0);
      const cqes = Params.cqCqes.get(params, 0);
      const ringBytes = Math.max(array + this.entries * 4, cqes + Params.cqEntries.get(params, 0) * Cqe.size);
      this.#ring = new Mapping(fd, IORING_OFF_SQ_RING, ringBytes);
      this.#sqes = new Mapping(fd, IORING_OFF_SQES, this.entries * Sqe.size);
      this.#ringWords = this.#ring.words;
      this.#sqeWords = this.#sqes.words;
      this.#sqHead = Params.sqHead.get(params, 0) >> 2;
      this.#sqTail = Params.sqTail.get(params, 0) >> 2;
      this.#sqMask = this.#ringWords[Params.sqRingMask.get(params, 0) >> 2]!;
      this.#cqHead = Params.cqHead.get(params, 0) >> 2;
      this.#cqTail = Params.cqTail.get(params, 0) >> 2;
      this.#cqMask = this.#ringWords[Params.cqRingMask.get(params, 0) >> 2]!;
      this.#sqFlags = Params.sqFlags.get(params, 0) >> 2;
      this.#cqes = cqes >> 2;
      // The array maps ring positions to entries. Ours are used in order, so it is written once.
      for (let index = 0; index < this.entries; index++) this.#ringWords[(array >> 2) + index] = index;
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /** Whether entries may be told to complete without a word: {@link EntryFlag.CQE_SKIP_SUCCESS}. */
  get canSkipSuccess(): boolean {
    return (this.mode.features & FEATURE_CQE_SKIP) !== 0;
  }

  /** Whether completions wait in the kernel because there was no room for them. Allocates nothing. */
  get overflowed(): boolean {
    return (Atomics.load(this.#ringWords, this.#sqFlags) & CQ_OVERFLOW) !== 0;
  }

  /** Whether there are completions to reap. Allocates nothing. */
  get ready(): boolean {
    return Atomics.load(this.#ringWords, this.#cqTail) !== this.#reaped;
  }

  /** Entries written that the kernel has not taken yet. Allocates nothing. */
  get pending(): number {
    return (this.#written - this.#taken) | 0;
  }

  /**
   * Writes one entry; see {@link writeEntry}. With all entries written it first hands those to the kernel, without waiting.
   * Allocates nothing.
   */
  push(
    head: number,
    fd: number,
    offset: number,
    address: number,
    length: number,
    operationFlags: number,
    buffer: number,
    userLow: number,
    userHigh: number,
  ): void {
    if (this.pending === this.entries) this.submit();
    const index = this.#written & this.#sqMask;
    writeEntry(this.#sqeWords, index, head, fd, offset, address, length, operationFlags, buffer, userLow, userHigh);
    this.#written = (this.#written + 1) | 0;
    this.inFlight++;
  }

  /** Hands all written entries to the kernel without waiting for anything. Allocates nothing. */
  submit(): void {
    for (let attempt = 0; this.pending !== 0; attempt++) {
      assert(attempt < SUBMIT_ATTEMPTS_MAX, 'io_uring: the kernel takes no more entries');
      this.enter(0);
    }
  }

  /**
   * Hands the written entries to the kernel and waits until there are `completions` of them to reap.
   * A signal ends the wait early; what the kernel did not take stays for the next call. Allocates nothing.
   */
  enter(completions: number): void {
    Atomics.store(this.#ringWords, this.#sqTail, this.#written);
    const library = libc();
    // GETEVENTS even when not waiting: completions that overflowed, or that wait for this thread, are delivered by it.
    const flags = IORING_ENTER_GETEVENTS;
    const result = library.ioUringEnter(SYS_IO_URING_ENTER, this.#fd, this.pending, completions, flags, 0, 0);
    // The kernel takes entries during this call only.
    this.#taken = Atomics.load(this.#ringWords, this.#sqHead);
    if (result >= 0) return;
    const errno = library.errno();
    // EAGAIN: no memory for a request; EBUSY: completions wait to be reaped. Both pass, and the entries are still there.
    if (errno === Errno.EINTR || errno === Errno.EAGAIN || errno === Errno.EBUSY) return;
    throw new KernelError('io_uring_enter', errno);
  }

  /** Shows `handler` every completion that is there, and leaves it to be reaped. Allocates nothing. */
  preview(handler: CompletionHandler): void {
    const words = this.#ringWords;
    const tail = Atomics.load(words, this.#cqTail);
    for (let head = this.#reaped; head !== tail; head = (head + 1) | 0) {
      const at = this.#cqes + ((head & this.#cqMask) << 2);
      handler.preview(words[at]!, words[at + 1]!);
    }
  }

  /** Passes every completion that is there to `handler`, and answers how many that were. Allocates nothing. */
  reap(handler: CompletionHandler): number {
    const words = this.#ringWords;
    const tail = Atomics.load(words, this.#cqTail);
    let head = this.#reaped;
    const count = (tail - head) | 0;
    while (head !== tail) {
      const at = this.#cqes + ((head & this.#cqMask) << 2);
      head = (head + 1) | 0;
      // Before the call: a completion is passed on once, even if the handler throws.
      this.#reaped = head;
      this.inFlight--;
      handler.complete(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
    Atomics.store(words, this.#cqHead, head);
    return count;
  }

  /** An entry with CQE_SKIP_SUCCESS is known to have succeeded. Allocates nothing. */
  skipped(): void {
    this.inFlight--;
  }

  /** Whether the kernel knows all of `operations`. */
  supports(operations: readonly number[]): boolean {
    const probe = new DataView(new ArrayBuffer(Probe.size + PROBE_OPERATIONS_MAX * ProbeOperation.size));
    if (this.#register(RegisterCode.PROBE, probe, PROBE_OPERATIONS_MAX) !== 0) return false;
    const SUPPORTED = 1;
    return operations.every((operation) => {
      const at = Probe.size + operation * ProbeOperation.size;
      return operation <= Probe.lastOp.get(probe, 0) && (ProbeOperation.flags.get(probe, at) & SUPPORTED) !== 0;
    });
  }

  /**
   * Makes `length` bytes at `address` known to the kernel, which then need not look their pages up per operation.
   * Cut into buffers of {@link REGISTERED_BUFFER_BYTES_MAX}, numbered from 0. Answers 0 or a positive errno: ENOMEM means that RLIMIT_MEMLOCK is too low.
   */
  registerBuffers(address: number, length: number): number {
    const count = Math.ceil(length / REGISTERED_BUFFER_BYTES_MAX);
    const vectors = new DataView(new ArrayBuffer(count * IoVector.size));
    for (let index = 0; index < count; index++) {
      const start = index * REGISTERED_BUFFER_BYTES_MAX;
      IoVector.address.set(vectors, index * IoVector.size, address + start);
      IoVector.length.set(vectors, index * IoVector.size, Math.min(REGISTERED_BUFFER_BYTES_MAX, length - start));
    }
    return this.#register(RegisterCode.BUFFERS, vectors, count);
  }

  /** Makes the ring of `entries` provided buffers at `memory` known as group `group`. Answers 0 or a positive errno (EINVAL before Linux 5.19). */
  registerBufferRing(memory: PageMemory, entries: number, group: number): number {
    const argument = new DataView(new ArrayBuffer(BufferRing.size));
    BufferRing.address.set(argument, 0, memory.address);
    BufferRing.entries.set(argument, 0, entries);
    BufferRing.group.set(argument, 0, group);
    return this.#register(RegisterCode.PBUF_RING, argument, 1);
  }

  /** Gives the ring back. Nothing may be in flight: the kernel would go on writing into memory that is no longer ours. */
  close(): void {
    this.#ringWords = new Int32Array(0);
    this.#sqeWords = new Int32Array(0);
    this.#ring.unmap();
    this.#sqes.unmap();
    close(this.#fd);
  }

  #register(code: number, argument: DataView, count: number): number {
    const library = libc();
    const bytes = new Uint8Array(argument.buffer);
    const result = library.ioUringRegister(SYS_IO_URING_REGISTER, this.#fd, code, bytes, count);
    return result < 0 ? library.errno() : 0;
  }
}

function setUp(entries: number, params: DataView, only?: UringMode['name']): { fd: number; name: UringMode['name'] } {
  const library = libc();
  const bytes = new Uint8Array(params.buffer);
  let errno: number = Errno.EINVAL;
  for (const { name, flags } of STEPS) {
    if (only !== undefined && name !== only) continue;
    bytes.fill(0);
    Params.cqEntries.set(params, 0, entries * 4);
    Params.flags.set(params, 0, flags | SetupFlag.CQSIZE);
    const fd = library.ioUringSetup(SYS_IO_URING_SETUP, entries, bytes);
    if (fd >= 0) return { fd, name };
    errno = library.errno();
    if (errno !== Errno.EINVAL) break;
  }
  throw new KernelError('io_uring_setup', errno);
}
