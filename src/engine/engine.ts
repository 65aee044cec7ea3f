// What the data plane asks of the operating system. Two implementations serve (uring, posix); two in test/ simulate, one step by step, one by chance.
// Nothing here knows PDUs or SCSI: sockets carry bytes, files hold bytes, addresses name I/O memory.

import type { Slab } from './slab.ts';

/**
 * A place in I/O memory that the engine can send from and read into: the `base` of a region plus an offset in it.
 * Aligned to pages where memory is, for O_DIRECT, and opaque to everyone else: a machine address under io_uring, a table key elsewhere.
 * Always a safe integer.
 */
export type Address = number;

/** A socket the engine owns: a small number, reused only after `closed` was reported for it. */
export type SocketHandle = number;

/** Memory is not handed back after a send: it belongs to nobody in particular (a memory LUN's own bytes, constant data). */
export const NO_RELEASE = -1;

/** What the engine reports. All calls come from {@link Engine.run}'s turn, never from inside a call to the engine. */
export interface EngineEvents {
  /**
   * Somebody waits for memory that sends give back: `released` is wanted as soon as it can be. Otherwise the engine may put it off until
   * something else happens, a tick at the latest, which saves a turn for every answer.
   */
  readonly hungry: boolean;
  /**
   * `length` bytes came in on `socket` and lie in the slab at `at`, for the time of this call. Returns how many were consumed.
   * Fewer than `length` means: not now. The rest is offered again in the next turn, or after `resumeReceive` when paused meanwhile.
   */
  received(socket: SocketHandle, at: number, length: number): number;
  /** All `length` bytes asked for with `receiveInto` are in place. */
  receivedInto(socket: SocketHandle, length: number): void;
  /** The bytes behind `token` have left, or never will: their memory is the caller's again. */
  released(socket: SocketHandle, token: number): void;
  /** The peer closed its half (errno 0) or the connection failed (errno > 0). The caller answers with `close`. */
  ended(socket: SocketHandle, errno: number): void;
  /** `close` is complete: every `released` was reported, nothing of this socket follows. */
  closed(socket: SocketHandle): void;
  /** A file operation ended: bytes moved (>= 0), or a negated errno. */
  fileDone(token: number, result: number): void;
  /** Another thread rang the worker's bell: an eventfd under `uring`, a message to its port under `posix`. */
  woken(): void;
  /** About once a second, and only coarsely on time. */
  tick(): void;
  /** The time of an {@link Engine.alarm} has come. */
  alarmed(): void;
}

/** Hears of the end of operations after the consumer has failed: lets everything go. */
export const NOBODY: EngineEvents = {
  hungry: false,
  received: (_socket, _at, length) => length,
  receivedInto: () => {},
  released: () => {},
  ended: () => {},
  closed: () => {},
  fileDone: () => {},
  woken: () => {},
  tick: () => {},
  alarmed: () => {},
};

/** An alarm is at most this far ahead: an engine that stops waits for those that are set. */
export const ALARM_MS_MAX = 100;

/** How a file range gives its blocks back or turns to zeroes. */
export const RangeMode = {
  /** Deallocate; reads as zeroes afterwards. */
  punchHole: 'punchHole',
  /** Zero, keeping the space reserved. */
  zero: 'zero',
} as const;
export type RangeMode = (typeof RangeMode)[keyof typeof RangeMode];

/** What a file may have at an offset: space of its own, or none. The end of a file counts as a hole. */
export const Stretch = { data: 'data', hole: 'hole' } as const;
export type Stretch = (typeof Stretch)[keyof typeof Stretch];

/** The data plane's view of Linux. One per worker; no method blocks, but `run`. */
export interface Engine {
  readonly name: 'uring' | 'posix' | 'sim';
  /** One line: which features are in use, which were stepped down from, and why. */
  readonly description: string;
  /** The worker's I/O memory. */
  readonly slab: Slab;

  /** Milliseconds on a monotonic clock that is the same for all threads; refreshed once a turn. */
  now(): number;
  /** Has `alarmed` called once, in `delayMs` milliseconds (1 to {@link ALARM_MS_MAX}) or little later. Several may be set. */
  alarm(delayMs: number): void;
  /** Makes a shared buffer (a memory LUN) addressable: byte `n` of it is at the returned base plus `n`. */
  attachRegion(memory: SharedArrayBuffer): Address;
  detachRegion(base: Address): void;

  /** Takes over descriptor `fd` of a connected stream socket. Receiving starts with `resumeReceive`. */
  openSocket(fd: number): SocketHandle;
  /** Lets `received` be called (again). */
  resumeReceive(socket: SocketHandle): void;
  /** No more `received` until resumed; bytes stay with the kernel, and the peer feels it. */
  pauseReceive(socket: SocketHandle): void;
  /**
   * The next `length` bytes of the stream go straight to slab offset `at`, then `receivedInto`. Only from inside `received`,
   * after which everything offered counts as consumed, or from inside `receivedInto`.
   */
  receiveInto(socket: SocketHandle, at: number, length: number): void;
  /** Queues bytes; everything queued in a turn leaves in one gathered send. Order is kept. `token` comes back in `released`. */
  send(socket: SocketHandle, address: Address, length: number, token: number): void;
  /** Bytes that left, or are about to, and the peer's TCP has not acknowledged; 0 where nobody can tell. */
  unacknowledged(socket: SocketHandle): number;
  /** Ends the connection: at once, or after what is queued has left (`flush`). `closed` follows in either case. */
  close(socket: SocketHandle, flush: boolean): void;

  /** Reads `length` bytes at `offset` of file descriptor `fd`. Short only at the end of the file. */
  read(fd: number, address: Address, length: number, offset: number, token: number): void;
  /**
   * Writes; with `durable` the data is on stable storage before `fileDone` (RWF_DSYNC). An error is then that of either, and a sync that
   * follows does not tell it again.
   */
  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void;
  /** All that was written before is on stable storage afterwards (fdatasync); with a `length`, at least what was written to that range. */
  sync(fd: number, token: number, offset?: number, length?: number): void;
  /** Deallocates or zeroes a range (fallocate). `-EOPNOTSUPP` where the file system or device can't. */
  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void;
  /**
   * Where the first stretch of this kind at or after `offset` begins, or a negated errno: `-ENXIO` where none follows, `-EINVAL` or
   * `-ENOSYS` where nobody can tell. Takes the time that a file system needs for a look at its map, and the thread waits: for rare commands.
   */
  findStretch(fd: number, kind: Stretch, offset: number): number;
  /** Nothing but a `fileDone` with 0, in the next turn: for work that would keep all others waiting if it went on without a break. */
  nextTurn(token: number): void;

  /** Serves until `stop`; resolves once every socket is closed and no operation is in flight. */
  run(): Promise<void>;
  /** Ends `run` after the current turn. From the worker's own thread. */
  stop(): void;
}
