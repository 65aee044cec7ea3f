// Receiving on io_uring: one operation or one chunk of bytes per socket at a time, so that what is not consumed stays with the kernel.
// The buffers are receive-buffers.ts's; what the bytes mean is decided by whoever hears `received`.

import { assert } from '../base/assert.ts';
import { NONE } from '../base/free-list.ts';
import { BUFFER_SHIFT, CompletionFlag } from '../kernel/cqe.ts';
import { Errno } from '../kernel/errno.ts';
import { EntryFlag, MessageFlag, Operation, PollEvent, ReceiveFlag } from '../kernel/sqe.ts';
import { Counter } from '../ring/counters.ts';
import { HandleQueue } from './handle-queue.ts';
import { RECEIVE_GROUP, type ReceiveBuffers } from './receive-buffers.ts';
import type { Slab } from './slab.ts';
import { CloseState, ReceiveState, type SocketState } from './socket-state.ts';
import type { SocketTable } from './socket-table.ts';
import { Kind } from './user-data.ts';

/** Behind as much data as this that went straight to its place, more such data is likely. */
const MUCH_BYTES = 64 * 1024;
/**
 * Then as much is received as a header may take, or a buffer holds: little of the data behind it, as what comes with a header has to be
 * copied to where it belongs.
 */
const HEADER_ROOM_BYTES = 4096;

const RECEIVE = Operation.RECV | EntryFlag.BUFFER_SELECT;

/** Receiving, for all sockets of one worker. */
export class UringReceiver {
  readonly #table: SocketTable;
  readonly #slab: Slab;
  readonly #buffers: ReceiveBuffers;
  readonly #counters: Float64Array;
  /** Have bytes of a chunk left that their consumer may want now. */
  readonly #offers: HandleQueue;
  /** Wait for a receive buffer. */
  readonly #starved: HandleQueue;
  /** Have an operation to be queued at the end of the turn. */
  readonly #due: HandleQueue;

  constructor(table: SocketTable, slab: Slab, buffers: ReceiveBuffers, counters: Float64Array) {
    this.#table = table;
    this.#slab = slab;
    this.#buffers = buffers;
    this.#counters = counters;
    this.#offers = new HandleQueue(table.capacity);
    this.#starved = new HandleQueue(table.capacity);
    this.#due = new HandleQueue(table.capacity);
  }

  /** Chunks that wait to be offered again. */
  get offersDue(): number {
    return this.#offers.length;
  }

  /** Whether there are operations to be queued. */
  get goesOn(): boolean {
    return this.#due.length > 0;
  }

  /** See Engine.resumeReceive. Allocates nothing. */
  resume(socket: SocketState): void {
    if (socket.close !== CloseState.open || socket.ended) return;
    socket.wanted = true;
    if (socket.receive === ReceiveState.idle) this.#arm(socket);
    else if (socket.receive === ReceiveState.held) this.#offers.push(socket.handle);
  }

  /** See Engine.receiveInto. Allocates nothing. */
  receiveInto(socket: SocketState, at: number, length: number): void {
    assert(socket.receive === ReceiveState.offered && length > 0, 'receiveInto: only from inside received');
    if (socket.close !== CloseState.open || socket.ended) return;
    socket.receive = ReceiveState.placing;
    socket.placeAt = at;
    socket.placeLength = length;
    socket.placed = 0;
    this.#due.push(socket.handle);
  }

  /** There are bytes, or the socket has ended. Allocates nothing. */
  polled(socket: SocketState): void {
    if (socket.close !== CloseState.open) {
      this.#table.attention.push(socket.handle);
      return;
    }
    socket.buffer = this.#buffers.take();
    if (socket.buffer === NONE) this.#starve(socket);
    else this.#due.push(socket.handle);
  }

  /** A receive operation ended. Allocates nothing. */
  received(socket: SocketState, result: number, flags: number): void {
    if ((flags & CompletionFlag.BUFFER) !== 0) {
      this.#buffers.taken();
      socket.buffer = flags >>> BUFFER_SHIFT;
    }
    socket.receive = ReceiveState.idle;
    if (socket.close !== CloseState.open) {
      this.#table.attention.push(socket.handle);
    } else if (result > 0) {
      this.#counters[Counter.receives]!++;
      socket.drained = (flags & CompletionFlag.SOCK_NONEMPTY) === 0;
      socket.behindMuch = false;
      socket.chunkAt = this.#buffers.offsetOf(socket.buffer);
      socket.chunkLength = result;
      socket.receive = ReceiveState.held;
      if (socket.wanted) this.#offer(socket);
    } else {
      this.drop(socket);
      this.#receivedNothing(socket, Math.abs(result));
    }
  }

  /** A receive operation to a named place ended. Allocates nothing. */
  placed(socket: SocketState, result: number, flags: number): void {
    if (socket.close !== CloseState.open) {
      this.#table.attention.push(socket.handle);
      return;
    }
    if (result > 0) {
      this.#counters[Counter.receives]!++;
      socket.drained = (flags & CompletionFlag.SOCK_NONEMPTY) === 0;
      socket.placed += result;
    } else if (-result !== Errno.EINTR && -result !== Errno.EAGAIN) {
      socket.receive = ReceiveState.idle;
      this.#table.end(socket, Math.abs(result));
      return;
    }
    if (socket.placed < socket.placeLength) {
      // Short in spite of MSG_WAITALL: a signal, or a kernel before 5.19.
      this.#due.push(socket.handle);
      return;
    }
    const length = socket.placeLength;
    socket.placeLength = 0;
    socket.behindMuch = length >= MUCH_BYTES;
    socket.receive = ReceiveState.offered;
    this.#table.events.receivedInto(socket.handle, length);
    if (socket.placeLength === 0) this.#consumed(socket);
  }

  /** Offers `count` chunks again, those that have waited longest. Allocates nothing. */
  offerAgain(count: number): void {
    for (let index = 0; index < count; index++) {
      const socket = this.#table.at(this.#offers.shift());
      if (socket.receive === ReceiveState.held && socket.wanted) this.#offer(socket);
    }
  }

  /** Lets sockets that found no receive buffer try again, as many as there are buffers now. */
  feedStarved(): void {
    if (this.#starved.length > this.#buffers.available) this.#putAside();
    for (let count = Math.min(this.#starved.length, this.#buffers.available); count > 0; count--) {
      const socket = this.#table.at(this.#starved.shift());
      if (socket.receive === ReceiveState.starved) this.#consumed(socket);
    }
  }

  /**
   * Queues the operations that are due. Behind the sends of the turn: while these leave, the next requests come in, and are found at once; a
   * receive that looked before would have to wait for them, to be woken, and to wait for whoever wakes it to let go of the socket. Allocates nothing.
   */
  queueDue(): void {
    while (this.#due.length > 0) {
      const socket = this.#table.at(this.#due.shift());
      if (socket.close !== CloseState.open) continue;
      if (socket.receive === ReceiveState.armed) this.#queueReceive(socket);
      else if (socket.receive === ReceiveState.placing) this.#queuePlace(socket);
    }
  }

  /** Drops the chunk in hand. Allocates nothing. */
  drop(socket: SocketState): void {
    socket.aside = null;
    if (socket.buffer === NONE) return;
    this.#buffers.release(socket.buffer);
    socket.buffer = NONE;
  }

  #arm(socket: SocketState): void {
    socket.receive = ReceiveState.armed;
    this.#due.push(socket.handle);
  }

  #queueReceive(socket: SocketState): void {
    const length = socket.behindMuch ? HEADER_ROOM_BYTES : this.#buffers.size;
    if (this.#buffers.ringed) {
      // POLL_FIRST saves the look at a socket that was empty a moment ago. It is as old as buffer rings.
      const head = socket.drained ? RECEIVE | ReceiveFlag.POLL_FIRST : RECEIVE;
      this.#table.queue(socket, head, Kind.receive, 0, length, 0, RECEIVE_GROUP);
    } else if (socket.buffer === NONE) {
      // A receive that has to wait would need a buffer meanwhile: an idle socket is to have none.
      this.#table.queue(socket, Operation.POLL_ADD, Kind.poll, 0, 0, PollEvent.IN, 0);
    } else {
      const address = this.#slab.base + this.#buffers.offsetOf(socket.buffer);
      this.#table.queue(socket, Operation.RECV, Kind.receive, address, length, MessageFlag.DONTWAIT, 0);
    }
  }

  #queuePlace(socket: SocketState): void {
    const address = this.#slab.base + socket.placeAt + socket.placed;
    const length = socket.placeLength - socket.placed;
    this.#table.queue(socket, Operation.RECV, Kind.place, address, length, MessageFlag.WAITALL, 0);
  }

  #offer(socket: SocketState): void {
    const { handle, aside } = socket;
    if (aside !== null) this.#takeUp(socket, aside);
    const { chunkAt, chunkLength } = socket;
    socket.receive = ReceiveState.offered;
    const consumed = this.#table.events.received(handle, chunkAt, chunkLength);
    assert(consumed >= 0 && consumed <= chunkLength, 'received: more was consumed than was offered');
    if (socket.placeLength !== 0) {
      this.drop(socket);
    } else if (consumed === chunkLength || socket.close !== CloseState.open) {
      this.drop(socket);
      this.#consumed(socket);
    } else {
      socket.chunkAt += consumed;
      socket.chunkLength -= consumed;
      socket.receive = ReceiveState.held;
      if (aside !== null) this.#layAside(socket);
      if (socket.wanted) this.#offers.push(handle);
    }
  }

  /**
   * Paused sockets may hold every buffer for as long as their peers like, while others could go on: the chunks of the paused
   * ones move to the heap, one for each buffer that is wanted.
   */
  #putAside(): void {
    for (const socket of this.#table.all()) {
      if (this.#buffers.available >= this.#starved.length) return;
      if (socket.receive === ReceiveState.held && !socket.wanted && socket.buffer !== NONE) this.#layAside(socket);
    }
  }

  #layAside(socket: SocketState): void {
    const { chunkAt, chunkLength } = socket;
    const aside = this.#slab.bytes.slice(chunkAt, chunkAt + chunkLength);
    this.drop(socket);
    socket.aside = aside;
  }

  #takeUp(socket: SocketState, aside: Uint8Array): void {
    this.#slab.bytes.set(aside, this.#buffers.stagingAt);
    socket.chunkAt = this.#buffers.stagingAt;
    socket.aside = null;
  }

  #consumed(socket: SocketState): void {
    socket.receive = ReceiveState.idle;
    if (socket.wanted && !socket.ended) this.#arm(socket);
  }

  #starve(socket: SocketState): void {
    socket.receive = ReceiveState.starved;
    this.#starved.push(socket.handle);
  }

  #receivedNothing(socket: SocketState, errno: number): void {
    switch (errno) {
      case Errno.ENOBUFS:
        this.#starve(socket);
        break;
      case Errno.EINTR:
      case Errno.EAGAIN:
        this.#consumed(socket);
        break;
      default:
        this.#table.end(socket, errno);
    }
  }
}
