// What the sockets of a worker have to send: one pool of entries, and in it one list per socket, oldest entry first.
// Sending and reporting are the engine's; here is only who comes after whom.

import { assert } from '../base/assert.ts';
import type { Address } from './engine.ts';

/** The end of a list. */
export const END = -1;

/** The two ends of one socket's list. */
export interface SendList {
  /** The oldest entry, or {@link END}. */
  firstSend: number;
  lastSend: number;
}

/**
 * The pool. An entry is a number; its parts are in the arrays.
 *
 * It never grows. Whoever sends holds a slab slot or cell for it, with at most a few entries each (header, data, padding, digest),
 * so a pool of {@link ENTRIES_PER_TOKEN} entries for each slot and cell can't run out; running out is our fault, and asserted.
 */
export class SendQueue {
  readonly address: Float64Array;
  readonly length: Int32Array;
  readonly token: Int32Array;
  readonly next: Int32Array;
  #free = 0;

  constructor(capacity: number) {
    this.address = new Float64Array(capacity);
    this.length = new Int32Array(capacity);
    this.token = new Int32Array(capacity);
    this.next = new Int32Array(capacity);
    for (let entry = 0; entry < capacity; entry++) this.next[entry] = entry + 1 < capacity ? entry + 1 : END;
  }

  /** Appends to a list. Allocates nothing. */
  append(list: SendList, address: Address, length: number, token: number): void {
    const entry = this.#free;
    assert(entry !== END, 'send queue: more entries than I/O memory can have bytes for');
    this.#free = this.next[entry]!;
    this.address[entry] = address;
    this.length[entry] = length;
    this.token[entry] = token;
    this.next[entry] = END;
    if (list.firstSend === END) list.firstSend = entry;
    else this.next[list.lastSend] = entry;
    list.lastSend = entry;
  }

  /** Takes the oldest entry out of a list and answers its token. Allocates nothing. */
  removeFirst(list: SendList): number {
    const entry = list.firstSend;
    assert(entry !== END, 'send queue: nothing to remove');
    list.firstSend = this.next[entry]!;
    if (list.firstSend === END) list.lastSend = END;
    this.next[entry] = this.#free;
    this.#free = entry;
    return this.token[entry]!;
  }

  /** The oldest entry's first `count` bytes have left, and more of it is to follow. Allocates nothing. */
  shorten(list: SendList, count: number): void {
    const entry = list.firstSend;
    assert(count < this.length[entry]!, 'send queue: an entry that has left whole is removed');
    this.address[entry]! += count;
    this.length[entry]! -= count;
  }
}

/** See {@link SendQueue}. */
export const ENTRIES_PER_TOKEN = 4;
