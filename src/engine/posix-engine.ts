// The engine on Node's own loop: net.Socket and node:fs, for kernels and containers where io_uring is switched off.
// Same behaviour as uring-engine.ts, more CPU per operation; one socket is posix-socket.ts's.

import { fdatasync, read, write } from 'node:fs';
import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import { Errno } from '../kernel/errno.ts';
import { FallocateMode, fallocate, libc, seekStretch } from '../kernel/libc.ts';
import { Counter, privateCounters } from '../ring/counters.ts';
import { monotonicMs } from './clock.ts';
import {
  type Address,
  type Engine,
  type EngineEvents,
  NOBODY,
  RangeMode,
  type SocketHandle,
  type Stretch,
} from './engine.ts';
import { HandleQueue } from './handle-queue.ts';
import { type PosixHost, PosixSocket } from './posix-socket.ts';
import { ENTRIES_PER_TOKEN, SendQueue } from './send-queue.ts';
import type { Slab } from './slab.ts';

/** What an engine is made of. */
export interface PosixEngineOptions {
  readonly slab: Slab;
  readonly events: EngineEvents;
  /** Sockets open at a time. */
  readonly sockets?: number;
  /** This worker's block (ring/counters.ts). */
  readonly counters?: Float64Array;
}

const SOCKETS_DEFAULT = 4096;
/** What libuv asks for in one read. */
const STAGING_BYTES_MAX = 64 * 1024;
const TICK_MS = 1000;
/** An address is a region's number times this, plus the offset in it. The slab is region 0. Memory units are far smaller. */
const REGION_SPAN = 2 ** 40;

/** See the head of this file. */
export class PosixEngine implements Engine, PosixHost {
  readonly name = 'posix';
  readonly description = 'net.Socket and node:fs on a libuv loop';
  readonly slab: Slab;
  readonly stagingAt: number;
  readonly staging: Uint8Array;
  readonly sends: SendQueue;
  readonly counters: Float64Array;
  #events: EngineEvents;
  readonly #sockets: (PosixSocket | undefined)[] = [];
  readonly #handles: FreeList;
  /** Sockets with work for the next turn. */
  readonly #waiting: HandleQueue;
  readonly #regions = new Map<number, SharedArrayBuffer>();
  #nextRegion = 1;
  #operations = 0;
  #rung = false;
  #scheduled = false;
  #stopping = false;
  #failure: unknown;
  #resolve: (() => void) | null = null;

  constructor(options: PosixEngineOptions) {
    const { slab } = options;
    this.slab = slab;
    this.slab.base = 0;
    this.#events = options.events;
    this.counters = options.counters ?? privateCounters();
    this.stagingAt = slab.receiveStart;
    const stagingEnd = Math.min(slab.size, slab.receiveStart + STAGING_BYTES_MAX);
    this.staging = slab.bytes.subarray(slab.receiveStart, stagingEnd);
    this.sends = new SendQueue(slab.tokenCount * ENTRIES_PER_TOKEN);
    const sockets = options.sockets ?? SOCKETS_DEFAULT;
    this.#handles = new FreeList(sockets);
    this.#waiting = new HandleQueue(sockets);
  }

  get events(): EngineEvents {
    return this.#events;
  }

  now(): number {
    return monotonicMs();
  }

  alarm(delayMs: number): void {
    setTimeout(() => {
      if (!this.#stopping) this.guard(() => this.#events.alarmed());
    }, delayMs);
  }

  attachRegion(memory: SharedArrayBuffer): Address {
    const region = this.#nextRegion++;
    this.#regions.set(region, memory);
    return region * REGION_SPAN;
  }

  detachRegion(base: Address): void {
    this.#regions.delete(base / REGION_SPAN);
  }

  openSocket(fd: number): SocketHandle {
    assert(!this.#stopping, 'openSocket: the engine is stopping');
    const handle = this.#handles.take();
    assert(handle !== NONE, 'engine: more sockets than it was made for');
    this.#sockets[handle] = new PosixSocket(this, handle, fd);
    return handle;
  }

  resumeReceive(socket: SocketHandle): void {
    this.#socket(socket).resumeReceive();
  }

  pauseReceive(socket: SocketHandle): void {
    this.#socket(socket).pauseReceive();
  }

  receiveInto(socket: SocketHandle, at: number, length: number): void {
    this.#socket(socket).receiveInto(at, length);
  }

  send(socket: SocketHandle, address: Address, length: number, token: number): void {
    this.#socket(socket).send(address, length, token);
  }

  close(socket: SocketHandle, flush: boolean): void {
    this.#socket(socket).close(flush);
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    this.#operations++;
    read(fd, this.view(address, length), 0, length, offset, (error, bytes) => this.#fileDone(token, error, bytes));
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    this.#operations++;
    write(fd, this.view(address, length), 0, length, offset, (error, bytes) => {
      if (error !== null || !durable) this.#fileDone(token, error, bytes);
      else fdatasync(fd, (failure) => this.#fileDone(token, failure, bytes));
    });
  }

  sync(fd: number, token: number): void {
    this.#operations++;
    fdatasync(fd, (error) => this.#fileDone(token, error, 0));
  }

  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void {
    this.#operations++;
    const fallocateMode = mode === RangeMode.punchHole ? FallocateMode.punchHole : FallocateMode.zeroRange;
    const done = (errno: number): void => this.#fileEnded(token, errno === 0 ? 0 : -errno);
    // Node has no fallocate, and FFI may be missing as io_uring is.
    if (hasForeignCalls()) fallocate(fd, fallocateMode, offset, length, done);
    else setImmediate(done, Errno.EOPNOTSUPP);
  }

  findStretch(fd: number, kind: Stretch, offset: number): number {
    return hasForeignCalls() ? seekStretch(fd, kind, offset) : -Errno.ENOSYS;
  }

  nextTurn(token: number): void {
    this.#operations++;
    setImmediate(() => this.#fileEnded(token, 0));
  }

  /** Serves from Node's loop until {@link stop}. Rejects with what an event threw, once everything is closed. */
  run(): Promise<void> {
    const ticks = setInterval(() => this.guard(() => this.#events.tick()), TICK_MS);
    this.#schedule();
    return new Promise<void>((resolve, reject) => {
      this.#resolve = () => {
        clearInterval(ticks);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
    });
  }

  stop(): void {
    this.#stopping = true;
    this.#schedule();
  }

  /** Has `woken` called. From this thread: a `message` listener of the port that the other thread writes to. */
  wake(): void {
    this.#rung = true;
    this.#schedule();
  }

  view(address: Address, length: number): Buffer {
    const region = Math.floor(address / REGION_SPAN);
    const offset = address - region * REGION_SPAN;
    if (region === 0) return Buffer.from(this.slab.memory, this.slab.view.byteOffset + offset, length);
    const memory = this.#regions.get(region);
    assert(memory !== undefined, 'engine: an address in no region');
    return Buffer.from(memory, offset, length);
  }

  wants(socket: SocketHandle): void {
    this.#waiting.push(socket);
    this.#schedule();
  }

  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failure ??= error;
      this.#events = NOBODY;
      this.stop();
    }
  }

  gone(socket: SocketHandle): void {
    this.#sockets[socket] = undefined;
    this.#handles.release(socket);
    this.#schedule();
  }

  #socket(handle: SocketHandle): PosixSocket {
    const socket = this.#sockets[handle];
    assert(socket !== undefined, 'engine: no such socket');
    return socket;
  }

  /** One turn follows everything that the loop finds ready now, so that one write carries all that it caused. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.guard(() => this.#turn());
    });
  }

  #turn(): void {
    this.counters[Counter.turns]!++;
    if (this.#stopping) for (const socket of this.#sockets) socket?.close(false);
    if (this.#rung && !this.#stopping) {
      this.#rung = false;
      this.#events.woken();
    }
    for (let count = this.#waiting.length; count > 0; count--) this.#sockets[this.#waiting.shift()]?.turn();
    const idle = this.#handles.available === this.#handles.capacity && this.#operations === 0;
    if (this.#stopping && idle) this.#resolve?.();
  }

  #fileDone(token: number, error: NodeJS.ErrnoException | null, bytes: number): void {
    this.#fileEnded(token, error === null ? bytes : -Math.abs(error.errno ?? Errno.EIO));
  }

  #fileEnded(token: number, result: number): void {
    this.#operations--;
    this.#schedule();
    this.guard(() => this.#events.fileDone(token, result));
  }
}

function hasForeignCalls(): boolean {
  try {
    libc();
    return true;
  } catch {
    return false;
  }
}
