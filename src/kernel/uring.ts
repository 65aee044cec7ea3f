// One io_uring instance: set-up with a step down for older kernels, the two mapped rings, registration, and the one call per turn.
// Knows entries, not what they are for: operations are in sqe.ts, their meaning in the engine.

import { performance } from 'node:perf_hooks';
import { assert } from '../base/assert.ts';
import { bytes, layout, reserved, u8, u16, u32, u64 } from '../base/layout.ts';
import { type CompletionHandler, Cqe } from './cqe.ts';
import { Errno, KernelError } from './errno.ts';
import { IoVector } from './gather.ts';
import { close, libc } from './libc.ts';
import { addressOf, Mapping, type PageMemory } from './memory.ts';
import { loadAcquire, storeRelease } from './ordered.ts';
import { type EntryFlag, Sqe, writeEntry } from './sqe.ts';
import { Params, setUpRing, type UringChoice, type UringMode } from './uring-setup.ts';

const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

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

/** struct io_uring_getevents_arg, and behind it the struct __kernel_timespec that it points to. */
const WAIT_BYTES = 24;
const Wait = layout(
  WAIT_BYTES + 16,
  {
    signals: u64(0),
    signalBytes: u32(8),
    minimumMicroseconds: u32(12),
    limit: u64(16),
    limitSeconds: u64(WAIT_BYTES),
    limitNanoseconds: u64(WAIT_BYTES + 8),
  },
  'little',
);
/** Without a limit the kernel would return empty-handed when the minimum is over. Whoever waits wakes up more often than this anyway. */
const WAIT_LIMIT_SECONDS = 60;

const RegisterCode = { BUFFERS: 0, PROBE: 8, PBUF_RING: 22 } as const;

const IORING_OFF_SQ_RING = 0;
const IORING_OFF_SQES = 0x10000000;
/** IORING_ENTER_*. */
const EnterFlag = { GETEVENTS: 1 << 0, SQ_WAKEUP: 1 << 1, EXT_ARG: 1 << 3 } as const;

/** The kernel takes at most this many bytes in one registered buffer. */
export const REGISTERED_BUFFER_BYTES_MAX = 2 ** 30;

/** IORING_FEAT_CQE_SKIP (5.17). */
const FEATURE_CQE_SKIP = 1 << 11;

/** IORING_FEAT_MIN_TIMEOUT (6.12). */
const FEATURE_MIN_TIMEOUT = 1 << 15;

/** IORING_SQ_*: the kernel's thread (SQPOLL) sleeps; completions had no room; something waits for this thread to finish it. */
const RingFlag = { NEED_WAKEUP: 1 << 0, CQ_OVERFLOW: 1 << 1, TASKRUN: 1 << 2 } as const;

/** Shortage of memory, interrupting signals and a kernel's thread that has no CPU pass; what lasts longer than this does not. */
const SUBMIT_MS_MAX = 10_000;

/** EAGAIN: no memory for a request; EBUSY: completions wait to be reaped. Like a signal and the end of a wait they pass, and the entries are still there. */
const PASSING_ERRORS: ReadonlySet<number> = new Set([Errno.EINTR, Errno.EAGAIN, Errno.EBUSY, Errno.ETIME]);

/** An io_uring instance. Belongs to the thread that made it. */
export class Uring {
  readonly mode: UringMode;
  /** Entries that can wait for submission. */
  readonly entries: number;
  /** Entries written whose completion has not been reaped, or inferred with {@link skipped}: every operation in use completes exactly once. */
  inFlight = 0;
  readonly #fd: number;
  /** The kernel looks for entries by itself. */
  readonly #sqPoll: boolean;
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
  /** A {@link Wait}, and its address. */
  readonly #wait: DataView;
  readonly #waitAt: number;
  // Positions in the two rings, wrapped to signed 32 bits: entries written, entries that the kernel took, completions reaped.
  #written = 0;
  #taken = 0;
  #reaped = 0;

  /** See {@link setUpRing}. */
  constructor(entries: number, choice: UringChoice = {}) {
    const { fd, mode, params } = setUpRing(entries, choice);
    this.#fd = fd;
    this.mode = mode;
    this.#sqPoll = mode.name === 'SQPOLL';
    const memory = new SharedArrayBuffer(Wait.size);
    this.#wait = new DataView(memory);
    this.#waitAt = addressOf(memory);
    Wait.limit.set(this.#wait, 0, this.#waitAt + WAIT_BYTES);
    Wait.limitSeconds.set(this.#wait, 0, WAIT_LIMIT_SECONDS);
    try {
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

  /** Whether {@link enterUnhurried} can be had. A thread of the kernel that takes entries by itself is there for those in a hurry. */
  get canWaitUnhurried(): boolean {
    return (this.mode.features & FEATURE_MIN_TIMEOUT) !== 0 && !this.#sqPoll;
  }

  /** Whether completions wait in the kernel because there was no room for them. Allocates nothing. */
  get overflowed(): boolean {
    return (loadAcquire(this.#ringWords, this.#sqFlags) & RingFlag.CQ_OVERFLOW) !== 0;
  }

  /** Whether there are completions to reap. Allocates nothing. */
  get ready(): boolean {
    return Atomics.load(this.#ringWords, this.#cqTail) !== this.#reaped;
  }

  /** Whether {@link enter} would find something at once, told without a call into the kernel. Allocates nothing. */
  get beckoning(): boolean {
    return this.ready || (this.#flags() & (RingFlag.TASKRUN | RingFlag.CQ_OVERFLOW)) !== 0;
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

  /** Returns when the kernel has taken all written entries; waits for nothing else. Allocates nothing. */
  submit(): void {
    const giveUpMs = performance.now() + SUBMIT_MS_MAX;
    for (this.enter(0); this.pending !== 0; this.enter(0)) {
      assert(performance.now() < giveUpMs, 'io_uring: the kernel takes no more entries');
      libc().schedYield();
    }
  }

  /**
   * Hands the written entries to the kernel and waits until there are `completions` of them to reap.
   * A signal ends the wait early; what the kernel did not take stays for the next call. Allocates nothing.
   */
  enter(completions: number): void {
    if (this.#sqPoll) {
      this.#enterSqPoll(completions);
    } else {
      storeRelease(this.#ringWords, this.#sqTail, this.#written);
      // GETEVENTS even when not waiting: completions that overflowed, or that wait for this thread, are delivered by it.
      this.#call(this.pending, completions, EnterFlag.GETEVENTS);
    }
    this.#taken = loadAcquire(this.#ringWords, this.#sqHead);
  }

  /**
   * As {@link enter}, for a ring that {@link canWaitUnhurried}: when `completions` have not come within `microseconds`, one is enough.
   * Allocates nothing.
   */
  enterUnhurried(completions: number, microseconds: number): void {
    Wait.minimumMicroseconds.set(this.#wait, 0, microseconds);
    storeRelease(this.#ringWords, this.#sqTail, this.#written);
    const flags = EnterFlag.GETEVENTS | EnterFlag.EXT_ARG;
    this.#call(this.pending, completions, flags, this.#waitAt, WAIT_BYTES);
    this.#taken = loadAcquire(this.#ringWords, this.#sqHead);
  }

  /** The kernel's thread takes the entries whenever it looks; calls are for waking it, for waiting, and for room. */
  #enterSqPoll(completions: number): void {
    // A barrier behind the store: what the flags say of the thread's sleep is to be of later.
    Atomics.store(this.#ringWords, this.#sqTail, this.#written);
    const flags = this.#flags();
    const wake = (flags & RingFlag.NEED_WAKEUP) === 0 ? 0 : EnterFlag.SQ_WAKEUP;
    const look = completions > 0 || (flags & RingFlag.CQ_OVERFLOW) !== 0 ? EnterFlag.GETEVENTS : 0;
    if ((wake | look) !== 0) this.#call(this.pending, completions, wake | look);
  }

  #call(entries: number, completions: number, flags: number, argument = 0, argumentBytes = 0): void {
    const library = libc();
    const call = SYS_IO_URING_ENTER;
    const result = library.ioUringEnter(call, this.#fd, entries, completions, flags, argument, argumentBytes);
    if (result >= 0 || PASSING_ERRORS.has(library.errno())) return;
    throw new KernelError('io_uring_enter', library.errno());
  }

  #flags(): number {
    return Atomics.load(this.#ringWords, this.#sqFlags);
  }

  /** Shows `handler` every completion that is there, and leaves it to be reaped. Allocates nothing. */
  preview(handler: CompletionHandler): void {
    const words = this.#ringWords;
    const tail = loadAcquire(words, this.#cqTail);
    for (let head = this.#reaped; head !== tail; head = (head + 1) | 0) {
      const at = this.#cqes + ((head & this.#cqMask) << 2);
      handler.preview(words[at]!, words[at + 1]!);
    }
  }

  /** Passes every completion that is there to `handler`, and answers how many that were. Allocates nothing. */
  reap(handler: CompletionHandler): number {
    const words = this.#ringWords;
    const tail = loadAcquire(words, this.#cqTail);
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
    storeRelease(words, this.#cqHead, head);
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
