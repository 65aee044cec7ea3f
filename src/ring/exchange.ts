// What a worker asks of a custom disk, whose functions run on another thread, and what came of it: one shared buffer for each pair of them.
// Who asks is backend/custom.ts, who answers control/disk-server.ts; how a sleeper is woken is up to them.

import { assert } from '../base/assert.ts';
import { NONE } from '../base/free-list.ts';
import { PAGE_BYTES, pageFrom } from '../base/page.ts';

/** Operations that one worker may have with one disk at a time. */
export const EXCHANGE_PLACES_MAX = 256;
/** Bytes of data that one operation carries: a slot's. */
export const EXCHANGE_DATA_BYTES = 256 * 1024;

/** What a disk is asked to do. */
export const DiskOperation = {
  read: 0,
  write: 1,
  /** Write, and on stable storage before the answer. */
  writeDurably: 2,
  flush: 3,
  /** The range reads as zeroes afterwards, and gives its space back. */
  unmap: 4,
  /** The range reads as zeroes afterwards. */
  zero: 5,
} as const;
export type DiskOperation = (typeof DiskOperation)[keyof typeof DiskOperation];

// Words of the control block. Each side's are on 64-byte lines of their own, so that neither slows the other down.
const PLACES = 0;
const DATA_START = 1;
const ASKED_TAIL = 16;
const ASKED_HEAD = 32;
const ANSWERED_TAIL = 48;
const ANSWERED_HEAD = 64;
const DISK_RUNG = 80;
const WORKER_RUNG = 96;
const CONTROL_WORDS = 112;

const FIELDS = 5;
const OPERATION = 0;
const OFFSET = 1;
const LENGTH = 2;
/** Of an answer, in place of the length: bytes before the block that failed. */
const FAILED_AT = 2;
const ERRNO = 3;
/** Of an answer: 1 when writes that were acknowledged may be lost. */
const LOST = 4;

/** Where the parts of the buffer begin, in bytes; the data somewhat later, on a page of the machine's. */
function plan(places: number) {
  const asked = CONTROL_WORDS * 4;
  const answered = asked + places * 4;
  const givenUp = answered + places * 4;
  const fields = Math.ceil((givenUp + places * 4) / 8) * 8;
  const data = pageFrom(fields + places * FIELDS * 8);
  return { asked, answered, givenUp, fields, data, end: data + PAGE_BYTES + places * EXCHANGE_DATA_BYTES };
}

/** Both threads make one over the same memory. Each operation has a place, which is the worker's to choose. Nothing here allocates, but the constructor. */
export class Exchange {
  readonly memory: SharedArrayBuffer;
  readonly places: number;
  readonly #words: Int32Array;
  readonly #asked: Int32Array;
  readonly #answered: Int32Array;
  /** By place: 1 once the worker does not wait for the answer any more. */
  readonly #givenUp: Int32Array;
  readonly #fields: Float64Array;
  readonly #dataStart: number;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory, 0, CONTROL_WORDS);
    this.places = this.#words[PLACES]!;
    const { asked, answered, givenUp, fields, end } = plan(this.places);
    assert(memory.byteLength === end, 'exchange: memory that was allocated for one');
    this.#asked = new Int32Array(memory, asked, this.places);
    this.#answered = new Int32Array(memory, answered, this.places);
    this.#givenUp = new Int32Array(memory, givenUp, this.places);
    this.#fields = new Float64Array(memory, fields, this.places * FIELDS);
    this.#dataStart = this.#words[DATA_START]!;
  }

  /**
   * Memory for `places` operations at a time, which `make` makes: zeroes, of which pages that no operation reaches should cost nothing. `align`
   * says where in the buffer the first page-aligned byte is: data that begins a few bytes behind a page is slow to copy on some processors. Both
   * are the kernel layer's to know.
   */
  static allocate(
    places: number,
    align: (memory: SharedArrayBuffer) => number = () => 0,
    make = (bytes: number) => new SharedArrayBuffer(bytes),
  ): SharedArrayBuffer {
    assert(places > 0 && places <= EXCHANGE_PLACES_MAX, 'exchange: a number of places within its bounds');
    const { data, end } = plan(places);
    const memory = make(end);
    const words = new Int32Array(memory, 0, CONTROL_WORDS);
    words[PLACES] = places;
    words[DATA_START] = data + align(memory);
    return memory;
  }

  /** Where a place's data is, in bytes from the buffer's start: {@link EXCHANGE_DATA_BYTES} of them. */
  dataAt(place: number): number {
    return this.#dataStart + place * EXCHANGE_DATA_BYTES;
  }

  // The worker's side

  /** Asks; the data of a write is in its place already. True: the disk's thread must be woken. */
  ask(place: number, operation: DiskOperation, offset: number, length: number): boolean {
    const at = place * FIELDS;
    this.#fields[at + OPERATION] = operation;
    this.#fields[at + OFFSET] = offset;
    this.#fields[at + LENGTH] = length;
    this.#givenUp[place] = 0;
    const tail = this.#words[ASKED_TAIL]!;
    this.#asked[tail % this.places] = place;
    // The store publishes: whoever sees the new tail sees the rest.
    Atomics.store(this.#words, ASKED_TAIL, this.#next(tail));
    return Atomics.exchange(this.#words, DISK_RUNG, 1) === 0;
  }

  /**
   * The worker waits no more for an operation, which is answered all the same, and has the place until then: at once if it has not begun.
   * True: the disk's thread must be woken.
   */
  giveUp(place: number): boolean {
    Atomics.store(this.#givenUp, place, 1);
    return Atomics.exchange(this.#words, DISK_RUNG, 1) === 0;
  }

  /** The worker was woken; whatever is answered from now on wakes it again. Call it before {@link nextAnswered}. */
  workerHeard(): void {
    Atomics.store(this.#words, WORKER_RUNG, 0);
  }

  /** A place whose answer is there, which thereby is free again; or {@link NONE}. */
  nextAnswered(): number {
    const head = this.#words[ANSWERED_HEAD]!;
    if (head === Atomics.load(this.#words, ANSWERED_TAIL)) return NONE;
    const place = this.#answered[head % this.places]!;
    Atomics.store(this.#words, ANSWERED_HEAD, this.#next(head));
    return place;
  }

  /** 0, or what went wrong (positive, as in errno(3)). */
  errnoOf(place: number): number {
    return this.#fields[place * FIELDS + ERRNO]!;
  }

  /** Of an operation that failed: how many of its bytes are before the block that did. */
  failedAtOf(place: number): number {
    return this.#fields[place * FIELDS + FAILED_AT]!;
  }

  /** The operation failed because writes that were acknowledged may be lost, the errno being that of the flush that failed. */
  hasLostWrites(place: number): boolean {
    return this.#fields[place * FIELDS + LOST] !== 0;
  }

  // The disk's side

  /** The disk's thread was woken; whatever is asked from now on wakes it again. Call it before {@link nextAsked}. */
  diskHeard(): void {
    Atomics.store(this.#words, DISK_RUNG, 0);
  }

  /** A place that asks for something, or {@link NONE}. */
  nextAsked(): number {
    const head = this.#words[ASKED_HEAD]!;
    if (head === Atomics.load(this.#words, ASKED_TAIL)) return NONE;
    const place = this.#asked[head % this.places]!;
    Atomics.store(this.#words, ASKED_HEAD, this.#next(head));
    return place;
  }

  operationOf(place: number): DiskOperation {
    return this.#fields[place * FIELDS + OPERATION] as DiskOperation;
  }

  /** Bytes from the start of the unit. */
  offsetOf(place: number): number {
    return this.#fields[place * FIELDS + OFFSET]!;
  }

  /** Bytes. */
  lengthOf(place: number): number {
    return this.#fields[place * FIELDS + LENGTH]!;
  }

  /** See {@link giveUp}. */
  isGivenUp(place: number): boolean {
    return Atomics.load(this.#givenUp, place) !== 0;
  }

  /** Answers; see {@link errnoOf}, {@link failedAtOf} and {@link hasLostWrites}. True: the worker must be woken. */
  answer(place: number, errno: number, failedAt: number, lostWrites = false): boolean {
    const at = place * FIELDS;
    this.#fields[at + ERRNO] = errno;
    this.#fields[at + FAILED_AT] = failedAt;
    this.#fields[at + LOST] = lostWrites ? 1 : 0;
    const tail = this.#words[ANSWERED_TAIL]!;
    this.#answered[tail % this.places] = place;
    Atomics.store(this.#words, ANSWERED_TAIL, this.#next(tail));
    return Atomics.exchange(this.#words, WORKER_RUNG, 1) === 0;
  }

  /** Counts to twice the places, so that full and empty differ. */
  #next(index: number): number {
    return (index + 1) % (2 * this.places);
  }
}
