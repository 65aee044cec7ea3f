// Runs the functions of a disk for the workers that ask: on main, or in the thread that workers/disk-worker.ts makes of a module.
// Answers everything once, whatever the functions do; how long a worker waits is backend/custom.ts's, and what overlaps disk-order.ts's.

import type { MessagePort } from 'node:worker_threads';
import { type Disk, failureOf } from '../backend/disk.ts';
import { zeroes } from '../backend/zeroes.ts';
import { NONE } from '../base/free-list.ts';
import { Errno } from '../kernel/errno.ts';
import { close, ringEventfd } from '../kernel/libc.ts';
import { discard } from '../kernel/memory.ts';
import { DiskOperation, EXCHANGE_DATA_BYTES, Exchange } from '../ring/exchange.ts';
import { DiskOrder, type OrderedOperation } from './disk-order.ts';

/** One worker's way to a disk. */
export interface DiskLink {
  /** An {@link Exchange}. */
  readonly memory: SharedArrayBuffer;
  /** The worker posts here to wake us. It closes when the worker does. */
  readonly port: MessagePort;
  /** We ring this eventfd to wake the worker, and let go of it when the worker has left; -1: we post to `port`. */
  readonly wakeFd: number;
}

/** What is to be said of an error that is no DiskError (backend/disk.ts). */
export interface DiskReport {
  /** The function that threw. */
  readonly operation: string;
  /** Its name, its code and its message; the stack behind them. */
  readonly error: string;
}

/** Errors are told apart by so much; a disk that makes up new ones all the time is told of so many kinds. */
const KINDS_MAX = 100;

/** A flush that fails with one of these has lost nothing: it is to be asked for again. */
const HARMLESS: ReadonlySet<number> = new Set([Errno.EBUSY, Errno.ECANCELED]);

const NAMES = Object.fromEntries(Object.entries(DiskOperation).map(([name, operation]) => [operation, name]));

/**
 * A disk that workers use. A function that takes long is not forgotten with its worker, or when its time is over: what overlaps a write that
 * has yet to end waits for it, whoever asks, so that the write is never found to have come after one that was begun later.
 *
 * Nor is a flush forgotten that failed: the next would mostly have nothing left to do and succeed, so that nobody who retries ever knew.
 */
export class DiskServer {
  readonly #disk: Disk;
  readonly #report: (report: DiskReport) => void;
  readonly #closeFd: (fd: number) => void;
  readonly #links = new Set<Link>();
  readonly #order = new DiskOrder<Operation>();
  readonly #kinds = new Set<string>();
  /** Of the first flush that failed: what was written before it may be lost. 0: none has. */
  #lostErrno = 0;
  /** Who waits for the end of what changes blocks. */
  #whenUnchanging: (() => void) | null = null;

  /** `closeFd` has a descriptor closed that nobody rings any more. */
  constructor(disk: Disk, report: (report: DiskReport) => void, closeFd: (fd: number) => void = close) {
    this.#disk = disk;
    this.#report = report;
    this.#closeFd = closeFd;
  }

  /** Serves a worker, until it closes the port. */
  connect({ memory, port, wakeFd }: DiskLink): void {
    const link = new Link(new Exchange(memory), port, wakeFd, this.#closeFd);
    this.#links.add(link);
    port.on('message', () => this.#serve(link));
    port.on('close', () => this.#disconnect(link));
    // Whatever it asked before we listened.
    this.#serve(link);
  }

  /**
   * Closes the links, waits for what still changes blocks, has the disk keep what was written, and lets it go. Rejects with what its functions
   * throw.
   */
  async close(): Promise<void> {
    for (const link of this.#links) {
      link.port.close();
      link.close();
    }
    this.#links.clear();
    this.#drop();
    // A late write would be in no flush, go to what the disk has let go of, and undo what is written once the disk has been added again.
    if (this.#order.changes) await new Promise<void>((resolve) => (this.#whenUnchanging = resolve));
    try {
      await this.#disk.flush?.();
    } catch (error) {
      // Writes may be lost: that is what is to be heard, whatever becomes of closing.
      await this.#closeDisk().catch((late: unknown) => this.#tell('close', late));
      throw error;
    }
    await this.#closeDisk();
  }

  async #closeDisk(): Promise<void> {
    await this.#disk.close?.();
  }

  #disconnect(link: Link): void {
    if (!this.#links.delete(link)) return;
    link.close();
    this.#drop();
  }

  /** A worker has woken us. */
  #serve(link: Link): void {
    link.exchange.diskHeard();
    this.#drop();
    for (let ready = this.#take(); ready.length !== 0; ready = this.#take()) this.#run(ready);
  }

  /**
   * Takes what all workers ask before any of it runs, and returns what may run now. So an operation of a worker that has failed comes before
   * those of the worker in its place, even if its message arrives behind theirs.
   */
  #take(): Operation[] {
    const ready: Operation[] = [];
    for (const link of this.#links) {
      for (let place = link.nextAsked(); place !== NONE; place = link.nextAsked()) {
        const operation = new Operation(link, place);
        if (this.#order.enter(operation)) ready.push(operation);
      }
    }
    return ready;
  }

  /** Ends what waits without anybody who waits for it. */
  #drop(): void {
    const ready: Operation[] = [];
    for (const operation of this.#order.waiting()) {
      // One of those before it may have been what it waited for.
      if (operation.ahead !== 0 && !operation.isAwaited) ready.push(...this.#end(operation, Errno.ETIMEDOUT, 0));
    }
    this.#run(ready);
  }

  /** Runs operations, and those that are added meanwhile: what ends at once lets others run. */
  #run(ready: Operation[]): void {
    for (const operation of ready) {
      if (!operation.isAwaited) {
        ready.push(...this.#end(operation, Errno.ETIMEDOUT, 0));
        continue;
      }
      let running: Promise<void> | null;
      try {
        const result = this.#perform(operation);
        // Not every promise is one of this realm's: anything with `then` is one. Ours settles once, whatever that `then` does.
        running = typeof result?.then === 'function' ? new Promise((resolve) => resolve(result)) : null;
      } catch (error) {
        ready.push(...this.#fail(operation, error));
        continue;
      }
      if (running === null) ready.push(...this.#end(operation, 0, 0));
      else
        running.then(
          () => this.#run(this.#end(operation, 0, 0)),
          (error: unknown) => this.#run(this.#fail(operation, error)),
        );
    }
  }

  #perform(operation: Operation): void | Promise<void> {
    const { place, kind, start: offset, length } = operation;
    const { data } = operation.link;
    const disk = this.#disk;
    switch (kind) {
      case DiskOperation.read: {
        const buffer = data(place, length);
        buffer.set(zeroes(length));
        return disk.read(buffer, offset);
      }
      case DiskOperation.write:
        return disk.write!(data(place, length), offset);
      case DiskOperation.writeDurably:
        return writeDurably(disk, data(place, length), operation);
      case DiskOperation.flush:
        return disk.flush?.();
      case DiskOperation.unmap:
        return disk.unmap === undefined ? writeZeroes(disk, offset, length) : disk.unmap(offset, length);
      default:
        return writeZeroes(disk, offset, length);
    }
  }

  /** Answers, and returns what may run now. */
  #end(operation: Operation, errno: number, failedAt: number): Operation[] {
    const { link, place } = operation;
    if (operation.isFlushing && this.#lostErrno !== 0) link.answer(place, this.#lostErrno, 0, true);
    else link.answer(place, errno, failedAt, false);
    const ready = this.#order.leave(operation);
    if (this.#whenUnchanging !== null && !this.#order.changes) this.#whenUnchanging();
    return ready;
  }

  #fail(operation: Operation, error: unknown): Operation[] {
    const { errno, offset, meant } = failureOf(error);
    const { start, end } = operation;
    const inside = offset !== undefined && offset >= start && offset < end;
    if (!meant) this.#tell(NAMES[operation.kind]!, error);
    if (operation.isFlushing && !HARMLESS.has(errno)) this.#lostErrno ||= errno;
    return this.#end(operation, errno, inside ? offset - start : 0);
  }

  /** Once per kind. */
  #tell(operation: string, error: unknown): void {
    const { kind, text } = described(error);
    const told = `${operation} ${kind}`;
    if (this.#kinds.has(told) || this.#kinds.size >= KINDS_MAX) return;
    this.#kinds.add(told);
    this.#report({ operation, error: text });
  }
}

/** What there is to be said of an error. Functions throw what they like, things that can't be looked at among it. */
function described(error: unknown): { readonly kind: string; readonly text: string } {
  try {
    const { name, code } = (typeof error === 'object' && error !== null ? error : {}) as NodeJS.ErrnoException;
    const text = error instanceof Error ? String(error.stack ?? error) : String(error);
    return { kind: `${String(name)} ${String(code)}`, text };
  } catch {
    return { kind: 'unreadable', text: "something that can't be put in words" };
  }
}

/**
 * A worker that uses the disk. When it has left and the last function has ended that it asked for, which may still write what it was given,
 * the memory goes back to the kernel: the buffer lasts until that worker has collected its garbage, which it hardly ever does.
 */
class Link {
  readonly exchange: Exchange;
  readonly port: MessagePort;
  #wakeFd: number;
  readonly #closeFd: (fd: number) => void;
  /** Operations that have yet to be answered. */
  #pending = 0;
  #closed = false;

  constructor(exchange: Exchange, port: MessagePort, wakeFd: number, closeFd: (fd: number) => void) {
    this.exchange = exchange;
    this.port = port;
    this.#wakeFd = wakeFd;
    this.#closeFd = closeFd;
  }

  /** A place's bytes: fresh, and good for as long as the operation has the place. */
  readonly data = (place: number, length: number): Uint8Array =>
    new Uint8Array(this.exchange.memory, this.exchange.dataAt(place), Math.min(length, EXCHANGE_DATA_BYTES));

  /** A place that asks for something, or {@link NONE}. It is to be answered. */
  nextAsked(): number {
    const place = this.exchange.nextAsked();
    if (place !== NONE) this.#pending++;
    return place;
  }

  /** Whether the worker waits for the answer. */
  awaits(place: number): boolean {
    return !this.#closed && !this.exchange.isGivenUp(place);
  }

  answer(place: number, errno: number, failedAt: number, lostWrites: boolean): void {
    this.#pending--;
    // Who is gone needs no answer.
    if (this.#closed) {
      this.#discardUnused();
      return;
    }
    if (!this.exchange.answer(place, errno, failedAt, lostWrites)) return;
    if (this.#wakeFd < 0) this.port.postMessage(0);
    else ringEventfd(this.#wakeFd);
  }

  close(): void {
    this.#closed = true;
    if (this.#wakeFd >= 0) this.#closeFd(this.#wakeFd);
    this.#wakeFd = -1;
    this.#discardUnused();
  }

  #discardUnused(): void {
    if (this.#pending === 0) discard(this.exchange.memory);
  }
}

/** What a worker has asked for, until it is answered. */
class Operation implements OrderedOperation {
  readonly link: Link;
  readonly place: number;
  readonly kind: DiskOperation;
  readonly start: number;
  /** Bytes. */
  readonly length: number;
  readonly end: number;
  readonly changes: boolean;
  ahead = 0;
  /** A flush is what it waits for now: a durable write does so once it is written. */
  isFlushing: boolean;

  constructor(link: Link, place: number) {
    const { exchange } = link;
    this.link = link;
    this.place = place;
    this.kind = exchange.operationOf(place);
    // A flush is about what has been answered: it overlaps nothing, and needs to wait for nobody.
    this.isFlushing = this.kind === DiskOperation.flush;
    const hasRange = !this.isFlushing;
    this.start = hasRange ? exchange.offsetOf(place) : 0;
    this.length = hasRange ? exchange.lengthOf(place) : 0;
    this.end = this.start + this.length;
    this.changes = hasRange && this.kind !== DiskOperation.read;
  }

  /** Its worker is there, and has not given up. */
  get isAwaited(): boolean {
    return this.link.awaits(this.place);
  }
}

async function writeDurably(disk: Disk, data: Uint8Array, operation: Operation): Promise<void> {
  await disk.write!(data, operation.start);
  operation.isFlushing = true;
  await disk.flush?.();
}

/** A stretch at a time. */
async function writeZeroes(disk: Disk, offset: number, length: number): Promise<void> {
  for (let done = 0; done < length; done += EXCHANGE_DATA_BYTES) {
    // A copy: the disk might keep it, or write to it.
    const data = new Uint8Array(Math.min(EXCHANGE_DATA_BYTES, length - done));
    await disk.write!(data, offset + done);
  }
}
