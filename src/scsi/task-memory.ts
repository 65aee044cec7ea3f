// Gives tasks their I/O memory: pieces for data both ways, slots for replies. Who finds none waits here, first come first served.
// How much one connection may have is memory-share.ts's; what moves in the pieces, processor.ts's.

import { NONE } from '../base/free-list.ts';
import { SLOT_BYTES_MAX, type Slab } from '../engine/slab.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { type MemoryShare, MemoryShares } from './memory-share.ts';
import type { PiecePool } from './piece-pool.ts';
import { Movement, type Piece, type Task } from './task.ts';
import { TaskQueue } from './task-queue.ts';

/**
 * PDUs that a piece of a READ may be cut into. Each needs a cell, of which there are many more than slots, but not without end. Units with atomic
 * writes say from which length of PDU on a READ of a slot's worth is one piece (config/schema.ts): what is read in several may be of several times.
 */
const SEGMENTS_PER_PIECE = 32;

/** The memory for all tasks of one worker. */
export class TaskMemory {
  /** What each connection may have. */
  readonly shares: MemoryShares;
  readonly #slab: Slab;
  readonly #pieces: PiecePool;
  readonly #goOn: (task: Task) => void;
  /** Tasks that found no memory at all. */
  readonly #waiting = new TaskQueue();
  /** Tasks that wait for room in the shares of their connections. */
  #waitingForShares = 0;

  /** `goOn` has a task that waited try again. */
  constructor(slab: Slab, pieces: PiecePool, goOn: (task: Task) => void) {
    this.#slab = slab;
    this.#pieces = pieces;
    this.shares = new MemoryShares(slab);
    this.#goOn = goOn;
  }

  /** Whether anyone waits. */
  get hungry(): boolean {
    return this.#waitingForShares !== 0 || !this.#waiting.empty;
  }

  /** Whether there was no memory at all for someone: newcomers then queue behind. */
  get starved(): boolean {
    return !this.#waiting.empty;
  }

  /** replyIn: memory for the reply, at `task.at`; false when the task has to wait. */
  takeReplySlot(task: Task): boolean {
    const slot = this.#slab.takeSlot(Math.max(task.transferLength, 1));
    if (slot === NONE) {
      this.#waiting.push(task);
      return false;
    }
    task.slot = slot;
    task.at = this.#slab.offsetOf(slot);
    return true;
  }

  /**
   * streamIn: the next piece that a backend is to fill, or to lend; null when the task has to wait. A backend reads whole blocks, though
   * the initiator may have asked for less. Allocates nothing.
   */
  readPiece(task: Task, unit: LogicalUnit): Piece | null {
    const { blockSize } = unit;
    const { share, segmentLength } = task;
    const lent = unit.backend.lender !== null && !task.ownMemory;
    const segments = segmentLength * SEGMENTS_PER_PIECE;
    const pieceMax = segments >= SLOT_BYTES_MAX ? SLOT_BYTES_MAX : segments - (segments % blockSize);
    const length = Math.min(pieceMax, Math.ceil((task.moveLength - task.assigned) / blockSize) * blockSize);
    // A piece that is one PDU has room for its header before it.
    const cells = lent || length > segmentLength ? Math.ceil(length / segmentLength) : 0;
    if (share !== null && !share.hasRoom(lent ? 0 : length, cells)) return this.#waitForShare(task, share);
    const slot = lent ? NONE : this.#slab.takeSlot(length);
    if (slot === NONE && !lent) return this.#wait(task);
    const piece = this.#pieces.append(task, slot, length, cells);
    piece.offset = task.lba * blockSize + task.assigned;
    task.assigned = Math.min(task.assigned + length, task.moveLength);
    return piece;
  }

  /**
   * PDUs of the task carry so many bytes from now on. If that is less than before, what is being read for it is read once more: in its pieces
   * there are more PDUs now than they have cells for.
   */
  setSegmentLength(task: Task, length: number): void {
    const shorter = length < task.segmentLength;
    if (shorter && task.movement === Movement.streamIn && task.firstPiece !== null) task.readsAnew = true;
    task.segmentLength = length;
  }

  /** The task goes on over another connection: what it has counts in `share` from now on, and there it waits for more. */
  move(task: Task, share: MemoryShare): void {
    const before = task.share!;
    for (let piece = task.firstPiece; piece !== null; piece = piece.next) {
      before.unasked -= piece.unaskedBytes;
      before.give(piece.shareBytes, piece.shareCells);
      share.unasked += piece.unaskedBytes;
      share.take(piece.shareBytes, piece.shareCells);
    }
    for (let piece = task.ownPieces; piece !== null; piece = piece.next) {
      before.keep(-piece.keptBytes);
      share.keep(piece.keptBytes);
    }
    before.underWay -= task.piecesInFlight;
    share.underWay += task.piecesInFlight;
    task.share = share;
    if (task.waitsIn !== before.waiting) return;
    this.stopWaiting(task);
    this.#waitForShare(task, share);
    share.relieve();
  }

  /** streamIn: the task reads no further until {@link readOn}. What is being read is read once more then: its memory may be needed before. */
  holdBack(task: Task): void {
    task.heldBack = true;
    task.readsAnew = true;
    task.over = false;
  }

  /** streamIn: a task that was held back goes on. */
  readOn(task: Task): void {
    task.heldBack = false;
    this.#goOn(task);
  }

  /** streamIn: gives up what is to be read once more. False: the backend still has some of it, or it is not the time to read. */
  giveUpPieces(task: Task): boolean {
    if (task.piecesInFlight !== 0) return false;
    this.giveBack(task);
    if (task.heldBack) return false;
    task.readsAnew = false;
    return true;
  }

  /** Takes a task's pieces back. Of a READ only what was sent is assigned then. Allocates nothing. */
  giveBack(task: Task): void {
    if (task.movement === Movement.streamIn && task.firstPiece !== null) task.assigned = task.firstPiece.start;
    this.#pieces.dropAll(task);
  }

  /** streamOut, listOut: the piece for `length` bytes that come unasked, whole blocks of them; null when there is none. Allocates nothing. */
  firstPiece(task: Task, length: number): Piece | null {
    // A list is taken whole.
    const blockSize = task.movement === Movement.streamOut ? task.unit!.blockSize : SLOT_BYTES_MAX;
    const whole = Math.min(Math.ceil(length / blockSize) * blockSize, SLOT_BYTES_MAX, task.moveLength);
    if (task.share !== null && !task.share.hasRoomUnasked(whole)) return null;
    const slot = this.#slab.takeSlot(whole);
    if (slot === NONE) return null;
    const piece = this.#append(task, slot, whole);
    piece.unaskedBytes = piece.shareBytes;
    if (task.share !== null) task.share.unasked += piece.unaskedBytes;
    return piece;
  }

  /** streamOut, listOut: the piece for what comes next; null when the task has to wait. All but the last are whole blocks. Allocates nothing. */
  nextPiece(task: Task): Piece | null {
    const length = Math.min(SLOT_BYTES_MAX, task.moveLength - task.assigned);
    if (task.share !== null && !task.share.hasRoom(length, 0)) return this.#waitForShare(task, task.share);
    const slot = this.#slab.takeSlot(length);
    return slot === NONE ? this.#wait(task) : this.#append(task, slot, length);
  }

  #append(task: Task, slot: number, length: number): Piece {
    const piece = this.#pieces.append(task, slot, length, 0);
    if (task.movement === Movement.streamOut) piece.offset = task.lba * task.unit!.blockSize + task.assigned;
    piece.durable = task.durable;
    task.assigned += length;
    return piece;
  }

  /** Memory has come back: those who waited longest try first, and those who waited for their share alone before all others. */
  freed(): void {
    const { relieved } = this.shares;
    for (let share = relieved.pop(); share !== undefined; share = relieved.pop()) {
      share.attended();
      this.#feed(share.waiting);
    }
    this.#feed(this.#waiting);
  }

  /** Lets tasks go on until one has to wait again. */
  #feed(queue: TaskQueue): void {
    for (let task = queue.first; task !== null; task = queue.first) {
      this.stopWaiting(task);
      this.#goOn(task);
      if (task.waitsIn === queue) {
        queue.moveToFront(task);
        return;
      }
    }
  }

  /** The task waits no longer. */
  stopWaiting(task: Task): void {
    const queue = task.waitsIn;
    if (queue === null) return;
    if (queue !== this.#waiting) this.#waitingForShares--;
    queue.remove(task);
  }

  #wait(task: Task): null {
    this.#waiting.push(task);
    return null;
  }

  #waitForShare(task: Task, share: MemoryShare): null {
    if (task.waitsIn !== null) return null;
    share.waiting.push(task);
    this.#waitingForShares++;
    return null;
  }
}
