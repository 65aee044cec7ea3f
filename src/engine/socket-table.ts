// The sockets of the io_uring engine by handle, and what receiving, sending and closing share: finding a socket, queueing for it, ending it.
// What is queued, and when, is uring-receiver.ts's, uring-sender.ts's and uring-sockets.ts's.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import type { Uring } from '../kernel/uring.ts';
import type { Address, EngineEvents, SocketHandle } from './engine.ts';
import { HandleQueue } from './handle-queue.ts';
import { CloseState, SocketState } from './socket-state.ts';
import { GENERATION_MASK, KIND_SHIFT } from './user-data.ts';

/** All sockets of one worker. */
export class SocketTable {
  /** Who hears of what happens. */
  events: EngineEvents;
  /** Sockets that are closing, or failed with bytes still queued. */
  readonly attention: HandleQueue;
  readonly #uring: Uring;
  readonly #states: SocketState[] = [];
  readonly #handles: FreeList;

  constructor(uring: Uring, events: EngineEvents, socketsMax: number) {
    this.#uring = uring;
    this.events = events;
    this.attention = new HandleQueue(socketsMax);
    this.#handles = new FreeList(socketsMax);
  }

  /** Sockets that are open or closing. */
  get count(): number {
    return this.#handles.capacity - this.#handles.available;
  }

  get capacity(): number {
    return this.#handles.capacity;
  }

  /** A state for descriptor `fd`. */
  add(fd: number): SocketState {
    const handle = this.#handles.take();
    assert(handle !== NONE, 'engine: more sockets than it was made for');
    this.#states[handle] ??= new SocketState(handle);
    this.#states[handle].reset(fd);
    return this.#states[handle];
  }

  /** Nothing of this socket follows: its handle may be used again. */
  remove(socket: SocketState): void {
    socket.fd = NONE;
    this.#handles.release(socket.handle);
  }

  /** The state behind a handle that stood in one of the engine's queues; the socket may have gone since (`fd` is {@link NONE}). Allocates nothing. */
  at(handle: SocketHandle): SocketState {
    return this.#states[handle]!;
  }

  /** The state behind a handle that the consumer named. Allocates nothing. */
  open(handle: SocketHandle): SocketState {
    const socket = this.#states[handle];
    assert(socket !== undefined && socket.fd !== NONE, 'engine: no such socket');
    return socket;
  }

  /** The socket whose operation completed. Allocates nothing. */
  completed(userLow: number, userHigh: number): SocketState {
    const socket = this.#states[userLow]!;
    // A handle is not used again while operations are in flight, so this only fails when that rule was broken.
    assert(socket.generation === (userHigh & GENERATION_MASK), 'engine: the operation was of another socket');
    socket.operations--;
    return socket;
  }

  /** An operation of `socket` ended without a completion. Allocates nothing. */
  skipped(socket: SocketState): void {
    socket.operations--;
    this.#uring.skipped();
  }

  /** Queues an operation of `socket`. Allocates nothing. */
  queue(
    socket: SocketState,
    head: number,
    kind: number,
    address: Address,
    length: number,
    flags: number,
    group: number,
  ): void {
    socket.operations++;
    const userHigh = (kind << KIND_SHIFT) | socket.generation;
    this.#uring.push(head, socket.fd, 0, address, length, flags, group, socket.handle, userHigh);
  }

  /** The peer closed its half (errno 0) or the connection failed: reported once, and not when we are closing it ourselves. */
  end(socket: SocketState, errno: number): void {
    if (socket.ended || socket.close !== CloseState.open) return;
    socket.ended = true;
    this.events.ended(socket.handle, errno);
  }

  /** All that are open or closing. */
  *all(): Iterable<SocketState> {
    for (const socket of this.#states) {
      if (socket !== undefined && socket.fd !== NONE) yield socket;
    }
  }
}
