// Sending on io_uring: everything that a turn queued for a socket leaves in one gathered send, one send per socket in flight.
// The lists are send-queue.ts's, the messages kernel/gather.ts's; the memory belongs to whoever hears `released`.

import { Errno } from '../kernel/errno.ts';
import { Gather, VECTORS_MAX } from '../kernel/gather.ts';
import { EntryFlag, MessageFlag, Operation } from '../kernel/sqe.ts';
import type { Uring } from '../kernel/uring.ts';
import { Counter } from '../ring/counters.ts';
import { countLatency } from '../ring/figures.ts';
import { type Address, NO_RELEASE } from './engine.ts';
import { HandleQueue } from './handle-queue.ts';
import { END, SendQueue } from './send-queue.ts';
import { CloseState, type SocketState } from './socket-state.ts';
import type { SocketTable } from './socket-table.ts';
import { Kind } from './user-data.ts';

/**
 * A gathered send ends at this many bytes, so that a slow reader's responses give their memory back bit by bit. Three PDUs of 256 KiB:
 * over BBR, four at a time take a third longer (docs/performance.md).
 */
const SEND_BYTES_MAX = 768 * 1024;
/** Messages of full length in one submission; with more, there are two. */
const GATHER_MESSAGES = 64;

/** The kernel waits for room, as long as it takes. */
const PATIENT_FLAGS = MessageFlag.WAITALL | MessageFlag.NOSIGNAL;
/** It takes what there is room for, and so is over when it is submitted; less than all is a failure, which is reported. */
const QUIET_FLAGS = PATIENT_FLAGS | MessageFlag.DONTWAIT;

/** Sending, for all sockets of one worker. */
export class UringSender {
  readonly #table: SocketTable;
  readonly #uring: Uring;
  readonly #counters: Float64Array;
  readonly #now: () => number;
  readonly #gather = new Gather(GATHER_MESSAGES);
  readonly #queue: SendQueue;
  /** Have something to send. */
  readonly #dirty: HandleQueue;
  /**
   * Have a send that is over when it is submitted, and that has a completion only if it fell short. With a completion for each,
   * every answer would cost a turn of its own: waiting for the next request would end at once.
   */
  readonly #quiet: HandleQueue;
  /** One of those has more to send behind it, or is about to be closed. */
  #moreBehind = false;

  /** `entries`: of the send queue, see there. `now`: Engine.now. */
  constructor(table: SocketTable, uring: Uring, counters: Float64Array, entries: number, now: () => number) {
    this.#now = now;
    this.#table = table;
    this.#uring = uring;
    this.#counters = counters;
    this.#queue = new SendQueue(entries);
    this.#dirty = new HandleQueue(table.capacity);
    this.#quiet = new HandleQueue(table.capacity);
  }

  /** Whether there is more to send as soon as what is queued has been submitted. */
  get goesOn(): boolean {
    return this.#dirty.length > 0 || this.#moreBehind;
  }

  /** Whether memory comes back as soon as what is queued has been submitted. */
  get releasesSoon(): boolean {
    return this.#quiet.length > 0;
  }

  /** See Engine.send. Allocates nothing. */
  send(socket: SocketState, address: Address, length: number, token: number): void {
    this.#queue.append(socket, address, length, token);
    if (socket.failed) this.#table.attention.push(socket.handle);
    else this.#dirty.push(socket.handle);
  }

  /** A send ended, and says so. Allocates nothing. */
  sent(socket: SocketState, result: number): void {
    const { sendingBytes } = socket;
    if (this.#mayWait(socket)) this.#countWait(socket);
    socket.sendPatiently = result < sendingBytes;
    if (result === sendingBytes) {
      this.#sentWhole(socket);
      return;
    }
    this.#over(socket);
    if (result >= 0) {
      this.#sentPart(socket, result);
    } else if (-result !== Errno.EINTR && -result !== Errno.EAGAIN) {
      socket.failed = true;
      this.#table.end(socket, -result);
    }
    this.#goOn(socket);
  }

  /**
   * Everything queued is with the kernel, and every send that has a completion is known. The messages have been copied,
   * and the quiet sends that have none have succeeded. Allocates nothing.
   */
  submitted(): void {
    this.#gather.reset();
    this.#moreBehind = false;
    while (this.#quiet.length > 0) {
      const socket = this.#table.at(this.#quiet.shift());
      if (!socket.sendingQuietly) continue;
      this.#table.skipped(socket);
      this.#sentWhole(socket);
    }
  }

  /** One send for each socket that has something to send and no send in flight. Allocates nothing. */
  flush(): void {
    for (let count = this.#dirty.length; count > 0; count--) {
      const socket = this.#table.at(this.#dirty.shift());
      const mayLeave = socket.close <= CloseState.flushing && !socket.failed;
      if (mayLeave && socket.sendingEntries === 0 && socket.firstSend !== END) this.#start(socket);
    }
  }

  /** Drops what is queued: no send is in flight. Allocates nothing. */
  releaseAll(socket: SocketState): void {
    while (socket.firstSend !== END) this.#releaseFirst(socket);
  }

  #start(socket: SocketState): void {
    const { address, length, next } = this.#queue;
    this.#counters[Counter.sends]!++;
    const entry = socket.firstSend;
    if (next[entry] === END) {
      socket.sendingEntries = 1;
      socket.sendingBytes = length[entry]!;
      this.#submit(socket, Operation.SEND, address[entry]!, length[entry]!, false);
    } else {
      this.#startGathered(socket);
    }
  }

  #startGathered(socket: SocketState): void {
    const { address, length, next } = this.#queue;
    const gather = this.#gather;
    if (!gather.hasRoom) {
      this.#uring.submit();
      gather.reset();
    }
    gather.begin();
    let entry = socket.firstSend;
    let bytes = 0;
    do {
      gather.add(address[entry]!, length[entry]!);
      bytes += length[entry]!;
      entry = next[entry]!;
    } while (entry !== END && gather.count < VECTORS_MAX && bytes < SEND_BYTES_MAX);
    socket.sendingEntries = gather.count;
    socket.sendingBytes = bytes;
    this.#submit(socket, Operation.SENDMSG, gather.finish(), 1, entry !== END);
  }

  #submit(socket: SocketState, operation: Operation, address: Address, length: number, more: boolean): void {
    if (this.#mayWait(socket)) {
      socket.sendingSince = this.#now();
      this.#table.queue(socket, operation, Kind.send, address, length, PATIENT_FLAGS, 0);
      return;
    }
    socket.sendingQuietly = true;
    this.#quiet.push(socket.handle);
    if (more || socket.close !== CloseState.open) this.#moreBehind = true;
    this.#table.queue(socket, operation | EntryFlag.CQE_SKIP_SUCCESS, Kind.send, address, length, QUIET_FLAGS, 0);
  }

  /** Whether the send of `socket` that is about to begin, or is under way, waits for room and always has a completion. */
  #mayWait(socket: SocketState): boolean {
    return socket.sendPatiently || !this.#uring.canSkipSuccess;
  }

  /** A send that waited for room is over. All others take no time that a clock of turns can tell. */
  #countWait(socket: SocketState): void {
    const micros = (this.#now() - socket.sendingSince) * 1000;
    countLatency(this.#counters, Counter.sendWaitMicros, Counter.sendWaits, micros);
  }

  #sentWhole(socket: SocketState): void {
    const count = socket.sendingEntries;
    this.#over(socket);
    for (let index = 0; index < count; index++) this.#releaseFirst(socket);
    this.#goOn(socket);
  }

  #over(socket: SocketState): void {
    socket.sendingEntries = 0;
    socket.sendingBytes = 0;
    socket.sendingQuietly = false;
  }

  /** After a send: the next one, or the next step of closing. */
  #goOn(socket: SocketState): void {
    if (socket.failed || socket.close !== CloseState.open) this.#table.attention.push(socket.handle);
    if (socket.firstSend !== END) this.#dirty.push(socket.handle);
  }

  #sentPart(socket: SocketState, bytes: number): void {
    let left = bytes;
    while (left >= this.#queue.length[socket.firstSend]!) {
      left -= this.#queue.length[socket.firstSend]!;
      this.#releaseFirst(socket);
    }
    this.#queue.shorten(socket, left);
  }

  #releaseFirst(socket: SocketState): void {
    const token = this.#queue.removeFirst(socket);
    if (token !== NO_RELEASE) this.#table.events.released(socket.handle, token);
  }
}
