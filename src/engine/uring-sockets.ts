// The sockets of the io_uring engine from opening to closing; receiving and sending are delegated.
// The turn that drives it all is uring-engine.ts's; the data of one socket is socket-state.ts's.

import { NONE } from '../base/free-list.ts';
import { close, SocketOption, setSocketOption, shutdown, unacknowledgedBytes } from '../kernel/libc.ts';
import type { Uring } from '../kernel/uring.ts';
import type { Address, EngineEvents, SocketHandle } from './engine.ts';
import type { ReceiveBuffers } from './receive-buffers.ts';
import { END, ENTRIES_PER_TOKEN } from './send-queue.ts';
import type { Slab } from './slab.ts';
import { CloseState, type SocketState } from './socket-state.ts';
import { SocketTable } from './socket-table.ts';
import { UringReceiver } from './uring-receiver.ts';
import { UringSender } from './uring-sender.ts';

/** All sockets of one worker. Methods named like those of Engine do what is said there. */
export class UringSockets {
  readonly #table: SocketTable;
  readonly #receiver: UringReceiver;
  readonly #sender: UringSender;

  constructor(
    uring: Uring,
    slab: Slab,
    buffers: ReceiveBuffers,
    events: EngineEvents,
    counters: Float64Array,
    socketsMax: number,
    now: () => number,
  ) {
    this.#table = new SocketTable(uring, events, socketsMax);
    this.#receiver = new UringReceiver(this.#table, slab, buffers, counters);
    this.#sender = new UringSender(this.#table, uring, counters, slab.tokenCount * ENTRIES_PER_TOKEN, now);
  }

  /** Sockets that are open or closing. */
  get count(): number {
    return this.#table.count;
  }

  /** Chunks left over from the turns before. */
  get offersDue(): number {
    return this.#receiver.offersDue;
  }

  /** Whether there is work that no completion will announce. */
  get busy(): boolean {
    const handles = this.#receiver.offersDue + this.#table.attention.length;
    return handles > 0 || this.#receiver.goesOn || this.#sender.goesOn;
  }

  /** Whether memory comes back as soon as what is queued has been submitted. */
  get releasesSoon(): boolean {
    return this.#sender.releasesSoon;
  }

  /** From now on `events` hears of what happens. */
  redirect(events: EngineEvents): void {
    this.#table.events = events;
  }

  open(fd: number): SocketHandle {
    // A response is all the initiator waits for. Sockets that are not TCP answer with an error, and need no option.
    setSocketOption(fd, SocketOption.tcpNoDelay, 1);
    return this.#table.add(fd).handle;
  }

  resumeReceive(handle: SocketHandle): void {
    this.#receiver.resume(this.#table.open(handle));
  }

  pauseReceive(handle: SocketHandle): void {
    this.#table.open(handle).wanted = false;
  }

  receiveInto(handle: SocketHandle, at: number, length: number): void {
    this.#receiver.receiveInto(this.#table.open(handle), at, length);
  }

  send(handle: SocketHandle, address: Address, length: number, token: number): void {
    this.#sender.send(this.#table.open(handle), address, length, token);
  }

  unacknowledged(handle: SocketHandle): number {
    return unacknowledgedBytes(this.#table.open(handle).fd);
  }

  close(handle: SocketHandle, flush: boolean): void {
    const socket = this.#table.open(handle);
    socket.wanted = false;
    if (socket.close >= CloseState.aborting || (socket.close === CloseState.flushing && flush)) return;
    socket.close = flush ? CloseState.flushing : CloseState.aborting;
    this.#table.attention.push(handle);
  }

  /** Closes what is open, without flushing, and takes up what was closing: an event that threw may have cut it short. */
  closeAll(): void {
    for (const { handle } of this.#table.all()) {
      this.close(handle, false);
      this.#table.attention.push(handle);
    }
  }

  /** A receive operation ended. */
  received(userLow: number, userHigh: number, result: number, flags: number): void {
    this.#receiver.received(this.#table.completed(userLow, userHigh), result, flags);
  }

  /** A socket has bytes, or has ended. */
  polled(userLow: number, userHigh: number): void {
    this.#receiver.polled(this.#table.completed(userLow, userHigh));
  }

  /** A receive operation to a named place ended. */
  placed(userLow: number, userHigh: number, result: number, flags: number): void {
    this.#receiver.placed(this.#table.completed(userLow, userHigh), result, flags);
  }

  /** A send ended. */
  sent(userLow: number, userHigh: number, result: number): void {
    this.#sender.sent(this.#table.completed(userLow, userHigh), result);
  }

  /** A send has a completion, which is about to come. Allocates nothing. */
  sendSpoke(handle: SocketHandle): void {
    this.#table.at(handle).sendingQuietly = false;
  }

  /** Everything queued is with the kernel, and every send that has a completion is known. Allocates nothing. */
  submitted(): void {
    this.#sender.submitted();
  }

  /** The end of a turn: `offers` chunks are offered again, closing goes on, sends and receives start. Allocates nothing. */
  endTurn(offers: number): void {
    this.#receiver.offerAgain(offers);
    this.#attend();
    this.#receiver.feedStarved();
    this.#sender.flush();
    this.#receiver.queueDue();
  }

  /** Takes closing and failed sockets a step further. */
  #attend(): void {
    const { attention } = this.#table;
    while (attention.length > 0) {
      const socket = this.#table.at(attention.shift());
      // Gone already: it stood here twice over its life.
      if (socket.fd !== NONE) this.#advanceClose(socket);
    }
  }

  #advanceClose(socket: SocketState): void {
    switch (socket.close) {
      case CloseState.open:
        if (socket.failed) this.#sender.releaseAll(socket);
        return;
      case CloseState.flushing:
        if (socket.firstSend !== END && !socket.failed) return;
        break;
      case CloseState.aborting:
        break;
      case CloseState.shutDown:
        if (socket.operations === 0) this.#finish(socket);
        return;
    }
    socket.close = CloseState.shutDown;
    shutdown(socket.fd);
    if (socket.operations === 0) this.#finish(socket);
  }

  #finish(socket: SocketState): void {
    this.#sender.releaseAll(socket);
    this.#receiver.drop(socket);
    close(socket.fd);
    try {
      this.#table.events.closed(socket.handle);
    } finally {
      this.#table.remove(socket);
    }
  }
}
