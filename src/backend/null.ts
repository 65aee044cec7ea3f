// A unit without storage: reads zeroes, drops writes. For measuring everything but the disk.
// Completes inside the call; its READs are sent from one stretch of zeroes.

import type { Address, Engine } from '../engine/engine.ts';
import type { Allocation, Backend, BlockComplete, BlockIo, Lender } from './backend.ts';
import { zeroes, zeroesOf } from './zeroes.ts';

/** See the file's head. */
export class NullBackend<Io extends BlockIo> implements Backend<Io>, Lender {
  readonly kind = 'null';
  readonly immediate = true;
  readonly lender: Lender = this;
  readonly atomic = false;
  readonly #engine: Engine;
  readonly #bytes: Uint8Array;
  readonly #zeroes: Address;
  readonly #complete: BlockComplete<Io>;

  constructor(engine: Engine, complete: BlockComplete<Io>) {
    this.#engine = engine;
    this.#bytes = engine.slab.bytes;
    this.#zeroes = zeroesOf(engine);
    this.#complete = complete;
  }

  /** Lends zeroes where `io.at` is -1, which allocates nothing; otherwise copies them. */
  read(io: Io): void {
    if (io.at < 0) io.address = this.lend();
    else this.#bytes.set(zeroes(io.length), io.at);
    this.#complete(io, 0);
  }

  /** The same zeroes, whatever is asked for. */
  lend(): Address {
    return this.#zeroes;
  }

  /** Allocates nothing. */
  write(io: Io): void {
    this.#complete(io, 0);
  }

  sync(io: Io): void {
    this.#complete(io, 0);
  }

  clear(io: Io): void {
    this.#complete(io, 0);
  }

  pause(io: Io): void {
    this.#engine.nextTurn(io.index);
  }

  allocationAt(_offset: number, end: number): Allocation {
    return { allocated: false, end };
  }

  /** A pause is over. */
  fileDone(io: Io): void {
    this.#complete(io, 0);
  }

  detach(): void {}
}
