// What the io_uring engine knows of one socket: where its receiving stands, what it has to send, how far its closing is.
// Only data; uring-receiver.ts, uring-sender.ts and uring-sockets.ts act on it.

import { END, type SendList } from './send-queue.ts';
import { GENERATION_MASK } from './user-data.ts';

/** Where receiving stands. One operation or one chunk of bytes at a time, so that what is not consumed stays with the kernel. */
export const ReceiveState = {
  /** Nothing is asked of the kernel: paused, not started, or ended. */
  idle: 0,
  /** A receive operation waits for bytes, or is about to be queued. */
  armed: 1,
  /** Bytes came while no buffer was free: waits for one. */
  starved: 2,
  /** The consumer is looking at a chunk. */
  offered: 3,
  /** The consumer left bytes of a chunk for later. */
  held: 4,
  /** Bytes go straight to a place that the consumer named. */
  placing: 5,
} as const;
export type ReceiveState = (typeof ReceiveState)[keyof typeof ReceiveState];

/** How far the end of a socket is. */
export const CloseState = {
  open: 0,
  /** `close` with `flush`: what is queued goes out first. */
  flushing: 1,
  /** What is queued is dropped. */
  aborting: 2,
  /** shutdown(2) was called: operations in flight return. */
  shutDown: 3,
} as const;
export type CloseState = (typeof CloseState)[keyof typeof CloseState];

/** One socket of the io_uring engine. Kept and used again when its handle is. */
export class SocketState implements SendList {
  readonly handle: number;
  /** Counts the sockets that had this handle: part of user_data, so that no completion reaches the wrong one. */
  generation = 0;
  fd = -1;
  /** Operations that the kernel has of this socket. */
  operations = 0;
  close: CloseState = CloseState.open;
  /** `ended` was reported. */
  ended = false;
  /** A send failed: nothing leaves any more. */
  failed = false;

  receive: ReceiveState = ReceiveState.idle;
  /** The consumer wants bytes. */
  wanted = false;
  /** The last receive emptied the socket: let the next one wait before it looks. */
  drained = false;
  /** The chunk in hand: its buffer, and what is left of it. */
  buffer = -1;
  chunkAt = 0;
  chunkLength = 0;
  /** The chunk in hand, put aside because others needed its buffer. */
  aside: Uint8Array | null = null;
  /** The place that bytes go to, how many in all, how many are there. */
  placeAt = 0;
  placeLength = 0;
  placed = 0;
  /** The last bytes received were many, and went to such a place. */
  behindMuch = false;

  firstSend = END;
  lastSend = END;
  /** Of the send in flight: entries from the first on, and their bytes. 0: none is. */
  sendingEntries = 0;
  sendingBytes = 0;
  /** The socket had no room of late: a send waits in the kernel until there is. */
  sendPatiently = false;
  /** When that send was submitted, on the engine's clock. */
  sendingSince = 0;
  /** The send in flight was over when it was submitted, and tells only of failure. */
  sendingQuietly = false;

  constructor(handle: number) {
    this.handle = handle;
  }

  /** Makes it the state of a new socket. */
  reset(fd: number): void {
    this.generation = (this.generation + 1) & GENERATION_MASK;
    this.fd = fd;
    this.operations = 0;
    this.close = CloseState.open;
    this.ended = false;
    this.failed = false;
    this.receive = ReceiveState.idle;
    this.wanted = false;
    this.drained = false;
    this.buffer = -1;
    this.chunkAt = 0;
    this.chunkLength = 0;
    this.aside = null;
    this.placeAt = 0;
    this.placeLength = 0;
    this.placed = 0;
    this.behindMuch = false;
    this.firstSend = END;
    this.lastSend = END;
    this.sendingEntries = 0;
    this.sendingBytes = 0;
    this.sendPatiently = false;
    this.sendingQuietly = false;
  }
}
