// What one connection has of its worker's I/O memory, and how much that may be: who reads slowly, or owes data, holds up nobody else.
// Counts, and keeps those who wait for room in the share. The memory is the slab's; who goes on when, the processor's.

import type { Slab } from '../engine/slab.ts';
import { TaskQueue } from './task-queue.ts';

/** One connection has at most this part of the memory. The more of them have any, the less each may have. */
const PARTS_MIN = 8;
/** Parts that are left for each connection that is yet to come. */
const PARTS_PER_SHARE = 4;
/** However many they are, each may have this much: pieces enough to keep a connection busy, and the headers to send them with. */
const SHARE_BYTES_MIN = 1024 * 1024;
const SHARE_CELLS_MIN = 32;

/** The shares of one worker. */
export class MemoryShares {
  /** Shares that have got something back while tasks wait for room in them. */
  readonly relieved: MemoryShare[] = [];
  /** Bytes of slots that a share may have for what was asked for, and cells. Kept, as each piece asks for them. */
  bytesMax = 0;
  cellsMax = 0;
  /** Shares with something in them. */
  active = 0;
  readonly #slotBytes: number;
  readonly #cells: number;

  constructor(slab: Slab) {
    this.#slotBytes = slab.slotBytes;
    this.#cells = slab.cellCount;
    this.activate(0);
  }

  /** So many more shares have something in them than before; negative: fewer. Allocates nothing. */
  activate(shares: number): void {
    this.active += shares;
    const parts = Math.max(PARTS_MIN, this.active * PARTS_PER_SHARE);
    this.bytesMax = Math.max(SHARE_BYTES_MIN, this.#slotBytes / parts);
    this.cellsMax = Math.max(SHARE_CELLS_MIN, this.#cells / parts);
  }
}

/** The share of one connection. */
export class MemoryShare {
  readonly shares: MemoryShares;
  /** Tasks that wait for room in this share. */
  readonly waiting = new TaskQueue();
  /** Bytes of slots, and cells: with the backends, with the engine, or kept for data that the initiator owes, or that came before their turn. */
  bytes = 0;
  cells = 0;
  /** Bytes of those that are for data which comes unasked. It may lie there until a unit's limit lets its command start. */
  unasked = 0;
  /** Bytes of slots that commands keep for as long as they run, which may be minutes. They count apart: what is read and written goes on beside them. */
  kept = 0;
  /** Operations and sends that are certain to end and give some of it back. */
  underWay = 0;
  #relieved = false;

  constructor(shares: MemoryShares) {
    this.shares = shares;
  }

  /** Room for what was asked for, whatever came unasked. A share without slots for it has room for any piece. Allocates nothing. */
  hasRoom(bytes: number, cells: number): boolean {
    const { bytesMax, cellsMax } = this.shares;
    const asked = this.bytes - this.unasked;
    return (asked === 0 || asked + bytes <= bytesMax) && (this.cells === 0 || this.cells + cells <= cellsMax);
  }

  /** Room for data that comes unasked: as much again, for when what was asked for has taken all of its own. Allocates nothing. */
  hasRoomUnasked(bytes: number): boolean {
    return this.bytes === 0 || this.bytes + bytes <= 2 * this.shares.bytesMax;
  }

  /** Whether its connection has no memory at all, and does not count among those that share it. */
  get empty(): boolean {
    return this.bytes + this.cells + this.kept === 0;
  }

  /** Room for a slot that a command keeps for as long as it runs. */
  hasRoomToKeep(bytes: number): boolean {
    return this.kept === 0 || this.kept + bytes <= this.shares.bytesMax;
  }

  /** Allocates nothing. */
  take(bytes: number, cells: number): void {
    const { empty } = this;
    this.bytes += bytes;
    this.cells += cells;
    if (empty && !this.empty) this.shares.activate(1);
  }

  /** Allocates nothing, unless a task waits for it. */
  give(bytes: number, cells: number): void {
    const { empty } = this;
    this.bytes -= bytes;
    this.cells -= cells;
    if (!empty && this.empty) this.shares.activate(-1);
    this.relieve();
  }

  /** So much more is kept; negative: less. */
  keep(bytes: number): void {
    const { empty } = this;
    this.kept += bytes;
    if (empty !== this.empty) this.shares.activate(empty ? 1 : -1);
  }

  /** Has the tasks that wait try again before long. Allocates nothing, unless there are any. */
  relieve(): void {
    if (this.#relieved || this.waiting.empty) return;
    this.#relieved = true;
    this.shares.relieved.push(this);
  }

  /** The tasks that wait are about to try again. */
  attended(): void {
    this.#relieved = false;
  }
}
