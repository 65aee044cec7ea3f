// Simulated TCP connections: bytes arrive in any parts, late, and not at all once a connection has been reset or has gone silent.
// What the bytes say, and who reads them, is for the ends.

import type { SimClock } from './clock.ts';
import type { Random } from './random.ts';

/** How bad the network is. Probabilities are per write, that of damage per digest. */
export interface NetworkFaults {
  readonly reset: number;
  readonly halfOpen: number;
  readonly damage: number;
  /** Milliseconds that bytes take now and then. */
  readonly slowMs: number;
}

/** What an end's owner hears. */
export interface EndEvents {
  /** There are bytes to take. */
  readable(): void;
  /** There may be room to send. */
  writable(): void;
  /** The other end closed (errno 0), or the connection failed. What came before is still there to be taken. */
  ended(errno: number): void;
}

const NOBODY: EndEvents = { readable: () => {}, writable: () => {}, ended: () => {} };
const ECONNRESET = 104;
const ETIMEDOUT = 110;
/** On a connection that crawls: bytes that come together, and that an end may have under way. */
const CRAWL_PART = 64;
const CRAWL_ROOM = 4096;
/** A peer that is silent is given up by the kernel after so many milliseconds. */
const GIVEN_UP_MS = 20_000;

/** One end of a connection. */
export class End {
  events: EndEvents = NOBODY;
  /** Bytes that have arrived, and that nobody has taken. */
  received = Buffer.alloc(0);
  /** What `ended` said; null: nothing yet. */
  outcome: number | null = null;
  closed = false;
  readonly name: string;
  readonly #link: Link;
  other!: End;
  /** Bytes sent and not yet taken by the other end. */
  #underWay = 0;
  #arrival = 0;
  /** What is to arrive, first to last: times that are the same but for their rounding must not say which comes first. */
  readonly #onTheWay: (() => void)[] = [];

  constructor(link: Link, name: string) {
    this.#link = link;
    this.name = name;
  }

  /** Sends as much as there is room for; answers how much that was. */
  write(bytes: Uint8Array): number {
    const link = this.#link;
    if (this.closed || this.outcome !== null) return bytes.length;
    const room = Math.max(0, link.room - this.#underWay);
    const taken = bytes.slice(0, room);
    if (taken.length === 0) return 0;
    this.#underWay += taken.length;
    link.mishap();
    for (let at = 0; at < taken.length; ) {
      const length = link.random.chance(0.3)
        ? link.random.between(1, taken.length - at)
        : Math.min(taken.length - at, link.crawls ? CRAWL_PART : 16_384);
      const part = taken.subarray(at, at + length);
      this.#deliver(() => this.other.#arrive(part), part.length * link.msPerByte);
      at += length;
    }
    return taken.length;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Takes the first bytes of what has arrived. */
  take(length: number): Buffer {
    const taken = this.received.subarray(0, length);
    this.received = this.received.subarray(taken.length);
    const { other } = this;
    other.#underWay -= taken.length;
    if (taken.length !== 0 && !other.closed) this.#link.later(0, () => other.events.writable());
    return taken;
  }

  /** Sends no more, and hears no more; what was sent still arrives. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = NOBODY;
    this.received = Buffer.alloc(0);
    if (this.outcome === null) this.#deliver(() => this.other.end(0));
  }

  /** Closes at once: the other end sees the connection fail. */
  abort(): void {
    if (this.closed) return;
    this.closed = true;
    this.events = NOBODY;
    this.received = Buffer.alloc(0);
    if (!this.#link.silent) this.#link.later(1, () => this.other.end(ECONNRESET));
  }

  /** The connection is over for this end. */
  end(errno: number): void {
    if (this.outcome !== null || this.closed) return;
    this.outcome = errno;
    if (errno !== 0) this.received = Buffer.alloc(0);
    this.#link.clock.note(`${this.name} ended ${errno}`);
    this.events.ended(errno);
  }

  #arrive(bytes: Uint8Array): void {
    if (this.closed || this.outcome !== null) return;
    this.#link.clock.note(`${this.name} < ${bytes.length} ${this.#link.fingerprint(bytes)}`);
    this.received = Buffer.concat([this.received, bytes]);
    this.events.readable();
  }

  /** After what was sent before, and so much later at least. */
  #deliver(run: () => void, lag = 0): void {
    const { clock, random, faults } = this.#link;
    this.#arrival = Math.max(this.#arrival, clock.now + random.delay(0.2, faults.slowMs)) + lag;
    this.#onTheWay.push(run);
    clock.after(this.#arrival - clock.now, () => {
      const first = this.#onTheWay.shift()!;
      if (!this.#link.silent && !this.#link.broken) first();
    });
  }
}

/** A connection. */
export class Link {
  readonly clock: SimClock;
  readonly random: Random;
  readonly initiator: End;
  readonly target: End;
  faults: NetworkFaults;
  readonly #capacity: number;
  /** What a byte takes behind those before it; 0: nothing. */
  msPerByte = 0;
  hasCrawled = false;
  /** Nothing arrives any more, and nobody is told. */
  silent = false;
  broken = false;
  /** Descriptors of the target's that refer to it. */
  references = 1;

  constructor(clock: SimClock, random: Random, faults: NetworkFaults, name: string) {
    this.clock = clock;
    this.random = random;
    this.faults = faults;
    this.#capacity = random.pick([4096, 65_536, 1_048_576]);
    this.initiator = new End(this, `${name}.i`);
    this.target = new End(this, `${name}.t`);
    this.initiator.other = this.target;
    this.target.other = this.initiator;
  }

  /** Bytes that an end may have under way. */
  get room(): number {
    return this.crawls ? Math.min(this.#capacity, CRAWL_ROOM) : this.#capacity;
  }

  get crawls(): boolean {
    return this.msPerByte !== 0;
  }

  /** Next to nothing gets through for a while, both ways. */
  crawl(msPerByte: number, milliseconds: number): void {
    this.clock.note(`${this.target.name} crawls: ${msPerByte} ms for a byte`);
    this.msPerByte = msPerByte;
    this.hasCrawled = true;
    this.clock.after(milliseconds, () => {
      this.msPerByte = 0;
    });
  }

  fingerprint(bytes: Uint8Array): string {
    let sum = 0;
    for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
    return (sum >>> 0).toString(16);
  }

  later(delayMs: number, run: () => void): void {
    this.clock.after(this.random.delay(delayMs, delayMs * 10), run);
  }

  /** A descriptor of the target's is gone; with the last one its end closes. */
  dereference(): void {
    if (--this.references === 0) this.target.close();
  }

  /** The connection breaks: what is under way is lost, and each end hears of it in its own time. */
  reset(): void {
    if (this.broken) return;
    this.broken = true;
    this.clock.note(`${this.target.name} reset`);
    for (const end of [this.initiator, this.target]) this.later(2, () => end.end(ECONNRESET));
  }

  /** Nothing gets through from now on. */
  fallSilent(): void {
    if (this.silent) return;
    this.silent = true;
    this.clock.note(`${this.target.name} silent`);
    for (const end of [this.initiator, this.target]) {
      this.clock.after(GIVEN_UP_MS * (0.5 + this.random.fraction()), () => end.end(ETIMEDOUT));
    }
  }

  mishap(): void {
    if (this.random.chance(this.faults.reset)) this.reset();
    if (this.random.chance(this.faults.halfOpen)) this.fallSilent();
  }
}
