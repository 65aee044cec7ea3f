// A unit whose blocks a program keeps: its operations go to the disk's functions, which run on another thread (control/disk-server.ts).
// Waits for answers, but not for ever; data is copied between the slab and the memory that both threads share.

import { assert } from '../base/assert.ts';
import { FreeList, NONE } from '../base/free-list.ts';
import type { Address, Engine } from '../engine/engine.ts';
import type { Slab } from '../engine/slab.ts';
import { Errno } from '../kernel/errno.ts';
import { DiskOperation, EXCHANGE_DATA_BYTES, Exchange } from '../ring/exchange.ts';
import type { Bell, Parcel } from '../ring/parcel.ts';
import type { Allocation, Backend, BlockComplete, BlockIo, Loss } from './backend.ts';

/** Of an operation that is not the disk's to answer: the engine ends it in its next turn. Kept in `io.operation` like the disk's. */
const PAUSE = 16;
/** There is no disk any more. */
const GONE = 17;
/** Nothing is promised to last any more. */
const LOST = 18;

const NEVER = Number.POSITIVE_INFINITY;

/**
 * See the file's head. Data does not lie in the slab while the disk has it: a function that forgets its time may write to the memory it
 * was given for as long as it likes, and reaches nobody else's. The place that it has in the exchange is free when it answers at last.
 */
export class CustomBackend<Io extends BlockIo> implements Backend<Io> {
  readonly kind = 'custom';
  readonly immediate = false;
  readonly lender = null;
  readonly atomic = false;
  readonly #engine: Engine;
  readonly #slab: Slab;
  readonly #exchange: Exchange;
  readonly #bytes: Uint8Array;
  readonly #base: Address;
  readonly #bell: Bell;
  readonly #timeoutMs: number;
  readonly #complete: BlockComplete<Io>;
  readonly #loss: Loss;
  readonly #places: FreeList;
  /** Whose operation each place has; null: nobody's, or somebody's who has not waited. */
  readonly #ios: (Io | null)[];
  /** When each place's operation has had its time. */
  readonly #deadlines: Float64Array;
  /** Operations without a place, and their deadlines. */
  readonly #waiting: Io[] = [];
  readonly #waitingDeadlines: number[] = [];
  #gone = false;

  /** `parcel` has the exchange, and the bell of the disk's thread. */
  constructor(engine: Engine, parcel: Parcel, timeoutMs: number, complete: BlockComplete<Io>, loss: Loss) {
    assert(parcel.bell !== undefined, 'custom unit: its disk has a thread');
    this.#engine = engine;
    this.#slab = engine.slab;
    this.#exchange = new Exchange(parcel.memory);
    this.#bytes = new Uint8Array(parcel.memory);
    this.#base = engine.attachRegion(parcel.memory);
    this.#bell = parcel.bell;
    this.#timeoutMs = timeoutMs;
    this.#complete = complete;
    this.#loss = loss;
    const { places } = this.#exchange;
    this.#places = new FreeList(places);
    this.#ios = new Array<Io | null>(places).fill(null);
    this.#deadlines = new Float64Array(places).fill(NEVER);
  }

  /** Allocates nothing, nor do the others that move data. */
  read(io: Io): void {
    io.operation = DiskOperation.read;
    this.#start(io);
  }

  write(io: Io): void {
    io.operation = io.durable ? DiskOperation.writeDurably : DiskOperation.write;
    if (io.durable && this.#loss.happened) this.#refuse(io, LOST);
    else this.#start(io);
  }

  sync(io: Io): void {
    io.operation = DiskOperation.flush;
    if (this.#loss.happened) this.#refuse(io, LOST);
    else this.#start(io);
  }

  clear(io: Io, deallocate: boolean): void {
    io.operation = deallocate ? DiskOperation.unmap : DiskOperation.zero;
    this.#start(io);
  }

  pause(io: Io): void {
    io.operation = PAUSE;
    this.#engine.nextTurn(io.index);
  }

  /** Only the disk could tell. */
  allocationAt(_offset: number, end: number): Allocation {
    return { allocated: true, end };
  }

  /** A pause is over, or it is time to refuse. */
  fileDone(io: Io): void {
    if (io.operation === LOST) this.#complete(io, Errno.ENOTRECOVERABLE);
    else this.#complete(io, io.operation === GONE ? Errno.ENXIO : 0);
  }

  detach(): void {
    this.#bell.close();
    this.#engine.detachRegion(this.#base);
  }

  /** The disk's thread may have answered. */
  answered(): void {
    const exchange = this.#exchange;
    exchange.workerHeard();
    for (let place = exchange.nextAnswered(); place !== NONE; place = exchange.nextAnswered()) {
      const io = this.#ios[place]!;
      this.#ios[place] = null;
      this.#deadlines[place] = NEVER;
      const errno = this.#errnoOf(place);
      if (io !== null && errno === 0 && io.operation === DiskOperation.read) this.#copyOut(place, io);
      if (errno !== 0 && io !== null) io.progress = exchange.failedAtOf(place);
      this.#places.release(place);
      if (io !== null) this.#complete(io, errno);
      this.#startWaiting();
    }
  }

  /** Ends what has waited for too long. */
  tick(now: number): void {
    for (let place = 0; place < this.#ios.length; place++) {
      const io = this.#ios[place]!;
      if (io === null || this.#deadlines[place]! > now) continue;
      this.#ios[place] = null;
      if (this.#exchange.giveUp(place)) this.#bell.postMessage(0);
      this.#complete(io, Errno.ETIMEDOUT);
    }
    while (this.#waiting.length !== 0 && this.#waitingDeadlines[0]! <= now) {
      this.#waitingDeadlines.shift();
      this.#complete(this.#waiting.shift()!, Errno.ETIMEDOUT);
    }
  }

  /** Nobody answers any more: operations end, those to come as well. */
  lost(): void {
    this.#gone = true;
    for (let place = 0; place < this.#ios.length; place++) {
      const io = this.#ios[place]!;
      this.#ios[place] = null;
      if (io !== null) this.#complete(io, Errno.ENXIO);
    }
    this.#waitingDeadlines.length = 0;
    for (let io = this.#waiting.shift(); io !== undefined; io = this.#waiting.shift()) this.#complete(io, Errno.ENXIO);
  }

  /** A flush that was late, and that nobody waits for any more, has lost no less. */
  #errnoOf(place: number): number {
    const errno = this.#exchange.errnoOf(place);
    if (errno === 0 || !this.#exchange.hasLostWrites(place)) return errno;
    this.#loss.note(errno);
    return Errno.ENOTRECOVERABLE;
  }

  #refuse(io: Io, reason: typeof GONE | typeof LOST): void {
    io.progress = 0;
    io.operation = reason;
    this.#engine.nextTurn(io.index);
  }

  #start(io: Io): void {
    io.progress = 0;
    if (this.#gone) {
      this.#refuse(io, GONE);
      return;
    }
    const deadline = this.#engine.now() + this.#timeoutMs;
    const place = this.#waiting.length === 0 ? this.#places.take() : NONE;
    if (place !== NONE) {
      this.#ask(place, io, deadline);
      return;
    }
    this.#waiting.push(io);
    this.#waitingDeadlines.push(deadline);
  }

  #startWaiting(): void {
    while (this.#waiting.length !== 0 && this.#places.available !== 0) {
      this.#ask(this.#places.take(), this.#waiting.shift()!, this.#waitingDeadlines.shift()!);
    }
  }

  #ask(place: number, io: Io, deadline: number): void {
    const { operation } = io;
    this.#ios[place] = io;
    this.#deadlines[place] = deadline;
    if (operation === DiskOperation.write || operation === DiskOperation.writeDurably) this.#copyIn(place, io);
    if (this.#exchange.ask(place, operation as DiskOperation, io.offset, io.length)) this.#bell.postMessage(0);
  }

  /** By address where addresses are the machine's: a third of the time, and nothing allocated. */
  #copyIn(place: number, io: Io): void {
    assert(io.length <= EXCHANGE_DATA_BYTES, 'custom unit: no more than a place holds');
    const at = this.#exchange.dataAt(place);
    const { copyByAddress, base, bytes } = this.#slab;
    if (copyByAddress !== null) copyByAddress(this.#base + at, base + io.at, io.length);
    else this.#bytes.set(bytes.subarray(io.at, io.at + io.length), at);
  }

  #copyOut(place: number, io: Io): void {
    assert(io.length <= EXCHANGE_DATA_BYTES, 'custom unit: no more than a place holds');
    const at = this.#exchange.dataAt(place);
    const { copyByAddress, base, bytes } = this.#slab;
    if (copyByAddress !== null) copyByAddress(base + io.at, this.#base + at, io.length);
    else bytes.set(this.#bytes.subarray(at, at + io.length), io.at);
  }
}
