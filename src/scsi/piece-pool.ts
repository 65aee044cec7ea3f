// The worker's pieces: made once, found again by the index that the engine's tokens carry.
// A piece's memory is the slab's; this holds only the records.

import { NONE } from '../base/free-list.ts';
import { Piece } from './task.ts';

/** A stack of pieces. Grows when more are in flight than ever before; a worker's slab bounds how many that can be. */
export class PiecePool {
  readonly #all: Piece[] = [];
  readonly #free: Piece[] = [];

  constructor(count: number) {
    for (let index = 0; index < count; index++) this.#grow();
  }

  /** A fresh piece. Allocates nothing once the pool has grown to the load. */
  take(): Piece {
    if (this.#free.length === 0) this.#grow();
    return this.#free.pop()!;
  }

  /** Takes a piece back; it must not be in flight. Allocates nothing. */
  give(piece: Piece): void {
    piece.task = null;
    piece.next = null;
    piece.slot = NONE;
    piece.received = 0;
    piece.burstEnd = 0;
    piece.transferTag = 0;
    piece.burstDataSN = 0;
    piece.durable = false;
    piece.inFlight = false;
    piece.done = false;
    this.#free.push(piece);
  }

  /** The piece that `token` names. */
  at(token: number): Piece {
    return this.#all[token]!;
  }

  #grow(): void {
    const piece = new Piece(this.#all.length);
    this.#all.push(piece);
    this.#free.push(piece);
  }
}
