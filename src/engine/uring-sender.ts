// Sending on io_uring: everything that a turn queued for a socket leaves in one gathered send, one send per socket in flight.
// The lists are send-queue.ts's, the messages kernel/gather.ts's; the memory belongs to whoever hears `released`.

import { Errno } from '../kernel/errno.ts';
import { Gather, VECTORS_MAX } from '../kernel/gather.ts';
import { MessageFlag, Operation } from '../kernel/sqe.ts';
import type { Uring } from '../kernel/uring.ts';
import { Counter } from '../ring/counters.ts';
import { type Address, NO_RELEASE } from './engine.ts';
import { HandleQueue } from './handle-queue.ts';
import { END, SendQueue } from './send-queue.ts';
import { CloseState, type SocketState } from './socket-state.ts';
import type { SocketTable } from './socket-table.ts';
import { Kind } from './user-data.ts';

/** A gathered send ends at this many bytes, so that a slow reader's responses give their memory back bit by bit. */
const SEND_BYTES_MAX = 1024 * 1024;
/** Messages of full length in one submission; with more, there are two. */
const GATHER_MESSAGES = 64;

/** The first attempt takes what the socket has room for, and so is over when it is submitted. */
const IMMEDIATE_FLAGS = MessageFlag.DONTWAIT | MessageFlag.NOSIGNAL;
/** After that the kernel waits for room, as long as it takes. */
const PATIENT_FLAGS = MessageFlag.WAITALL | MessageFlag.NOSIGNAL;

/** Sending, for all sockets of one worker. */
export class UringSender {
  readonly #table: SocketTable;
  readonly #uring: Uring;
  readonly #counters: Float64Array;
  readonly #gather = new Gather(GATHER_MESSAGES);
  readonly #queue: SendQueue;
  /** Have something to send. */
  readonly #dirty: HandleQueue;
  /** Sends queued in this turn that will not wait, and whose completion nobody waits for. */
  #immediate = 0;

  /** `entries`: of the send queue, see there. */
  constructor(table: SocketTable, uring: Uring, counters: Float64Array, entries: number) {
    this.#table = table;
    this.#uring = uring;
    this.#counters = counters;
    this.#queue = new SendQueue(entries);
    this.#dirty = new HandleQueue(table.capacity);
  }

  /** Sockets that wait for {@link flush}. */
  get waiting(): number {
    return this.#dirty.length;
  }

  /** Sends queued since the last call that complete on submission. Allocates nothing. */
  takeImmediate(): number {
    const immediate = this.#immediate;
    this.#immediate = 0;
    return immediate;
  }

  /** See Engine.send. Allocates nothing. */
  send(socket: SocketState, address: Address, length: number, token: number): void {
    this.#queue.append(socket, address, length, token);
    if (socket.failed) this.#table.attention.push(socket.handle);
    else this.#dirty.push(socket.handle);
  }

  /** A send ended. Allocates nothing. */
  sent(socket: SocketState, result: number): void {
    const { sendingEntries, sendingBytes } = socket;
    socket.sendingEntries = 0;
    socket.sendingBytes = 0;
    socket.sendPatiently = result !== sendingBytes;
    if (result === sendingBytes) {
      for (let count = 0; count < sendingEntries; count++) this.#releaseFirst(socket);
    } else if (result >= 0) {
      this.#sentPart(socket, result);
    } else if (-result !== Errno.EINTR && -result !== Errno.EAGAIN) {
      socket.failed = true;
      this.#table.end(socket, -result);
    }
    if (socket.failed || socket.close !== CloseState.open) this.#table.attention.push(socket.handle);
    if (socket.firstSend !== END) this.#dirty.push(socket.handle);
  }

  /** One send for each socket that has something to send and no send in flight. Allocates nothing. */
  flush(): void {
    for (let count = this.#dirty.length; count > 0; count--) {
      const socket = this.#table.at(this.#dirty.shift());
      const mayLeave = socket.close <= CloseState.flushing && !socket.failed;
      if (mayLeave && socket.sendingEntries === 0 && socket.firstSend !== END) this.#start(socket);
    }
  }

  /** Everything queued is with the kernel, which has copied the messages. Allocates nothing. */
  submitted(): void {
    this.#gather.reset();
  }

  /** Drops what is queued: no send is in flight. Allocates nothing. */
  releaseAll(socket: SocketState): void {
    while (socket.firstSend !== END) this.#releaseFirst(socket);
  }

  #start(socket: SocketState): void {
    const { address, length, next } = this.#queue;
    this.#counters[Counter.sends]!++;
    const flags = socket.sendPatiently ? PATIENT_FLAGS : IMMEDIATE_FLAGS;
    // The end of a socket that is flushed waits for its last send.
    if (!socket.sendPatiently && socket.close === CloseState.open) this.#immediate++;
    let entry = socket.firstSend;
    if (next[entry] === END) {
      socket.sendingEntries = 1;
      socket.sendingBytes = length[entry]!;
      this.#table.queue(socket, Operation.SEND, Kind.send, address[entry]!, length[entry]!, flags, 0);
      return;
    }
    const gather = this.#gather;
    if (!gather.hasRoom) {
      this.#uring.submit();
      gather.reset();
    }
    gather.begin();
    let bytes = 0;
    do {
      gather.add(address[entry]!, length[entry]!);
      bytes += length[entry]!;
      entry = next[entry]!;
    } while (entry !== END && gather.count < VECTORS_MAX && bytes < SEND_BYTES_MAX);
    socket.sendingEntries = gather.count;
    socket.sendingBytes = bytes;
    this.#table.queue(socket, Operation.SENDMSG, Kind.send, gather.finish(), 1, flags, 0);
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
