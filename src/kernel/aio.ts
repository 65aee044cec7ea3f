// Linux's older asynchronous I/O (io_setup(2)): direct reads and writes, many of them in one call, where there is no io_uring.
// Which operations go this way, and what becomes of those that the kernel sends back, is engine/posix-files.ts's.

import { arch } from 'node:process';
import { assert } from '../base/assert.ts';
import { layout, u16, u32, u64 } from '../base/layout.ts';
import { Errno, KernelError } from './errno.ts';
import { libc } from './libc.ts';
import { PageMemory } from './memory.ts';

/** IOCB_CMD_*. */
export const AioOperation = { READ: 0, WRITE: 1 } as const;
export type AioOperation = (typeof AioOperation)[keyof typeof AioOperation];

/** RWF_*: the data lasts when the operation ends; EAGAIN instead of holding up whoever submits. */
export const AioFlag = { DSYNC: 1 << 1, NOWAIT: 1 << 3 } as const;

/** struct iocb, as it is on little-endian machines. */
const ControlBlock = layout(
  64,
  {
    data: u64(0),
    key: u32(8),
    flags: u32(12),
    operation: u16(16),
    priority: u16(18),
    fd: u32(20),
    address: u64(24),
    length: u64(32),
    offset: u64(40),
    reserved48: u64(48),
    contextFlags: u32(56),
    eventFd: u32(60),
  },
  'little',
);

/** struct io_event. */
const Completion = layout(32, { data: u64(0), block: u64(8), result: u64(16), result2: u64(24) }, 'little');
const COMPLETION_WORDS = Completion.size >> 2;
const RESULT_WORD = Completion.result.offset >> 2;

/** The system calls' numbers; the two architectures Node has Linux binaries for and koffi is prebuilt for. */
const CALLS: Readonly<Partial<Record<NodeJS.Architecture, AioCalls>>> = {
  x64: { setup: 206, destroy: 207, getEvents: 208, submit: 209 },
  arm64: { setup: 0, destroy: 1, getEvents: 4, submit: 2 },
};

interface AioCalls {
  readonly setup: number;
  readonly destroy: number;
  readonly getEvents: number;
  readonly submit: number;
}

/** What became of the operation in `slot`: bytes, or a negated errno. */
export type AioEnded = (slot: number, result: number) => void;

/** A context with `entries` slots for operations. Belongs to the thread that made it; {@link close} gives it back. */
export class Aio {
  readonly entries: number;
  readonly #calls: AioCalls;
  /** The kernel's name for the context. */
  readonly #context: number;
  readonly #blocks: PageMemory;
  /** Addresses of the blocks that were pushed. */
  readonly #pointers: PageMemory;
  readonly #completions: PageMemory;
  #pushed = 0;
  #inFlight = 0;
  #waiting = false;

  /** Throws a {@link KernelError}: ENOSYS where there is none, EAGAIN where all processes together have too many (fs.aio-max-nr). */
  constructor(entries: number) {
    const calls = CALLS[arch];
    if (calls === undefined) throw new KernelError('io_setup', Errno.ENOSYS);
    this.#calls = calls;
    this.entries = entries;
    this.#blocks = new PageMemory(entries * ControlBlock.size);
    this.#pointers = new PageMemory(entries * 8);
    this.#completions = new PageMemory(entries * Completion.size);
    const context = new BigUint64Array(1);
    if (libc().ioSetup(calls.setup, entries, context) < 0) throw new KernelError('io_setup', libc().errno());
    this.#context = Number(context[0]);
  }

  /** Operations that the kernel has. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Writes an operation into its slot, which is the caller's until it hears of its end. `address` is the machine's. */
  push(
    slot: number,
    operation: AioOperation,
    fd: number,
    address: number,
    length: number,
    offset: number,
    flags: number,
  ): void {
    assert(this.#pushed < this.entries, 'aio: more operations than slots');
    const { view } = this.#blocks;
    const at = slot * ControlBlock.size;
    ControlBlock.data.set(view, at, slot);
    ControlBlock.operation.set(view, at, operation);
    ControlBlock.flags.set(view, at, flags);
    ControlBlock.fd.set(view, at, fd);
    ControlBlock.address.set(view, at, address);
    ControlBlock.length.set(view, at, length);
    ControlBlock.offset.set(view, at, offset);
    this.#pointers.view.setBigUint64(this.#pushed * 8, BigInt(this.#blocks.address + at), true);
    this.#pushed++;
  }

  /** Hands over what was pushed. `ended` hears of those that the kernel did not take, and may push anew. */
  submit(ended: AioEnded): void {
    const library = libc();
    const { address, view } = this.#pointers;
    const refused: { readonly slot: number; readonly errno: number }[] = [];
    for (let first = 0; first < this.#pushed; ) {
      const taken = library.ioSubmit(this.#calls.submit, this.#context, this.#pushed - first, address + first * 8);
      if (taken > 0) {
        this.#inFlight += taken;
        first += taken;
      } else {
        const block = Number(view.getBigUint64(first * 8, true)) - this.#blocks.address;
        refused.push({ slot: block / ControlBlock.size, errno: taken < 0 ? library.errno() : Errno.EAGAIN });
        first++;
      }
    }
    this.#pushed = 0;
    for (const { slot, errno } of refused) ended(slot, -errno);
  }

  /**
   * Waits on a thread of its own until operations have ended, or a signal came; then tells `ended` of each, and calls `then`. One wait at a
   * time, and only with operations in flight.
   */
  wait(ended: AioEnded, then: () => void): void {
    assert(this.#inFlight > 0 && !this.#waiting, 'aio: one wait at a time, for something');
    this.#waiting = true;
    const { getEvents } = this.#calls;
    const { address } = this.#completions;
    libc().ioGetEvents.async(getEvents, this.#context, 1, this.entries, address, 0, (_: unknown, count: number) => {
      this.#waiting = false;
      this.#reap(count, ended);
      then();
    });
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Nothing may be in flight. */
  close(): void {
    assert(this.#inFlight === 0 && !this.#waiting, 'aio: closed with operations in flight');
    libc().ioDestroy(this.#calls.destroy, this.#context);
  }

  /** `count`: what io_getevents answered; less than 0 after a signal. */
  #reap(count: number, ended: AioEnded): void {
    const { view, words } = this.#completions;
    for (let index = 0; index < count; index++) {
      this.#inFlight--;
      const slot = Completion.data.get(view, index * Completion.size);
      // Its low half: no operation is as long as 2 GiB.
      ended(slot, words[index * COMPLETION_WORDS + RESULT_WORD]!);
    }
  }
}
