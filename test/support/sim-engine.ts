// An engine without a kernel: sockets are byte queues, files are buffers, time stands still until it is moved.
// Runs one turn at a time, so that a test decides what arrives, how it is split, and when a disk answers. The one run by chance is test/sim/engine.ts.

import { PAGE_BYTES } from '../../src/base/page.ts';
import type { Address, Engine, EngineEvents, RangeMode, SocketHandle, Stretch } from '../../src/engine/engine.ts';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { Slab } from '../../src/engine/slab.ts';
import { SimSocket } from './sim-socket.ts';

const REGION_STRIDE = 2 ** 40;
const EIO = 5;
const ENXIO = 6;

interface SimOperation {
  readonly token: number;
  readonly run: () => number;
}

/** A file in memory, with a switch for faults. */
export interface SimFile {
  readonly bytes: Uint8Array;
  /** What every operation answers instead of working; 0: nothing is wrong. */
  errno: number;
  /** Operations are kept back until this is false again. */
  stuck: boolean;
  /** Reads and writes that begin below this offset are, too. */
  stuckBelow: number;
  syncs: number;
}

/** Options a test may vary. */
export interface SimOptions {
  readonly slabBytes?: number;
  readonly receiveBytes?: number;
  /** Bytes delivered by one receive, at most. */
  readonly chunkMax?: () => number;
}

/** The engine, with the test's handles on it. */
export class SimEngine implements Engine {
  readonly name = 'sim';
  readonly description = 'simulated, step by step';
  readonly slab: Slab;
  events!: EngineEvents;
  /** Milliseconds; move it, then run a turn with `tick`. */
  clock = 1000;
  stopped = false;
  /** When alarms are due. */
  alarms: number[] = [];
  readonly files = new Map<number, SimFile>();
  readonly #sockets: (SimSocket | null)[] = [];
  readonly #regions = new Map<number, Uint8Array>();
  readonly #chunkMax: () => number;
  readonly #receiveBytes: number;
  #operations: SimOperation[] = [];
  #nextRegion = 1;
  /** Inside `received` or `receivedInto`. */
  #offering = false;

  constructor(options: SimOptions = {}) {
    this.#receiveBytes = options.receiveBytes ?? 128 * 1024;
    this.slab = new Slab({ bytes: options.slabBytes ?? 8 * 1024 * 1024, receiveBytes: this.#receiveBytes });
    this.#chunkMax = options.chunkMax ?? (() => this.#receiveBytes);
  }

  // What the test does

  /** A connected pair: the test's end is `deliver`, `takeSent` and `hangUp` with the same handle. */
  connect(): number {
    return this.#sockets.length;
  }

  /** Bytes from the peer. */
  deliver(socket: SocketHandle, bytes: Uint8Array): void {
    const state = this.#sockets[socket]!;
    state.incoming = Buffer.concat([state.incoming, bytes]);
  }

  /** What was sent since the last call. */
  takeSent(socket: SocketHandle): Uint8Array {
    const state = this.#sockets[socket]!;
    const sent = state.sent;
    state.sent = [];
    return Buffer.concat(sent);
  }

  /** What a socket that is closed by now had sent since the last call. */
  takeLast(socket: SocketHandle): Uint8Array {
    const sent = this.closedSockets.get(socket) ?? new Uint8Array(0);
    this.closedSockets.delete(socket);
    return sent;
  }

  /** Whether the peer takes no more bytes, so that nothing leaves. */
  setDeaf(socket: SocketHandle, deaf: boolean): void {
    this.#sockets[socket]!.deaf = deaf;
  }

  /** So much of what left has not reached the peer. */
  setUnacknowledged(socket: SocketHandle, bytes: number): void {
    this.#sockets[socket]!.unacknowledged = bytes;
  }

  /** A deaf peer takes `spans` of what waits for it all the same. */
  drain(socket: SocketHandle, spans: number): void {
    const state = this.#sockets[socket]!;
    this.#leave(socket, state, state.outgoing.splice(0, spans));
  }

  isOpen(socket: SocketHandle): boolean {
    return this.#sockets[socket] != null;
  }

  /** The peer closes. */
  hangUp(socket: SocketHandle): void {
    this.events.ended(socket, 0);
  }

  /** The bytes behind an address, wherever they are. */
  memoryAt(address: Address, length: number): Uint8Array {
    return this.#bytesAt(address).subarray(0, length);
  }

  addFile(fd: number, size: number): SimFile {
    const file = { bytes: new Uint8Array(size), errno: 0, stuck: false, stuckBelow: 0, syncs: 0 };
    this.files.set(fd, file);
    return file;
  }

  /** Turns until nothing happens any more. */
  settle(): void {
    for (let turn = 0; turn < 10_000; turn++) if (!this.turn()) return;
    throw new Error('the simulation does not come to rest');
  }

  /** One turn: completions, then receives, then sends. Whether anything happened. */
  turn(): boolean {
    let busy = this.#runOperations();
    const due = this.alarms.filter((at) => at <= this.clock);
    this.alarms = this.alarms.filter((at) => at > this.clock);
    for (const _ of due) this.events.alarmed();
    busy ||= due.length !== 0;
    for (const [socket, state] of this.#sockets.entries()) {
      if (state === null) continue;
      if (this.#receive(socket, state)) busy = true;
    }
    for (const [socket, state] of this.#sockets.entries()) {
      if (state === null) continue;
      if (this.#flush(socket, state)) busy = true;
    }
    return busy;
  }

  #runOperations(): boolean {
    const ready = this.#operations;
    this.#operations = [];
    let done = false;
    for (const operation of ready) {
      const result = operation.run();
      if (Number.isNaN(result)) {
        this.#operations.push(operation);
        continue;
      }
      done = true;
      this.events.fileDone(operation.token, result);
    }
    return done;
  }

  #receive(socket: SocketHandle, state: SimSocket): boolean {
    if (state.closing || state.incoming.length === 0) return false;
    if (state.direct !== null) {
      const { direct } = state;
      const part = state.incoming.subarray(0, direct.length - direct.filled);
      this.slab.bytes.set(part, direct.at + direct.filled);
      direct.filled += part.length;
      state.incoming = state.incoming.subarray(part.length);
      if (direct.filled === direct.length) {
        state.direct = null;
        this.#offering = true;
        this.events.receivedInto(socket, direct.length);
        this.#offering = false;
      }
      return true;
    }
    if (!state.receiving) return false;
    const chunk = state.incoming.subarray(0, Math.max(1, Math.min(this.#chunkMax(), this.#receiveBytes)));
    this.slab.bytes.set(chunk, this.slab.receiveStart);
    this.#offering = true;
    const taken = this.events.received(socket, this.slab.receiveStart, chunk.length);
    this.#offering = false;
    state.incoming = state.incoming.subarray(taken);
    return taken !== 0;
  }

  #flush(socket: SocketHandle, state: SimSocket): boolean {
    const waits = state.deaf && (!state.closing || state.flush);
    if (waits && (state.outgoing.length !== 0 || !state.closing)) return false;
    const busy = state.outgoing.length !== 0 || state.closing;
    this.#leave(socket, state, state.outgoing.splice(0));
    if (state.closing && state.outgoing.length === 0) {
      this.closedSockets.set(socket, Buffer.concat(state.sent));
      this.#sockets[socket] = null;
      this.events.closed(socket);
    }
    return busy;
  }

  #leave(socket: SocketHandle, state: SimSocket, queue: SimSocket['outgoing']): void {
    for (const { address, length, token } of queue) {
      // Read when they leave, as the kernel does it, so that memory given back too early shows.
      const bytes = this.#bytesAt(address).subarray(0, length);
      if (!state.closing || state.flush) state.sent.push(bytes.slice());
      if (token !== NO_RELEASE) this.events.released(socket, token);
    }
  }

  /** What sockets that are closed by now had sent and the test has not read. */
  readonly closedSockets = new Map<SocketHandle, Uint8Array>();

  // Engine

  now(): number {
    return this.clock;
  }

  alarm(delayMs: number): void {
    this.alarms.push(this.clock + delayMs);
  }

  attachRegion(memory: SharedArrayBuffer): Address {
    const base = this.#nextRegion++ * REGION_STRIDE;
    this.#regions.set(base, new Uint8Array(memory));
    return base;
  }

  detachRegion(base: Address): void {
    this.#regions.delete(base);
  }

  openSocket(_fd: number): SocketHandle {
    this.#sockets.push(new SimSocket());
    return this.#sockets.length - 1;
  }

  resumeReceive(socket: SocketHandle): void {
    this.#sockets[socket]!.receiving = true;
  }

  pauseReceive(socket: SocketHandle): void {
    this.#sockets[socket]!.receiving = false;
  }

  receiveInto(socket: SocketHandle, at: number, length: number): void {
    if (!this.#offering) throw new Error('receiveInto: only from inside received');
    this.#sockets[socket]!.direct = { at, length, filled: 0 };
  }

  send(socket: SocketHandle, address: Address, length: number, token: number): void {
    this.#sockets[socket]!.outgoing.push({ address, length, token });
  }

  unacknowledged(socket: SocketHandle): number {
    return this.#sockets[socket]!.unacknowledged;
  }

  close(socket: SocketHandle, flush: boolean): void {
    const state = this.#sockets[socket]!;
    state.closing = true;
    state.flush = flush;
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    this.#submit(fd, token, offset, (file) => {
      const part = file.bytes.subarray(offset, offset + length);
      this.#bytesAt(address).set(part);
      return part.length;
    });
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    this.#submit(fd, token, offset, (file) => {
      file.bytes.set(this.#bytesAt(address).subarray(0, length), offset);
      if (durable) file.syncs++;
      return length;
    });
  }

  sync(fd: number, token: number): void {
    this.#submit(fd, token, Number.POSITIVE_INFINITY, (file) => {
      file.syncs++;
      return 0;
    });
  }

  clearRange(fd: number, _mode: RangeMode, offset: number, length: number, token: number): void {
    this.#submit(fd, token, offset, (file) => {
      file.bytes.fill(0, offset, offset + length);
      return 0;
    });
  }

  /** A page of zeroes is a hole. */
  findStretch(fd: number, kind: Stretch, offset: number): number {
    const { bytes } = this.files.get(fd)!;
    const isHole = (at: number): boolean => {
      const start = at - (at % PAGE_BYTES);
      return bytes.subarray(start, start + PAGE_BYTES).every((byte) => byte === 0);
    };
    for (let at = offset; at < bytes.length; at += PAGE_BYTES - (at % PAGE_BYTES)) {
      if (isHole(at) === (kind === 'hole')) return at;
    }
    return kind === 'hole' ? bytes.length : -ENXIO;
  }

  nextTurn(token: number): void {
    this.#operations.push({ token, run: () => 0 });
  }

  async run(): Promise<void> {
    this.settle();
  }

  stop(): void {
    this.stopped = true;
  }

  #submit(fd: number, token: number, offset: number, work: (file: SimFile) => number): void {
    const file = this.files.get(fd)!;
    this.#operations.push({
      token,
      run: () => {
        if (file.stuck || offset < file.stuckBelow) return STUCK;
        return file.errno === 0 ? work(file) : -file.errno;
      },
    });
  }

  #bytesAt(address: Address): Uint8Array {
    const region = Math.floor(address / REGION_STRIDE);
    if (region === 0) return this.slab.bytes.subarray(address);
    return this.#regions.get(region * REGION_STRIDE)!.subarray(address - region * REGION_STRIDE);
  }
}

const STUCK = Number.NaN;
/** A disk that fails. */
export const DISK_FAULT = EIO;
