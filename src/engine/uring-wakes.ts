// What wakes a worker on io_uring beside sockets and files: the tick of about a second, alarms, and other threads' bell.
// What each is for is decided by whoever hears the events.

import { NONE } from '../base/free-list.ts';
import { PageMemory } from '../kernel/memory.ts';
import { Operation } from '../kernel/sqe.ts';
import type { Uring } from '../kernel/uring.ts';
import type { Address } from './engine.ts';
import { KIND_SHIFT, Kind } from './user-data.ts';

const TICK_SECONDS = 1;
/** Where the page holds the tick's struct timespec, and what a read of the bell's counter yields. */
const TIMESPEC_AT = 0;
const WAKE_COUNT_AT = 16;
const WAKE_COUNT_BYTES = 8;
/** Behind them the struct timespecs of alarms, which the kernel copies at submission. */
const ALARMS_AT = 64;
const TIMESPEC_BYTES = 16;
const ALARMS_PER_TURN = 4;
const NANOSECONDS_PER_MS = 1e6;

/** See the file's head. */
export class UringWakes {
  readonly #uring: Uring;
  readonly #wakeFd: number;
  readonly #page = new PageMemory(ALARMS_AT + ALARMS_PER_TURN * TIMESPEC_BYTES);
  /** Alarms whose time the kernel may not have copied yet. */
  #alarmsQueued = 0;

  /** `wakeFd`: an eventfd, or {@link NONE}: there is no bell. */
  constructor(uring: Uring, wakeFd: number) {
    this.#uring = uring;
    this.#wakeFd = wakeFd;
  }

  armTick(): void {
    const { words, address } = this.#page;
    words[TIMESPEC_AT >> 2] = TICK_SECONDS;
    this.#queue(Operation.TIMEOUT, NONE, address + TIMESPEC_AT, 1, Kind.tick);
  }

  armBell(): void {
    if (this.#wakeFd === NONE) return;
    this.#queue(Operation.READ, this.#wakeFd, this.#page.address + WAKE_COUNT_AT, WAKE_COUNT_BYTES, Kind.wake);
  }

  /** In `delayMs` milliseconds, less than a second. Allocates nothing. */
  armAlarm(delayMs: number): void {
    if (this.#alarmsQueued === ALARMS_PER_TURN) {
      this.#uring.submit();
      this.#alarmsQueued = 0;
    }
    const { words, address } = this.#page;
    const at = ALARMS_AT + this.#alarmsQueued++ * TIMESPEC_BYTES;
    words[(at >> 2) + 2] = delayMs * NANOSECONDS_PER_MS;
    this.#queue(Operation.TIMEOUT, NONE, address + at, 1, Kind.alarm);
  }

  /** Everything queued is with the kernel. */
  submitted(): void {
    this.#alarmsQueued = 0;
  }

  /** Takes tick and bell back; alarms come in their time. */
  cancel(): void {
    this.#queue(Operation.ASYNC_CANCEL, NONE, userData(Kind.wake), 0, Kind.cancel);
    this.#queue(Operation.ASYNC_CANCEL, NONE, userData(Kind.tick), 0, Kind.cancel);
  }

  #queue(operation: Operation, fd: number, address: Address, length: number, kind: number): void {
    this.#uring.push(operation, fd, 0, address, length, 0, 0, 0, kind << KIND_SHIFT);
  }
}

/** As the number that a cancellation names an operation by. */
function userData(kind: number): number {
  return kind * 2 ** (32 + KIND_SHIFT);
}
