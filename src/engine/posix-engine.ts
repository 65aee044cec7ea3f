// The engine on Node's own loop: net.Socket and node:fs, for kernels and containers where io_uring is switched off.
// Same behaviour as uring-engine.ts, more CPU per operation; one socket is posix-socket.ts's, files are posix-files.ts's.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import { PAGE_BYTES } from '../base/page.ts';
import { Gather } from '../kernel/gather.ts';
import { seekStretch } from '../kernel/libc.ts';
import { addressOf } from '../kernel/memory.ts';
import { Counter, privateCounters } from '../ring/counters.ts';
import { monotonicMs } from './clock.ts';
import {
  type Address,
  type Engine,
  type EngineEvents,
  NOBODY,
  type RangeMode,
  type SocketHandle,
  type Stretch,
} from './engine.ts';
import { HandleQueue } from './handle-queue.ts';
import { PosixFiles, type PosixFilesHost } from './posix-files.ts';
import { type PosixHost, PosixSocket } from './posix-socket.ts';
import { ENTRIES_PER_TOKEN, SendQueue } from './send-queue.ts';
import type { Slab } from './slab.ts';

/** What an engine is made of. */
export interface PosixEngineOptions {
  readonly slab: Slab;
  readonly events: EngineEvents;
  /** Sockets open at a time; left out: as many as the slab has memory for connections. */
  readonly sockets?: number;
  /** This worker's block (ring/counters.ts). */
  readonly counters?: Float64Array;
}

/** What libuv asks for in one read. */
const STAGING_BYTES_MAX = 64 * 1024;
const TICK_MS = 1000;
/**
 * An address is a region's number times this, plus the offset in it. The largest memory unit has half of it (MEMORY_UNIT_BYTES_MAX), and 2^17
 * regions fit, twice as many as there can be units.
 */
const REGION_SPAN = 2 ** 36;

/** Memory that addresses lie in. It begins on a page of the machine's, so that what is aligned in addresses is so for the kernel. */
interface Region {
  readonly memory: SharedArrayBuffer;
  /** Where in `memory` it begins: before its first byte, where that is in the middle of a page. */
  readonly start: number;
  /** And as the kernel names that place. */
  readonly machineBase: number;
}

/** See the head of this file. */
export class PosixEngine implements Engine, PosixHost, PosixFilesHost {
  readonly name = 'posix';
  readonly description: string;
  readonly slab: Slab;
  readonly stagingAt: number;
  readonly staging: Uint8Array;
  readonly sends: SendQueue;
  readonly gather = new Gather(1);
  readonly counters: Float64Array;
  #events: EngineEvents;
  readonly #sockets: (PosixSocket | undefined)[] = [];
  readonly #handles: FreeList;
  /** Sockets with work for the next turn. */
  readonly #waiting: HandleQueue;
  readonly #regions = new Map<number, Region>();
  /** Numbers below the highest that are to be used again. */
  readonly #freeRegions: number[] = [];
  readonly #files: PosixFiles;
  #rung = false;
  #scheduled = false;
  /** A turn is under way, at whose end its file operations are handed over. */
  #turning = false;
  #stopping = false;
  #failure: unknown;
  #resolve: (() => void) | null = null;

  constructor(options: PosixEngineOptions) {
    const { slab } = options;
    this.slab = slab;
    this.slab.base = this.#addRegion(slab.memory, slab.view.byteOffset);
    this.#events = options.events;
    this.counters = options.counters ?? privateCounters();
    this.stagingAt = slab.receiveStart;
    const stagingEnd = Math.min(slab.size, slab.receiveStart + STAGING_BYTES_MAX);
    this.staging = slab.bytes.subarray(slab.receiveStart, stagingEnd);
    this.sends = new SendQueue(slab.tokenCount * ENTRIES_PER_TOKEN);
    const sockets = options.sockets ?? slab.connectionsMax;
    this.#handles = new FreeList(sockets);
    this.#files = new PosixFiles(this);
    this.description = `net.Socket and ${this.#files.description} on a libuv loop`;
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
    return this.#addRegion(memory, 0);
  }

  detachRegion(base: Address): void {
    const region = Math.floor(base / REGION_SPAN);
    if (this.#regions.delete(region)) this.#freeRegions.push(region);
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

  unacknowledged(socket: SocketHandle): number {
    return this.#socket(socket).unacknowledged;
  }

  close(socket: SocketHandle, flush: boolean): void {
    this.#socket(socket).close(flush);
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    this.#files.read(fd, address, length, offset, token);
    if (!this.#turning) this.#schedule();
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    this.#files.write(fd, address, length, offset, durable, token);
    if (!this.#turning) this.#schedule();
  }

  sync(fd: number, token: number): void {
    this.#files.sync(fd, token);
  }

  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void {
    this.#files.clearRange(fd, mode, offset, length, token);
  }

  findStretch(fd: number, kind: Stretch, offset: number): number {
    return seekStretch(fd, kind, offset);
  }

  nextTurn(token: number): void {
    this.#files.nextTurn(token);
  }

  /** Serves from Node's loop until {@link stop}. Rejects with what an event threw, once everything is closed. */
  run(): Promise<void> {
    const ticks = setInterval(() => this.guard(() => this.#events.tick()), TICK_MS);
    this.#schedule();
    return new Promise<void>((resolve, reject) => {
      this.#resolve = () => {
        clearInterval(ticks);
        this.#files.close();
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
    const { memory, start } = this.#regionOf(address);
    return Buffer.from(memory, start + (address % REGION_SPAN), length);
  }

  machineAddress(address: Address): number {
    return this.#regionOf(address).machineBase + (address % REGION_SPAN);
  }

  fileEnded(token: number, result: number): void {
    this.#schedule();
    this.guard(() => this.#events.fileDone(token, result));
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

  /** Answers the address of the byte at `offset`. */
  #addRegion(memory: SharedArrayBuffer, offset: number): Address {
    const region = this.#freeRegions.pop() ?? this.#regions.size;
    const first = addressOf(memory) + offset;
    const inPage = first % PAGE_BYTES;
    this.#regions.set(region, { memory, start: offset - inPage, machineBase: first - inPage });
    return region * REGION_SPAN + inPage;
  }

  #regionOf(address: Address): Region {
    const region = this.#regions.get(Math.floor(address / REGION_SPAN));
    assert(region !== undefined, 'engine: an address in no region');
    return region;
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
      this.#turning = true;
      this.guard(() => this.#turn());
      this.#turning = false;
      this.guard(() => this.#files.submit());
      if (this.#stopping && this.#idle) this.#resolve?.();
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
  }

  get #idle(): boolean {
    return this.#handles.available === this.#handles.capacity && this.#files.underWay === 0;
  }
}
