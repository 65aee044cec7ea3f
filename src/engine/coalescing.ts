// When the io_uring engine waits for several sockets at once: each turn costs a call and a wake-up, whatever comes of it.
// How a wait ends is kernel/uring.ts's; polling instead of sleeping, busy-poll.ts's.

/** Waits after which is judged anew. */
const WAITS_PER_JUDGEMENT = 64;
/** What a command is at least: a header of so many bytes that came, and a span that was sent. */
const BYTES_PER_COMMAND = 48;
/** Initiators have queues when each receive brought so many commands, */
const COMMANDS_PER_RECEIVE = 2;
/** and deep ones when so many. With a depth of 8 it is 5, with 16 and more 7 to 10. */
const COMMANDS_PER_RECEIVE_DEEP = 6.5;
/** How much longer deep queues may wait: initiators are at work on what they have all the while. */
const DEEP_FACTOR = 3;
/** Sockets that are looked at. */
const SOCKETS_HEARD_MAX = 64;
/** With fewer, what is saved is lost to latency; more together save little more. */
const SOCKETS_MIN = 3;
const SOCKETS_MAX = 16;
/** Of the average socket's receives, what one needs that is worth waiting for. */
const REGULAR_SHARE = 0.25;

/**
 * Coalescing, as network cards do it with interrupts. Initiators that wait for one answer at a time get it at once, and so do two; where disks
 * are at work, nobody waits. Where more have queues, the next turn begins when all of those that send about as often as the others
 * have sent again, or after a limit.
 */
export class Coalescing {
  readonly #limitUs: number;
  // Since the last judgement: sockets that were heard, and how often each was, by handle.
  readonly #heard = new Int32Array(SOCKETS_HEARD_MAX);
  readonly #times: Uint32Array;
  #sockets = 0;
  #receives = 0;
  #bytes = 0;
  #spans = 0;
  #waits = 0;
  #rung = false;
  /** What was judged: completions that are worth waiting for, and whether the queues are deep. */
  #worthwhile = 1;
  #deep = false;

  /** `sockets`: their handles are below that. `limitUs`: microseconds; 0: never. */
  constructor(sockets: number, limitUs: number) {
    this.#limitUs = limitUs;
    this.#times = new Uint32Array(sockets);
  }

  /** For how long to wait at most, in microseconds. Allocates nothing. */
  get waitUs(): number {
    return this.#deep ? DEEP_FACTOR * this.#limitUs : this.#limitUs;
  }

  /** A socket received `bytes`. Allocates nothing. */
  received(socket: number, bytes: number): void {
    this.#receives++;
    this.#bytes += bytes;
    if (this.#times[socket] === 0) {
      if (this.#sockets === SOCKETS_HEARD_MAX) return;
      this.#heard[this.#sockets++] = socket;
    }
    this.#times[socket]!++;
  }

  /** A span was queued for a socket. Allocates nothing. */
  sending(): void {
    this.#spans++;
  }

  /** Another thread rang: a disk that is served there may have done something. Until the next judgement nobody waits. */
  rung(): void {
    this.#rung = true;
    this.#worthwhile = 1;
  }

  /** For how many completions the next wait is to be. Allocates nothing. */
  next(): number {
    if (++this.#waits > WAITS_PER_JUDGEMENT) this.#judge();
    return this.#worthwhile;
  }

  #judge(): void {
    const commands = Math.min(this.#spans, this.#bytes / BYTES_PER_COMMAND);
    const queues = commands >= COMMANDS_PER_RECEIVE * this.#receives;
    const sockets = queues && !this.#rung && this.#limitUs !== 0 ? this.#regular() : 0;
    this.#worthwhile = sockets < SOCKETS_MIN ? 1 : Math.min(sockets, SOCKETS_MAX);
    this.#deep = commands >= COMMANDS_PER_RECEIVE_DEEP * this.#receives;
    this.#forget();
  }

  /** Sockets that were heard about as often as the others. */
  #regular(): number {
    const often = (REGULAR_SHARE * this.#receives) / this.#sockets;
    let count = 0;
    for (let index = 0; index < this.#sockets; index++) if (this.#times[this.#heard[index]!]! >= often) count++;
    return count;
  }

  #forget(): void {
    for (let index = 0; index < this.#sockets; index++) this.#times[this.#heard[index]!] = 0;
    this.#sockets = 0;
    this.#receives = 0;
    this.#bytes = 0;
    this.#spans = 0;
    this.#waits = 1;
    this.#rung = false;
  }
}
