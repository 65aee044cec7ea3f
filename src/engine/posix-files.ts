// File operations of posix-engine.ts: direct reads and writes by Linux AIO, many in one call, everything else on libuv's threads.
// What is read and written, and in which order, is the engine's caller's to know.

import { fdatasync, read, write } from 'node:fs';
import { FreeList, NONE } from '../base/free-list.ts';
import { Aio, AioFlag, AioOperation } from '../kernel/aio.ts';
import { Errno } from '../kernel/errno.ts';
import { FallocateMode, fallocate, isDirect } from '../kernel/libc.ts';
import { type Address, RangeMode } from './engine.ts';

/** Operations that the kernel has at a time; more go to libuv's threads. fs.aio-max-nr allows 65,536 for all processes, if nobody changed it. */
const AIO_ENTRIES = 512;
/** Ranges that are cleared at a time: libuv has four threads for it, and koffi refuses the 257th call. */
const CLEARS_MAX = 8;

/** What the engine does for its files. */
export interface PosixFilesHost {
  view(address: Address, length: number): Buffer;
  /** The same place as the kernel names it. */
  machineAddress(address: Address): number;
  /** An operation ended: bytes, or a negated errno. */
  fileEnded(token: number, result: number): void;
}

/** A direct read or write, for as long as it has its slot. */
interface Transfer {
  readonly writes: boolean;
  readonly fd: number;
  readonly address: Address;
  readonly length: number;
  readonly offset: number;
  readonly durable: boolean;
  readonly token: number;
}

/** A range to be cleared. */
interface Clear {
  readonly fd: number;
  readonly mode: FallocateMode;
  readonly offset: number;
  readonly length: number;
  readonly token: number;
}

/** See the head of this file. */
export class PosixFiles {
  readonly #host: PosixFilesHost;
  readonly #aio: Aio | null;
  readonly #slots: FreeList;
  /** By slot. */
  readonly #transfers: Transfer[] = [];
  /** Descriptors on whose file system AIO does not work: it went to libuv's threads instead. One that is used again may be slower for it. */
  readonly #refused = new Set<number>();
  /** Those that wait until others have been cleared, in the order in which they came. */
  readonly #clears: Clear[] = [];
  #clearing = 0;
  /** Counted once they have begun: what throws instead has nothing to wait for. */
  #underWay = 0;
  /** Which descriptor this turn asked last whether it is direct, and what it heard: between turns its number can become another file's. */
  #askedFd = NONE;
  #askedIsDirect = false;

  constructor(host: PosixFilesHost) {
    this.#host = host;
    this.#aio = aioOrNull();
    this.#slots = new FreeList(this.#aio === null ? 0 : AIO_ENTRIES);
  }

  /** Operations that have not ended. */
  get underWay(): number {
    return this.#underWay;
  }

  /** How direct files are read, in words. */
  get description(): string {
    return this.#aio === null ? 'node:fs' : 'node:fs, Linux AIO for direct files';
  }

  read(fd: number, address: Address, length: number, offset: number, token: number): void {
    const transfer = { writes: false, fd, address, length, offset, durable: false, token };
    if (!this.#take(transfer)) this.#inPool(transfer);
    this.#underWay++;
  }

  write(fd: number, address: Address, length: number, offset: number, durable: boolean, token: number): void {
    const transfer = { writes: true, fd, address, length, offset, durable, token };
    if (!this.#take(transfer)) this.#inPool(transfer);
    this.#underWay++;
  }

  sync(fd: number, token: number): void {
    fdatasync(fd, (error) => this.#done(token, error, 0));
    this.#underWay++;
  }

  clearRange(fd: number, mode: RangeMode, offset: number, length: number, token: number): void {
    const fallocateMode = mode === RangeMode.punchHole ? FallocateMode.punchHole : FallocateMode.zeroRange;
    this.#clears.push({ fd, mode: fallocateMode, offset, length, token });
    this.#clearNext();
    this.#underWay++;
  }

  nextTurn(token: number): void {
    setImmediate(() => this.#ended(token, 0));
    this.#underWay++;
  }

  /** The turn is over: hands over what it asked for. */
  submit(): void {
    const aio = this.#aio;
    if (aio === null) return;
    this.#askedFd = NONE;
    aio.submit(this.#transferred);
    if (aio.inFlight > 0 && !aio.waiting) aio.wait(this.#transferred, () => this.submit());
  }

  /** Nothing is under way any more, and nothing will be. */
  close(): void {
    this.#aio?.close();
  }

  /** Whether AIO takes it. */
  #take(transfer: Transfer): boolean {
    const { writes, fd, address, length, offset, durable } = transfer;
    const aio = this.#aio;
    if (aio === null || this.#refused.has(fd) || !this.#isDirect(fd)) return false;
    const slot = this.#slots.take();
    if (slot === NONE) return false;
    this.#transfers[slot] = transfer;
    const operation = writes ? AioOperation.WRITE : AioOperation.READ;
    // A write into a hole, or a queue that is full, would hold up the loop, and with it everybody.
    const flags = AioFlag.NOWAIT | (durable ? AioFlag.DSYNC : 0);
    aio.push(slot, operation, fd, this.#host.machineAddress(address), length, offset, flags);
    return true;
  }

  #clearNext(): void {
    if (this.#clearing === CLEARS_MAX) return;
    const clear = this.#clears.shift();
    if (clear === undefined) return;
    this.#clearing++;
    fallocate(clear.fd, clear.mode, clear.offset, clear.length, (errno) => {
      this.#clearing--;
      this.#clearNext();
      this.#ended(clear.token, errno === 0 ? 0 : -errno);
    });
  }

  #isDirect(fd: number): boolean {
    if (fd !== this.#askedFd) {
      this.#askedFd = fd;
      this.#askedIsDirect = isDirect(fd);
    }
    return this.#askedIsDirect;
  }

  readonly #transferred = (slot: number, result: number): void => {
    const transfer = this.#transfers[slot]!;
    this.#slots.release(slot);
    if (result === -Errno.EOPNOTSUPP) this.#refused.add(transfer.fd);
    if (result === -Errno.EOPNOTSUPP || result === -Errno.EAGAIN) this.#inPool(transfer);
    else this.#ended(transfer.token, result);
  };

  /** On one of libuv's threads. */
  #inPool({ writes, fd, address, length, offset, durable, token }: Transfer): void {
    const bytes = this.#host.view(address, length);
    if (!writes) {
      read(fd, bytes, 0, length, offset, (error, count) => this.#done(token, error, count));
      return;
    }
    write(fd, bytes, 0, length, offset, (error, count) => {
      if (error !== null || !durable) this.#done(token, error, count);
      else fdatasync(fd, (failure) => this.#done(token, failure, count));
    });
  }

  #done(token: number, error: NodeJS.ErrnoException | null, bytes: number): void {
    this.#ended(token, error === null ? bytes : -Math.abs(error.errno ?? Errno.EIO));
  }

  #ended(token: number, result: number): void {
    this.#underWay--;
    this.#host.fileEnded(token, result);
  }
}

/** Null where the kernel, a seccomp profile or fs.aio-max-nr does not allow it. */
function aioOrNull(): Aio | null {
  try {
    return new Aio(AIO_ENTRIES);
  } catch {
    return null;
  }
}
