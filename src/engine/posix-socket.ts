// One socket of the posix engine: a net.Socket over a descriptor, with the engine's receiving, sending and closing on top.
// When it may act is posix-engine.ts's: this tells its host that there is work, and does it in the host's turn.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { assert } from '../base/assert.ts';
import { Errno } from '../kernel/errno.ts';
import { type Gather, VECTORS_MAX } from '../kernel/gather.ts';
import { sendMessage, unacknowledgedBytes } from '../kernel/libc.ts';
import { Counter } from '../ring/counters.ts';
import { countLatency } from '../ring/figures.ts';
import { type Address, type EngineEvents, NO_RELEASE, type SocketHandle } from './engine.ts';
import { END, type SendList, type SendQueue } from './send-queue.ts';
import type { Slab } from './slab.ts';

/** One send takes at most this many bytes, and as many pieces as fit a message: a slow reader's responses give their memory back bit by bit. */
const SEND_BYTES_MAX = 1024 * 1024;

/** What a socket needs of its engine. */
export interface PosixHost {
  readonly slab: Slab;
  /** Where the kernel's bytes land, for all sockets: they are looked at before the next socket's arrive. */
  readonly stagingAt: number;
  readonly staging: Uint8Array;
  readonly sends: SendQueue;
  readonly counters: Float64Array;
  readonly events: EngineEvents;
  /** Where messages are written, one at a time. */
  readonly gather: Gather;
  now(): number;
  /** Bytes of I/O memory. */
  view(address: Address, length: number): Buffer;
  /** The same place as the kernel names it. */
  machineAddress(address: Address): number;
  /** The socket has work for the next turn. */
  wants(handle: SocketHandle): void;
  /** Runs `work`, which calls events; what it throws ends the engine. */
  guard(work: () => void): void;
  /** Nothing of the socket follows. */
  gone(handle: SocketHandle): void;
}

/** See the head of this file. Methods named like those of Engine do what is said there. */
export class PosixSocket implements SendList {
  readonly handle: SocketHandle;
  firstSend = END;
  lastSend = END;
  readonly #host: PosixHost;
  readonly #stream: Socket;
  readonly #fd: number;
  #wanted = false;
  /** The stream reads. */
  #reading = false;
  /** Inside a call of the consumer's. */
  #offering = false;
  /** Bytes that the consumer left for later: copied, because the staging area is everyone's. */
  #rest: Uint8Array | null = null;
  #placeAt = 0;
  #placeLength = 0;
  #placed = 0;
  /** Entries of the stream's write in flight, from the first on. */
  #sending = 0;
  /** When that was begun, on the engine's clock. */
  #sendingSince = 0;
  /** Nothing leaves any more. */
  #failed = false;
  #ended = false;
  #streamClosed = false;
  #gone = false;
  #closing: 'no' | 'flush' | 'now' = 'no';

  constructor(host: PosixHost, handle: SocketHandle, fd: number) {
    this.#host = host;
    this.handle = handle;
    this.#fd = fd;
    const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: true,
      allowHalfOpen: true,
      onread: { buffer: host.staging, callback: (length) => this.#onRead(length) },
    };
    this.#stream = new Socket(options);
    this.#stream.pause();
    this.#stream.setNoDelay(true);
    this.#stream.on('end', () => host.guard(() => this.#end(0)));
    this.#stream.on('error', (error: NodeJS.ErrnoException) =>
      host.guard(() => this.#fail(Math.abs(error.errno ?? Errno.EIO))),
    );
    this.#stream.on('close', () => host.guard(() => this.#onClose()));
  }

  resumeReceive(): void {
    if (this.#closing !== 'no' || this.#ended) return;
    this.#wanted = true;
    if (this.#rest === null) this.#read();
    else this.#host.wants(this.handle);
  }

  pauseReceive(): void {
    this.#wanted = false;
    this.#stopReading();
  }

  receiveInto(at: number, length: number): void {
    assert(this.#offering && this.#placeLength === 0 && length > 0, 'receiveInto: only from inside received');
    this.#placeAt = at;
    this.#placeLength = length;
    this.#placed = 0;
  }

  send(address: Address, length: number, token: number): void {
    this.#host.sends.append(this, address, length, token);
    this.#host.wants(this.handle);
  }

  /** See Engine; asks by foreign call. */
  get unacknowledged(): number {
    // Node closes the descriptor with the stream, and then the number may be another file's.
    return this.#stream.destroyed ? 0 : unacknowledgedBytes(this.#fd);
  }

  close(flush: boolean): void {
    this.#wanted = false;
    if (this.#closing === 'now') return;
    this.#closing = flush ? 'flush' : 'now';
    this.#host.wants(this.handle);
  }

  /** Does what has come up since the last turn. */
  turn(): void {
    if (this.#rest !== null && this.#wanted) this.#offerRest();
    if (this.#failed && this.#sending === 0) this.#releaseAll();
    if (this.#closing === 'now' || (this.#closing === 'flush' && this.firstSend === END)) this.#shut();
    else if (this.#sending === 0 && this.firstSend !== END) this.#startSend();
  }

  #shut(): void {
    if (this.#streamClosed) this.#finish();
    else this.#stream.destroy();
  }

  #onRead(length: number): boolean {
    this.#host.counters[Counter.receives]!++;
    this.#host.guard(() => this.#deliver(this.#host.stagingAt, length));
    // Anything but true stops the reading.
    this.#reading = this.#mayRead;
    return this.#reading;
  }

  get #mayRead(): boolean {
    return (this.#wanted || this.#placeLength !== 0) && this.#rest === null && this.#closing === 'no';
  }

  #read(): void {
    if (this.#reading || this.#offering) return;
    this.#reading = true;
    this.#stream.resume();
  }

  #stopReading(): void {
    if (!this.#reading || this.#offering || this.#placeLength !== 0) return;
    this.#reading = false;
    this.#stream.pause();
  }

  /** Hands out bytes that lie in the slab at `at`: first to the place that waits for them, then to the consumer. */
  #deliver(at: number, length: number): void {
    let start = at;
    const end = at + length;
    while (start < end && this.#placeLength !== 0) start += this.#place(start, end - start);
    if (start === end) return;
    if (this.#closing !== 'no') return;
    const consumed = this.#wanted ? this.#offer(start, end - start) : 0;
    if (this.#placeLength !== 0 || this.#closing !== 'no') return;
    assert(consumed >= 0 && consumed <= end - start, 'received: more was consumed than was offered');
    if (start + consumed === end) return;
    this.#rest = this.#host.slab.bytes.slice(start + consumed, end);
    if (this.#wanted) this.#host.wants(this.handle);
  }

  #offer(at: number, length: number): number {
    this.#offering = true;
    const consumed = this.#host.events.received(this.handle, at, length);
    this.#offering = false;
    return consumed;
  }

  #offerRest(): void {
    const { staging, stagingAt } = this.#host;
    const rest = this.#rest!;
    this.#rest = null;
    staging.set(rest);
    this.#deliver(stagingAt, rest.length);
    if (this.#mayRead) this.#read();
  }

  #place(from: number, available: number): number {
    const { slab, events } = this.#host;
    const length = Math.min(available, this.#placeLength - this.#placed);
    slab.bytes.copyWithin(this.#placeAt + this.#placed, from, from + length);
    this.#placed += length;
    if (this.#placed === this.#placeLength) {
      const whole = this.#placeLength;
      this.#placeLength = 0;
      this.#offering = true;
      events.receivedInto(this.handle, whole);
      this.#offering = false;
    }
    return length;
  }

  /** Most of what is sent has room in the kernel, and leaves by one call; the stream waits for room, which takes ten times the CPU time. */
  #startSend(): void {
    this.#host.counters[Counter.sends]!++;
    // Node closes the descriptor with the stream, and then the number may be another file's.
    if (this.#stream.destroyed || !this.#sendAtOnce()) this.#sendPatiently();
  }

  /** Whether there is nothing to wait for: all that was tried has left, or nothing can. */
  #sendAtOnce(): boolean {
    const { sends, gather } = this.#host;
    gather.reset();
    gather.begin();
    let bytes = 0;
    let entry = this.firstSend;
    while (entry !== END && gather.count < VECTORS_MAX && bytes < SEND_BYTES_MAX) {
      gather.add(this.#host.machineAddress(sends.address[entry]!), sends.length[entry]!);
      bytes += sends.length[entry]!;
      entry = sends.next[entry]!;
    }
    const sent = sendMessage(this.#fd, gather.finish());
    if (sent < 0 && sent !== -Errno.EAGAIN && sent !== -Errno.EINTR) {
      this.#fail(-sent);
      return true;
    }
    this.#leave(Math.max(sent, 0));
    if (sent !== bytes) return false;
    if (this.firstSend !== END || this.#closing !== 'no') this.#host.wants(this.handle);
    return true;
  }

  /** The first `bytes` have left. */
  #leave(bytes: number): void {
    const { sends } = this.#host;
    let left = bytes;
    while (left > 0 && left >= sends.length[this.firstSend]!) {
      left -= sends.length[this.firstSend]!;
      this.#releaseFirst();
    }
    if (left > 0) sends.shorten(this, left);
  }

  #sendPatiently(): void {
    const { sends } = this.#host;
    this.#sendingSince = this.#host.now();
    const pieces: Buffer[] = [];
    let bytes = 0;
    let entry = this.firstSend;
    while (entry !== END && pieces.length < VECTORS_MAX && bytes < SEND_BYTES_MAX) {
      pieces.push(this.#host.view(sends.address[entry]!, sends.length[entry]!));
      bytes += sends.length[entry]!;
      entry = sends.next[entry]!;
    }
    this.#sending = pieces.length;
    const last = pieces.pop()!;
    this.#stream.cork();
    for (const piece of pieces) this.#stream.write(piece);
    this.#stream.write(last, (error) => this.#host.guard(() => this.#sent(error)));
    this.#stream.uncork();
  }

  #sent(error: Error | null | undefined): void {
    const count = this.#sending;
    this.#sending = 0;
    const micros = (this.#host.now() - this.#sendingSince) * 1000;
    countLatency(this.#host.counters, Counter.sendWaitMicros, Counter.sendWaits, micros);
    if (this.#gone) return;
    if (error) this.#failed = true;
    else for (let index = 0; index < count; index++) this.#releaseFirst();
    this.#host.wants(this.handle);
  }

  #releaseFirst(): void {
    const token = this.#host.sends.removeFirst(this);
    if (token !== NO_RELEASE) this.#host.events.released(this.handle, token);
  }

  #releaseAll(): void {
    while (this.firstSend !== END) this.#releaseFirst();
  }

  #fail(errno: number): void {
    this.#failed = true;
    this.#host.wants(this.handle);
    this.#end(errno);
  }

  /** Errno 0: the peer closed its half. */
  #end(errno: number): void {
    if (this.#ended || this.#closing !== 'no') return;
    this.#ended = true;
    this.#host.events.ended(this.handle, errno);
  }

  /** The descriptor is closed: by us, or by Node after an error, in which case the consumer has yet to call `close`. */
  #onClose(): void {
    this.#streamClosed = true;
    if (this.#closing !== 'no') this.#finish();
  }

  #finish(): void {
    if (this.#gone) return;
    this.#gone = true;
    try {
      this.#releaseAll();
      this.#host.events.closed(this.handle);
    } finally {
      this.#host.gone(this.handle);
    }
  }
}
