// Messages between main and one worker: JSON records over a ring each way, in order, none lost when a ring is full.
// What they mean is messages.ts's. Cold: logins and administration, never a command.

import { assert } from '../base/assert.ts';
import { Ring } from './ring.ts';

/** A record may have half of it. The longest message, reservations with the most and longest names and news for all of them, has 276 KiB. */
const RING_BYTES = 1024 * 1024;

/** The shared memory of a channel. */
export interface ChannelMemory {
  readonly toWorker: SharedArrayBuffer;
  readonly fromWorker: SharedArrayBuffer;
}

/** Memory for a new channel. */
export function allocateChannel(): ChannelMemory {
  return { toWorker: Ring.allocate(RING_BYTES), fromWorker: Ring.allocate(RING_BYTES) };
}

/** One end of a channel. */
export class Channel<Out, In> {
  readonly #out: Ring;
  readonly #in: Ring;
  readonly #ringBell: () => void;
  /** Messages that found no room, in order. */
  readonly #overflow: Uint8Array[] = [];

  /** `ringBell` wakes the other side: an eventfd that an io_uring worker reads, a MessagePort for everyone else. Its `receive` is called then. */
  constructor(out: SharedArrayBuffer, input: SharedArrayBuffer, ringBell: () => void) {
    this.#out = new Ring(out);
    this.#in = new Ring(input);
    this.#ringBell = ringBell;
  }

  /** Bytes on their way: out of here, those that found no room in the ring included, and in. */
  get depth(): { readonly out: number; readonly in: number } {
    const overflow = this.#overflow.reduce((sum, { length }) => sum + length, 0);
    return { out: this.#out.depth + overflow, in: this.#in.depth };
  }

  /**
   * Sends a message. It waits here when the ring is full, and goes as soon as the other side has made room. One that could never go is
   * our fault, and throws here, where its sender is: behind others it would hold up all that follow.
   */
  send(message: Out): void {
    const record = Buffer.from(JSON.stringify(message));
    assert(record.length <= this.#out.recordMax, 'channel: a message fits the ring');
    if (this.#overflow.length !== 0 || !this.#out.tryWrite(record)) {
      this.#overflow.push(record);
      this.#out.block();
    }
    if (this.#out.mustRing()) this.#ringBell();
  }

  /** The bell rang: hands over every message that is there, and sends what waited for room. */
  receive(handle: (message: In) => void): void {
    this.#in.answerBell();
    this.#flush();
    for (let record = this.#in.read(); record !== null; record = this.#in.read()) {
      handle(JSON.parse(Buffer.from(record.buffer).toString()) as In);
    }
    if (this.#in.unblock()) this.#ringBell();
  }

  #flush(): void {
    if (this.#overflow.length === 0) return;
    let sent = 0;
    while (sent < this.#overflow.length && this.#out.tryWrite(this.#overflow[sent]!)) sent++;
    this.#overflow.splice(0, sent);
    if (this.#overflow.length !== 0) this.#out.block();
    if (sent !== 0 && this.#out.mustRing()) this.#ringBell();
  }
}
