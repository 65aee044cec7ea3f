// What the engine tests share: every engine in every mode, real TCP pairs whose other end is a thread of its own, files to read and write.
// A test sets the events it cares about, opens sockets, and runs the engine until one of its events stops it.

import { on, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { NONE } from '../../src/base/free-list.ts';
import type { EngineEvents } from '../../src/engine/engine.ts';
import { PosixEngine } from '../../src/engine/posix-engine.ts';
import { Slab } from '../../src/engine/slab.ts';
import { UringEngine, type UringEngineOptions } from '../../src/engine/uring-engine.ts';
import { close, createEventfd, duplicate, ringEventfd } from '../../src/kernel/libc.ts';
import { pageOffset } from '../../src/kernel/memory.ts';

/** What the peer does, in order; see peer.mjs. */
export type PeerStep =
  | { readonly step: 'send'; readonly value: Uint8Array }
  | { readonly step: 'receive' | 'wait'; readonly value: number }
  | { readonly step: 'untilEnd' | 'deaf' | 'read' | 'end' | 'reset' };

/** What the peer saw. */
export interface PeerReport {
  readonly received: Uint8Array;
  readonly ended: boolean;
  readonly error: string | null;
}

const RECEIVE_BYTES = 256 * 1024;
/** An engine that blocks can't be timed out from outside: after this many ticks of a second each it fails by itself. */
const TICKS_MAX = 60;

type Options = Pick<UringEngineOptions, 'sockets' | 'receiveBufferBytes' | 'entries'>;
type Make = (slab: Slab, events: EngineEvents, wakeFd: number, options: Options) => UringEngine | PosixEngine;

const uring =
  (
    step: Pick<UringEngineOptions, 'mode' | 'bufferRing' | 'registeredSlab' | 'busyPollUs' | 'coalesceUs' | 'sqPoll'>,
  ): Make =>
  (slab, events, wakeFd, options) =>
    new UringEngine({ slab, events, wakeFd, receiveBufferBytes: 64 * 1024, ...options, ...step });

/** Each engine, and what it steps down to on older kernels. */
export const ENGINES: readonly (readonly [name: string, make: Make])[] = [
  ['uring', uring({})],
  ['uring, polling', uring({ busyPollUs: 1000 })],
  ['uring, coalescing', uring({ coalesceUs: 1000 })],
  ['uring with a thread of the kernel', uring({ sqPoll: true })],
  ['uring as on Linux 5.19', uring({ mode: 'COOP_TASKRUN', registeredSlab: false })],
  ['uring as on Linux 5.7', uring({ mode: 'plain', registeredSlab: false, bufferRing: false })],
  ['posix', (slab, events, _wakeFd, options) => new PosixEngine({ slab, events, ...options })],
];

/** An engine under test, with events that a test replaces as it needs. */
export class Bench {
  readonly slab: Slab;
  readonly engine: UringEngine | PosixEngine;
  readonly wakeFd = createEventfd();
  /** What happened, in words, in order: `ended 0 104`, `closed 0`, `released 0 17`. */
  readonly log: string[] = [];
  readonly on: { -readonly [Event in keyof EngineEvents]: EngineEvents[Event] };
  #ticks = 0;

  constructor(make: Make, options: Options = {}, slabBytes = 32 * 1024 * 1024) {
    this.slab = new Slab({ bytes: slabBytes, receiveBytes: RECEIVE_BYTES }, pageOffset);
    const { log } = this;
    this.on = {
      hungry: false,
      received: (_socket, _at, length) => length,
      receivedInto: () => {},
      released: (socket, token) => log.push(`released ${socket} ${token}`),
      ended: (socket, errno) => {
        log.push(`ended ${socket} ${errno}`);
        this.engine.close(socket, false);
      },
      closed: (socket) => {
        log.push(`closed ${socket}`);
        this.engine.stop();
      },
      fileDone: () => {},
      woken: () => {},
      tick: () => {},
      alarmed: () => {},
    };
    const { on } = this;
    // The engine sees one object that stays; tests replace the functions of the other.
    const events: EngineEvents = {
      get hungry() {
        return on.hungry;
      },
      received: (socket, at, length) => on.received(socket, at, length),
      receivedInto: (socket, length) => on.receivedInto(socket, length),
      released: (socket, token) => on.released(socket, token),
      ended: (socket, errno) => on.ended(socket, errno),
      closed: (socket) => on.closed(socket),
      fileDone: (token, result) => on.fileDone(token, result),
      woken: () => on.woken(),
      alarmed: () => on.alarmed(),
      tick: () => {
        if (++this.#ticks > TICKS_MAX) throw new Error(`the engine makes no progress; so far: ${log.join(', ')}`);
        on.tick();
      },
    };
    this.engine = make(this.slab, events, this.wakeFd, options);
  }

  /** A slot of the slab, filled with `bytes`: token and address. */
  slot(bytes: Uint8Array): { token: number; address: number; at: number } {
    const token = this.slab.takeSlot(bytes.length);
    if (token === NONE) throw new Error('the slab is too small for this test');
    const at = this.slab.offsetOf(token);
    this.slab.bytes.set(bytes, at);
    return { token, address: this.slab.base + at, at };
  }

  /** Bytes of the slab, copied. */
  copy(at: number, length: number): Buffer {
    return Buffer.from(this.slab.bytes.slice(at, at + length));
  }

  /** Gives back what the engine does not own. */
  dispose(): void {
    close(this.wakeFd);
  }

  /** Rings the engine's bell, the way that another thread would. */
  ring(): void {
    if (this.engine instanceof PosixEngine) this.engine.wake();
    else ringEventfd(this.wakeFd);
  }
}

/** A server on the loopback whose connections are not read. */
async function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer({ pauseOnConnect: true }).listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** The descriptor of a connection, for the engine; main's own is given up, as in a hand-off. */
function takeOver(socket: Socket): number {
  const fd = duplicate((socket as Socket & { _handle: { fd: number } })._handle.fd);
  socket.destroy();
  return fd;
}

/** A connected socket for the engine, whose peer plays `steps`. */
export async function connectPeer(steps: readonly PeerStep[]): Promise<{ fd: number; report: Promise<PeerReport> }> {
  const { server, port } = await listen();
  const worker = new Worker(new URL('peer.mjs', import.meta.url), { workerData: { port, steps } });
  const report = once(worker, 'message').then(([message]) => message as PeerReport);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const fd = takeOver(socket);
  server.close();
  return { fd, report };
}

/** `count` connected sockets for the engine, each of whose peers sends `bytes` and leaves when the engine closes. */
export async function connectSwarm(
  count: number,
  bytes: Uint8Array,
): Promise<{ fds: number[]; allClosed: Promise<unknown> }> {
  const { server, port } = await listen();
  const worker = new Worker(new URL('swarm.mjs', import.meta.url), { workerData: { port, count, bytes } });
  const allClosed = once(worker, 'message');
  const fds: number[] = [];
  for await (const [socket] of on(server, 'connection')) {
    fds.push(takeOver(socket as Socket));
    if (fds.length === count) break;
  }
  server.close();
  return { fds, allClosed };
}

/** `length` bytes in which a byte out of place shows. */
export function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8) * 7 + seed) & 0xff;
  return bytes;
}
