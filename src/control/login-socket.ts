// A connection's socket for as long as main owns it: bytes both ways, a farewell, and the descriptor for the worker that takes it over.
// What the bytes say is login-connection.ts's.

import type { Socket } from 'node:net';
import { duplicate } from '../kernel/libc.ts';

/** What a socket's owner hears until it lets go. */
export interface LoginSocketEvents {
  data(bytes: Uint8Array): void;
  /** It failed, or the initiator closed it. */
  ended(reason: string): void;
  /** Nothing came for the time given to {@link LoginSocket.endWhenIdle}. */
  idle(): void;
}

/** What a login needs of a socket. */
export interface LoginSocket {
  /** From now on `events` hears of it. */
  listen(events: LoginSocketEvents): void;
  write(bytes: Uint8Array): void;
  endWhenIdle(delayMs: number): void;
  /** Not one byte more is read or heard of. False: it is closed. */
  stopReading(): boolean;
  /** The peer's end of the connection is noticed again. */
  startReading(): void;
  /** Nothing more is handed over until {@link resume}; what is on its way is kept, as much as a buffer holds. */
  pause(): void;
  resume(): void;
  /** Resolves when all that was written is with the kernel, or the socket is closed. */
  drained(): Promise<void>;
  /** A duplicate of its descriptor, for a worker. Throws KernelError. */
  duplicate(): number;
  /** Nothing is heard of it any more. */
  letGo(): void;
  /** Sends the last bytes, and closes once they have left or after {@link FAREWELL_MS}. Nobody listens any more. */
  farewell(bytes: Uint8Array): void;
  /** Closes main's descriptor. */
  destroy(): void;
}

/** A refused connection is closed once its answer has left, or after this long. */
export const FAREWELL_MS = 2000;

/** The parts of a socket's handle that Node has no public name for. */
interface SocketHandle {
  readonly fd: number;
  readStop(): void;
  readStart(): void;
}

/** A socket of Node's. */
export class AcceptedSocket implements LoginSocket {
  readonly #socket: Socket;
  #events: LoginSocketEvents | null = null;
  #written = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get #handle(): SocketHandle | null {
    return (this.#socket as unknown as { _handle: SocketHandle | null })._handle;
  }

  listen(events: LoginSocketEvents): void {
    this.#events = events;
    this.#socket.on('data', this.#onData);
    this.#socket.on('error', (error) => this.#events?.ended(error.message));
    this.#socket.on('close', () => this.#events?.ended('closed by the initiator'));
    this.#socket.on('timeout', () => this.#events?.idle());
  }

  readonly #onData = (bytes: Uint8Array): void => this.#events?.data(bytes);

  write(bytes: Uint8Array): void {
    // Node tells of each write when it is over, one way or the other. 'drain' it emits only where a write filled its buffer.
    this.#written = new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  endWhenIdle(delayMs: number): void {
    this.#socket.setTimeout(delayMs);
  }

  stopReading(): boolean {
    const handle = this.#handle;
    if (handle === null) return false;
    handle.readStop();
    this.#socket.off('data', this.#onData);
    return true;
  }

  startReading(): void {
    this.#handle?.readStart();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  drained(): Promise<void> {
    return this.#written;
  }

  duplicate(): number {
    return duplicate(this.#handle!.fd);
  }

  letGo(): void {
    this.#events = null;
    this.#socket.setTimeout(0);
    this.#socket.off('data', this.#onData);
  }

  farewell(bytes: Uint8Array): void {
    const socket = this.#socket;
    socket.resume();
    socket.end(bytes);
    const late = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    socket.once('close', () => clearTimeout(late));
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
