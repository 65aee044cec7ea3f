// The worker's pieces: made once, found again by the index that the engine's tokens carry, and linked to the tasks they serve.
// What moves in them, and when, is processor.ts's and command-runner.ts's.

import { assert } from '../base/assert.ts';
import { NONE } from '../base/free-list.ts';
import type { Slab } from '../engine/slab.ts';
import { Piece, type Task } from './task.ts';

/** Bits that the index of a piece takes. The largest slab (`slabMiB`) has 391,689 slots and cells, and begins with a piece for each. */
export const PIECE_INDEX_BITS = 19;

/** A stack of pieces. Grows when more are in flight than ever before; a worker's slab bounds how many that can be. */
export class PiecePool {
  readonly #all: Piece[] = [];
  readonly #free: Piece[] = [];
  readonly #slab: Slab;

  constructor(slab: Slab) {
    this.#slab = slab;
    for (let index = 0; index < slab.tokenCount; index++) this.#grow();
  }

  /** Puts a piece at the end of the task's data; its memory is `slot`, or nothing, and `cells` to send it with. Allocates nothing. */
  append(task: Task, slot: number, length: number, cells: number): Piece {
    const piece = this.#take(task, slot, length);
    if (task.share !== null) {
      piece.shareBytes = slot === NONE ? 0 : this.#slab.footprint(slot);
      piece.shareCells = cells;
      task.share.take(piece.shareBytes, cells);
    }
    if (task.lastPiece === null) task.firstPiece = piece;
    else task.lastPiece.next = piece;
    task.lastPiece = piece;
    task.pieceCount++;
    return piece;
  }

  /** Takes the oldest piece out of the task's data, and gives its memory back. Allocates nothing. */
  dropFirst(task: Task): void {
    const piece = task.firstPiece!;
    task.firstPiece = piece.next;
    if (task.firstPiece === null) task.lastPiece = null;
    task.pieceCount--;
    this.#give(piece);
  }

  /** Takes any piece out of its task's data, and gives its memory back. Allocates nothing. */
  drop(piece: Piece): void {
    const task = piece.task!;
    let previous: Piece | null = null;
    for (let at = task.firstPiece; at !== piece; at = at!.next) previous = at;
    if (previous === null) {
      this.dropFirst(task);
      return;
    }
    previous.next = piece.next;
    if (task.lastPiece === piece) task.lastPiece = previous;
    task.pieceCount--;
    this.#give(piece);
  }

  /** A piece that is no part of the task's data, for an operation of its command's own. */
  takeOwn(task: Task, slot: number, length: number): Piece {
    const piece = this.#take(task, slot, length);
    piece.next = task.ownPieces;
    task.ownPieces = piece;
    return piece;
  }

  /** A piece of {@link takeOwn} is kept for all that its command does: it counts in the task's share. */
  keep(piece: Piece): void {
    const share = piece.task!.share;
    if (share === null) return;
    piece.keptBytes = this.#slab.footprint(piece.slot);
    share.keep(piece.keptBytes);
  }

  /** Gives a piece of {@link takeOwn} back, with its memory. */
  freeOwn(piece: Piece): void {
    const task = piece.task!;
    if (task.ownPieces === piece) {
      task.ownPieces = piece.next;
    } else {
      let previous = task.ownPieces!;
      while (previous.next !== piece) previous = previous.next!;
      previous.next = piece.next;
    }
    task.share?.keep(-piece.keptBytes);
    piece.keptBytes = 0;
    this.#give(piece);
  }

  /** Gives all pieces of a task back. Allocates nothing. */
  dropAll(task: Task): void {
    while (task.firstPiece !== null) this.dropFirst(task);
    while (task.ownPieces !== null) this.freeOwn(task.ownPieces);
  }

  /** The piece that `token` names; undefined if there never was one. */
  at(token: number): Piece | undefined {
    return this.#all[token];
  }

  #take(task: Task, slot: number, length: number): Piece {
    if (this.#free.length === 0) this.#grow();
    const piece = this.#free.pop()!;
    piece.task = task;
    piece.unit = task.unit;
    piece.slot = slot;
    piece.at = slot === NONE ? -1 : this.#slab.offsetOf(slot);
    piece.address = this.#slab.base + piece.at;
    piece.start = task.assigned;
    piece.length = length;
    return piece;
  }

  #give(piece: Piece): void {
    if (piece.slot !== NONE) this.#slab.release(piece.slot);
    const { share } = piece.task!;
    if (share !== null) {
      share.unasked -= piece.unaskedBytes;
      share.give(piece.shareBytes, piece.shareCells);
    }
    piece.unaskedBytes = 0;
    piece.shareBytes = 0;
    piece.shareCells = 0;
    piece.task = null;
    piece.unit = null;
    piece.next = null;
    piece.slot = NONE;
    piece.received = 0;
    piece.burstEnd = 0;
    piece.transferTag = 0;
    piece.burstDataSN = 0;
    piece.durable = false;
    piece.atomic = false;
    piece.inFlight = false;
    piece.done = false;
    this.#free.push(piece);
  }

  #grow(): void {
    assert(this.#all.length < 2 ** PIECE_INDEX_BITS, 'pieces: an index has a number of bits');
    const piece = new Piece(this.#all.length);
    this.#all.push(piece);
    this.#free.push(piece);
  }
}
