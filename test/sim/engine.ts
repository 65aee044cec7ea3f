// The engine of a simulated worker, run by chance: what arrives, how it is split, in which order operations end, and how much of a send leaves,
// differs from turn to turn. Tests that decide all that have test/support/sim-engine.ts.

import type { Address, Engine, EngineEvents, RangeMode, SocketHandle, Stretch } from '../../src/engine/engine.ts';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { Slab } from '../../src/engine/slab.ts';
import type { SimClock } from './clock.ts';
import { Completions, type Heard } from './completions.ts';
import { SECTOR, type SimDisk } from './disk.ts';
import type { Link } from './network.ts';
import type { Random } from './random.ts';
import { Writes } from './writes.ts';

const REGION_STRIDE = 2 ** 40;
const ENXIO = 6;
const TICK_MS = 1000;
const RECEIVE_BYTES = 64 * 1024;

interface Outgoing {
  readonly address: Address;
  readonly length: number;
  readonly token: number;
  left: number;
}

interface Socket {
  readonly link: Link;
  receiving: boolean;
  direct: { readonly at: number; readonly length: number; filled: number } | null;
  outgoing: Outgoing[];
  /** Tokens whose bytes have left, to be reported. */
  gone: number[];
  closing: boolean;
  flush: boolean;
  endTold: boolean;
}

/** What an engine runs on. */
export interface Surroundings {
  readonly clock: SimClock;
  readonly random: Random;
  readonly slabBytes: number;
  diskOf(fd: number): SimDisk;
  linkOf(fd: number): Link;
  /** The worker has ended in good order. */
  stopped(): void;
}

/** See the file's head. */
export class ChanceEngine implements Engine {
  readonly name = 'sim';
  readonly description = 'simulated, by chance';
  readonly slab: Slab;
  events!: EngineEvents;
  /** Crashed or stopped: nothing happens any more. */
  dead = false;
  /** Disk operations that have yet to end. */
  inFlight = 0;
  readonly #world: Surroundings;
  readonly #sockets: (Socket | null)[] = [];
  readonly #regions = new Map<number, Uint8Array>();
  #nextRegion = 1;
  readonly #completions = new Completions();
  readonly #writes = new Writes();
  #alarms: number[] = [];
  #woken = false;
  #ticked = false;
  #stopping = false;
  #turnDue = false;
  #offering = false;
  #now = 0;

  constructor(world: Surroundings) {
    this.#world = world;
    this.slab = new Slab({ bytes: world.slabBytes, receiveBytes: RECEIVE_BYTES });
    this.#now = world.clock.now;
    this.#tickLater();
  }

  /** Main rang the bell. */
  wake(): void {
    this.#woken = true;
    this.#turnSoon();
  }

  /** The worker's thread has failed: its connections break, and what the disks are doing ends without it. */
  crash(): void {
    this.dead = true;
    this.#completions.abandon();
    for (const socket of this.#sockets) {
      socket?.link.target.abort();
      socket?.link.dereference();
    }
  }

  /** Sockets that are open. */
  get open(): number {
    return this.#sockets.filter((socket) => socket !== null).length;
  }

  #tickLater(): void {
    const { clock, random } = this.#world;
    clock.after(TICK_MS * (0.9 + random.fraction() * 0.2), () => {
      if (this.dead) return;
      this.#ticked = true;
      this.#turnSoon();
      this.#tickLater();
    });
  }

  #turnSoon(): void {
    if (this.#turnDue || this.dead) return;
    this.#turnDue = true;
    const { clock, random } = this.#world;
    clock.after(random.delay(0.05, 3), () => {
      this.#turnDue = false;
      if (!this.dead) this.#turn();
    });
  }

  #turn(): void {
    const { random, clock } = this.#world;
    this.#now = clock.now;
    if (this.#woken) {
      this.#woken = false;
      this.events.woken();
    }
    if (this.#ticked) {
      this.#ticked = false;
      this.events.tick();
    }
    const due = this.#alarms.filter((at) => at <= this.#now);
    this.#alarms = this.#alarms.filter((at) => at > this.#now);
    for (const _ of due) this.events.alarmed();
    this.#completions.see(random, (token, result) => this.events.fileDone(token, result));
    const handles = [...this.#sockets.keys()].filter((handle) => this.#sockets[handle] !== null);
    for (const handle of random.shuffled(handles)) this.#serve(handle);
    for (const handle of random.shuffled(handles)) this.#flush(handle);
    if (!this.#completions.empty) this.#turnSoon();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#stopping || this.dead || this.open !== 0 || this.inFlight !== 0) return;
    this.dead = true;
    this.#world.stopped();
  }

  /** Reports what a socket has to report, and offers what came in. */
  #serve(handle: SocketHandle): void {
    const socket = this.#sockets[handle]!;
    for (const token of socket.gone.splice(0)) this.events.released(handle, token);
    if (socket.closing) return;
    for (let more = true; more && !socket.closing; ) more = this.#receive(handle, socket);
    const { outcome, received } = socket.link.target;
    const readAll = received.length === 0 && socket.receiving;
    if (outcome === null || socket.endTold || socket.closing || !(readAll || outcome !== 0)) return;
    socket.endTold = true;
    this.events.ended(handle, outcome);
  }

  /** Offers one chunk; whether another may follow at once. */
  #receive(handle: SocketHandle, socket: Socket): boolean {
    const { random } = this.#world;
    const end = socket.link.target;
    if (end.received.length === 0) return false;
    const { direct } = socket;
    if (direct !== null) {
      const part = end.take(random.between(1, direct.length - direct.filled));
      this.slab.bytes.set(part, direct.at + direct.filled);
      direct.filled += part.length;
      if (direct.filled === direct.length) {
        socket.direct = null;
        this.#offering = true;
        this.events.receivedInto(handle, direct.length);
        this.#offering = false;
      } else this.#turnSoon();
      return false;
    }
    if (!socket.receiving) return false;
    const whole = Math.min(end.received.length, RECEIVE_BYTES / 2);
    const chunk = end.received.subarray(0, random.chance(0.5) ? whole : random.between(1, whole));
    // Each socket's bytes lie somewhere else in the area, as they do in the kernel's buffers.
    const at = this.slab.receiveStart + random.between(0, RECEIVE_BYTES / 2 - 1);
    this.slab.bytes.set(chunk, at);
    this.#offering = true;
    const taken = this.events.received(handle, at, chunk.length);
    this.#offering = false;
    end.take(taken);
    if (end.received.length !== 0 && socket.receiving) this.#turnSoon();
    return taken === chunk.length && random.chance(0.5);
  }

  /** Sends what there is room for. */
  #flush(handle: SocketHandle): void {
    const socket = this.#sockets[handle];
    if (socket === null || socket === undefined) return;
    const dropped = socket.closing && !socket.flush;
    while (socket.outgoing.length !== 0) {
      const first = socket.outgoing[0]!;
      const sent = dropped
        ? first.left
        : socket.link.target.write(this.bytesAt(first.address + first.length - first.left, first.left));
      first.left -= sent;
      if (first.left !== 0) break;
      socket.outgoing.shift();
      if (first.token !== NO_RELEASE) socket.gone.push(first.token);
    }
    if (socket.gone.length !== 0) this.#turnSoon();
    if (socket.closing && socket.outgoing.length === 0 && socket.gone.length === 0) {
      this.#sockets[handle] = null;
      if (dropped) socket.link.target.abort();
      socket.link.dereference();
      this.events.closed(handle);
      this.#turnSoon();
    }
  }

  // Engine

  now(): number {
    return this.#now;
  }

  alarm(delayMs: number): void {
    const { clock } = this.#world;
    this.#alarms.push(clock.now + delayMs);
    clock.after(delayMs + 0.001, () => this.#turnSoon());
  }

  attachRegion(memory: SharedArrayBuffer): Address {
    const base = this.#nextRegion++ * REGION_STRIDE;
    this.#regions.set(base, new Uint8Array(memory));
    return base;
  }

  detachRegion(base: Address): void {
    this.#regions.delete(base);
  }

  openSocket(fd: number): SocketHandle {
    const link = this.#world.linkOf(fd);
    const free = this.#sockets.indexOf(null);
    const handle = free === -1 ? this.#sockets.length : free;
    this.#sockets[handle] = {
      link,
      receiving: false,
      direct: null,
      outgoing: [],
      gone: [],
      closing: false,
      flush: false,
      endTold: false,
    };
    const soon = (): void => this.#turnSoon();
    link.target.events = { readable: soon, writable: soon, ended: soon };
    this.#turnSoon();
    return handle;
  }

  resumeReceive(socket: SocketHandle): void {
    this.#sockets[socket]!.receiving = true;
    this.#turnSoon();
  }

  pauseReceive(socket: SocketHandle): void {
    this.#sockets[socket]!.receiving = false;
  }

  receiveInto(socket: SocketHandle, at: number, length: number): void {
    if (!this.#offering) throw new Error('receiveInto: only from inside received');
    this.#sockets[socket]!.direct = { at, length, filled: 0 };
    this.#turnSoon();
  }

  send(socket: SocketHandle, address: Address, length: number, token: number): void {
    this.#sockets[socket]!.outgoing.push({ address, length, token, left: length });
    this.#turnSoon();
  }

  unacknowledged(socket: SocketHandle): number {
    return this.#sockets[socket]!.link.target.underWay;
  }

  close(socket: SocketHandle, flush: boolean): void {
    const state = this.#sockets[socket]!;
    state.flush = flush;
    state.closing = true;
    this.#turnSoon();
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    const into = (): Uint8Array => this.bytesAt(address, length);
    this.#world.diskOf(fd).read(into, offset, length, this.#done(token));
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    const from = (): Uint8Array => this.bytesAt(address, length);
    this.#writes.write(this.#world.diskOf(fd), { from, offset, length, durable, token }, this.#done(token));
  }

  sync(fd: number, token: number): void {
    this.#world.diskOf(fd).sync(this.#done(token));
  }

  clearRange(fd: number, _mode: RangeMode, offset: number, length: number, token: number): void {
    const done = this.#done(token);
    this.#world.diskOf(fd).clear(offset, length, (result) => done(Math.min(result, 0)));
  }

  findStretch(fd: number, kind: Stretch, offset: number): number {
    const disk = this.#world.diskOf(fd);
    for (let at = offset - (offset % SECTOR); at < disk.size; at += SECTOR) {
      if (disk.isZero(at) === (kind === 'hole')) return Math.max(at, offset);
    }
    return kind === 'hole' ? disk.size : -ENXIO;
  }

  nextTurn(token: number): void {
    this.#completions.add(token, 0);
    this.#turnSoon();
  }

  async run(): Promise<void> {}

  stop(): void {
    this.#stopping = true;
    this.#turnSoon();
  }

  #done(token: number): (result: number, heard?: Heard) => void {
    this.inFlight++;
    return (result, heard) => {
      this.inFlight--;
      this.#completions.add(token, result, heard);
      this.#turnSoon();
    };
  }

  /** The bytes behind an address, wherever they are. */
  bytesAt(address: Address, length: number): Uint8Array {
    const region = Math.floor(address / REGION_STRIDE);
    const start = address - region * REGION_STRIDE;
    const bytes = region === 0 ? this.slab.bytes : this.#regions.get(region * REGION_STRIDE)!;
    return bytes.subarray(start, start + length);
  }
}
