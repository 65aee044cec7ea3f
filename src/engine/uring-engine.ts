// The engine on io_uring: one call into the kernel per turn, which submits what the turn queued and waits for what comes next.
// Sockets are uring-sockets.ts's, rings and entries kernel/'s; what the bytes mean is decided by whoever hears the events.

import { release } from 'node:os';
import { assert } from '../base/assert.ts';
import { NONE } from '../base/free-list.ts';
import type { CompletionHandler } from '../kernel/cqe.ts';
import { Errno, errnoName, KernelError } from '../kernel/errno.ts';
import { FallocateMode, seekStretch } from '../kernel/libc.ts';
import { addressOf, copyMemory } from '../kernel/memory.ts';
import { Operation, SyncFlag, TransferFlag } from '../kernel/sqe.ts';
import { REGISTERED_BUFFER_BYTES_MAX, Uring } from '../kernel/uring.ts';
import type { UringMode } from '../kernel/uring-setup.ts';
import { Counter, privateCounters } from '../ring/counters.ts';
import { type BusyPoll, busyPoll } from './busy-poll.ts';
import { monotonicMs } from './clock.ts';
import { Coalescing } from './coalescing.ts';
import {
  type Address,
  ALARM_MS_MAX,
  type Engine,
  type EngineEvents,
  NOBODY,
  RangeMode,
  type SocketHandle,
  type Stretch,
} from './engine.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import type { Slab } from './slab.ts';
import { UringSockets } from './uring-sockets.ts';
import { UringWakes } from './uring-wakes.ts';
import { KIND_SHIFT, Kind } from './user-data.ts';

/** What an engine is made of. */
export interface UringEngineOptions {
  /** Made with `pageOffset` (kernel/memory.ts) as its `align`. */
  readonly slab: Slab;
  readonly events: EngineEvents;
  /** An eventfd: whoever rings it (kernel/libc.ts) has `woken` called here. None: nobody does. */
  readonly wakeFd?: number;
  /** Sockets open at a time; left out: as many as the slab has memory for connections. */
  readonly sockets?: number;
  /** Operations queued in one turn before an extra call into the kernel is needed. A power of two. */
  readonly entries?: number;
  /** Bytes of one receive buffer: what one receive operation takes at most. */
  readonly receiveBufferBytes?: number;
  /** This worker's block (ring/counters.ts). */
  readonly counters?: Float64Array;
  /** Takes this mode instead of the best one that the kernel has. */
  readonly mode?: UringMode['name'];
  /** `false`: does without, as on kernels before 5.19. */
  readonly bufferRing?: boolean;
  /** `false`: does without, as where RLIMIT_MEMLOCK is low. */
  readonly registeredSlab?: boolean;
  /** Lets a thread of the kernel's take the entries, where that can be had. */
  readonly sqPoll?: boolean;
  /** Microseconds, or auto; see `busyPoll`. None: 0. */
  readonly busyPollUs?: number | 'auto';
  /** Microseconds, see Coalescing. None, and wherever it is told to poll: 0. */
  readonly coalesceUs?: number;
}

const ENTRIES_DEFAULT = 1024;
const RECEIVE_BUFFER_BYTES_DEFAULT = 128 * 1024;

/** Operations that the engine can't do without; all of them are in Linux 5.7. */
export const REQUIRED_OPERATIONS: readonly Operation[] = Object.values(Operation);

/** See the head of this file. Belongs to the thread that made it. */
export class UringEngine implements Engine, CompletionHandler {
  readonly name = 'uring';
  readonly description: string;
  readonly slab: Slab;
  #events: EngineEvents;
  readonly #uring: Uring;
  readonly #busyPoll: BusyPoll;
  readonly #coalescing: Coalescing;
  readonly #sockets: UringSockets;
  readonly #counters: Float64Array;
  /** Operations inside the slab use the registered buffers. */
  readonly #slabRegistered: boolean;
  /** Keeps attached memory from being collected: the kernel's addresses are no references. */
  readonly #regions = new Map<Address, SharedArrayBuffer>();
  readonly #wakes: UringWakes;
  /** File operations that have not completed. */
  #filesInFlight = 0;
  #stopping = false;
  #now = -1;

  /** Throws a KernelError where there is no io_uring, or one that lacks {@link REQUIRED_OPERATIONS}. */
  constructor(options: UringEngineOptions) {
    const { slab, events } = options;
    this.slab = slab;
    this.#events = events;
    this.#counters = options.counters ?? privateCounters();
    slab.base = addressOf(slab.memory) + slab.view.byteOffset;
    slab.copyByAddress = copyMemory;
    this.#uring = new Uring(options.entries ?? ENTRIES_DEFAULT, options);
    if (!this.#uring.supports(REQUIRED_OPERATIONS)) {
      this.#uring.close();
      throw new KernelError('io_uring_register (operations of Linux 5.7)', Errno.EOPNOTSUPP);
    }
    this.#wakes = new UringWakes(this.#uring, options.wakeFd ?? NONE);
    const { busyPollUs = 0, coalesceUs = 0, sockets = slab.connectionsMax } = options;
    this.#busyPoll = busyPoll(this.#uring, busyPollUs, this.#counters);
    const unhurried = this.#uring.canWaitUnhurried && (busyPollUs === 'auto' || busyPollUs === 0);
    this.#coalescing = new Coalescing(sockets, unhurried ? coalesceUs : 0);
    const refusal =
      (options.registeredSlab ?? true) ? this.#uring.registerBuffers(slab.base, slab.size) : Errno.EOPNOTSUPP;
    this.#slabRegistered = refusal === 0;
    const bufferBytes = options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES_DEFAULT;
    const buffers = new ReceiveBuffers(this.#uring, slab, bufferBytes, options.bufferRing ?? true);
    this.#sockets = new UringSockets(this.#uring, slab, buffers, events, this.#counters, sockets, () => this.now());
    this.description = describe(this.#uring.mode, buffers, refusal);
  }

  now(): number {
    if (this.#now < 0) this.#now = monotonicMs();
    return this.#now;
  }

  alarm(delayMs: number): void {
    assert(delayMs > 0 && delayMs <= ALARM_MS_MAX, 'engine: an alarm within its bounds');
    this.#wakes.armAlarm(delayMs);
  }

  attachRegion(memory: SharedArrayBuffer): Address {
    const base = addressOf(memory);
    this.#regions.set(base, memory);
    return base;
  }

  detachRegion(base: Address): void {
    this.#regions.delete(base);
  }

  openSocket(fd: number): SocketHandle {
    assert(!this.#stopping, 'openSocket: the engine is stopping');
    return this.#sockets.open(fd);
  }

  resumeReceive(socket: SocketHandle): void {
    this.#sockets.resumeReceive(socket);
  }

  pauseReceive(socket: SocketHandle): void {
    this.#sockets.pauseReceive(socket);
  }

  receiveInto(socket: SocketHandle, at: number, length: number): void {
    this.#sockets.receiveInto(socket, at, length);
  }

  send(socket: SocketHandle, address: Address, length: number, token: number): void {
    this.#coalescing.sending();
    this.#sockets.send(socket, address, length, token);
  }

  unacknowledged(socket: SocketHandle): number {
    return this.#sockets.unacknowledged(socket);
  }

  close(socket: SocketHandle, flush: boolean): void {
    this.#sockets.close(socket, flush);
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    const buffer = this.#registeredBuffer(address, length);
    const operation = buffer === NONE ? Operation.READ : Operation.READ_FIXED;
    this.#queueFile(operation, fd, offset, address, length, 0, buffer, token);
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    const buffer = this.#registeredBuffer(address, length);
    const operation = buffer === NONE ? Operation.WRITE : Operation.WRITE_FIXED;
    this.#queueFile(operation, fd, offset, address, length, durable ? TransferFlag.DSYNC : 0, buffer, token);
  }

  sync(fd: number, token: number, offset = 0, length = 0): void {
    this.#queueFile(Operation.FSYNC, fd, offset, 0, length, SyncFlag.DATASYNC, NONE, token);
  }

  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void {
    const fallocateMode = mode === RangeMode.punchHole ? FallocateMode.punchHole : FallocateMode.zeroRange;
    // For this operation `address` is the range's length, `length` the mode.
    this.#queueFile(Operation.FALLOCATE, fd, offset, length, fallocateMode, 0, NONE, token);
  }

  findStretch(fd: number, kind: Stretch, offset: number): number {
    return seekStretch(fd, kind, offset);
  }

  nextTurn(token: number): void {
    this.#queueFile(Operation.NOP, NONE, 0, 0, 0, 0, NONE, token);
  }

  /** Blocks the thread until {@link stop}: no promise, timer or message of Node's is served meanwhile. */
  run(): Promise<void> {
    try {
      this.#wakes.armTick();
      this.#wakes.armBell();
      while (!this.#stopping) this.#turn();
      this.#drain();
    } catch (error) {
      // The kernel must let go of this worker's memory, and the peers must see their connections end, before anyone starts anew.
      this.#events = NOBODY;
      this.#sockets.redirect(NOBODY);
      this.#drain();
      throw error;
    }
    return Promise.resolve();
  }

  stop(): void {
    this.#stopping = true;
  }

  /** A completion is about to arrive. Called by the ring. Allocates nothing. */
  preview(userLow: number, userHigh: number): void {
    if (userHigh >>> KIND_SHIFT === Kind.send) this.#sockets.sendSpoke(userLow);
  }

  /** A completion arrived. Called by the ring. Allocates nothing. */
  complete(userLow: number, userHigh: number, result: number, flags: number): void {
    switch (userHigh >>> KIND_SHIFT) {
      case Kind.receive:
        if (result > 0) this.#coalescing.received(userLow, result);
        this.#sockets.received(userLow, userHigh, result, flags);
        break;
      case Kind.poll:
        this.#sockets.polled(userLow, userHigh);
        break;
      case Kind.place:
        this.#sockets.placed(userLow, userHigh, result, flags);
        break;
      case Kind.send:
        this.#sockets.sent(userLow, userHigh, result);
        break;
      case Kind.file:
        this.#filesInFlight--;
        this.#events.fileDone(userLow, result);
        break;
      case Kind.wake:
        this.#woken();
        break;
      case Kind.tick:
        this.#ticked();
        break;
      case Kind.alarm:
        if (!this.#stopping) this.#events.alarmed();
        break;
      case Kind.cancel:
        break;
      default:
        assert(false, 'engine: a completion of nothing that was queued');
    }
  }

  #turn(): void {
    const sockets = this.#sockets;
    if (sockets.busy || (sockets.releasesSoon && this.#events.hungry)) this.#uring.enter(0);
    else this.#wait();
    this.#counters[Counter.turns]!++;
    this.#now = -1;
    const due = sockets.offersDue;
    if (this.#uring.pending === 0 && !this.#uring.overflowed) this.#settle();
    this.#uring.reap(this);
    sockets.endTurn(due);
  }

  #wait(): void {
    const wanted = this.#coalescing.next();
    // A disk that has done something is to get more to do at once.
    if (wanted > 1 && this.#filesInFlight === 0) this.#uring.enterUnhurried(wanted, this.#coalescing.waitUs);
    else this.#busyPoll.wait();
  }

  /** Everything queued is with the kernel, and what it has to say of it is here to be read. */
  #settle(): void {
    this.#wakes.submitted();
    // Memory that sends give back is there for the requests that are about to be read.
    if (this.#sockets.releasesSoon) this.#uring.preview(this);
    this.#sockets.submitted();
  }

  /** Ends what is open and waits for what the kernel still has, then gives the ring back. */
  #drain(): void {
    this.#stopping = true;
    this.#sockets.closeAll();
    this.#wakes.cancel();
    while (this.#sockets.count > 0 || this.#uring.inFlight > 0) this.#turn();
    this.#uring.close();
  }

  #queueFile(
    operation: Operation,
    fd: number,
    offset: number,
    address: Address,
    length: number,
    flags: number,
    buffer: number,
    token: number,
  ): void {
    const index = buffer === NONE ? 0 : buffer;
    this.#filesInFlight++;
    this.#uring.push(operation, fd, offset, address, length, flags, index, token, Kind.file << KIND_SHIFT);
  }

  /** The registered buffer that holds all of these bytes, or {@link NONE}. Allocates nothing. */
  #registeredBuffer(address: Address, length: number): number {
    const start = address - this.slab.base;
    if (!this.#slabRegistered || start < 0 || start + length > this.slab.size) return NONE;
    const first = Math.floor(start / REGISTERED_BUFFER_BYTES_MAX);
    return start + length <= (first + 1) * REGISTERED_BUFFER_BYTES_MAX ? first : NONE;
  }

  #ticked(): void {
    if (this.#stopping) return;
    this.#wakes.armTick();
    this.#events.tick();
  }

  #woken(): void {
    if (this.#stopping) return;
    this.#coalescing.rung();
    this.#wakes.armBell();
    this.#events.woken();
  }
}

function describe(mode: UringMode, buffers: ReceiveBuffers, slabRefusal: number): string {
  const receive = `${buffers.count} receive buffers of ${buffers.size / 1024} KiB ${buffers.ringed ? 'in a ring' : 'taken after polls'}`;
  const slab = slabRefusal === 0 ? 'slab registered' : `slab not registered (${errnoName(slabRefusal)})`;
  return `io_uring on Linux ${release().split('-')[0]}, ${mode.name}, ${receive}, ${slab}`;
}
