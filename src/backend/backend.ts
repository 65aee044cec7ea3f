// What a logical unit's storage can do. A backend moves blocks between a file, a buffer or nothing and I/O memory.
// It knows neither SCSI nor iSCSI: offsets are bytes, failures are errnos.

import type { Address } from '../engine/engine.ts';

/** One operation on a backend: at most one slot's worth of bytes, or a range for the operations that move none. */
export interface BlockIo {
  /** Names this operation to the engine; unique among those in flight on a worker. */
  readonly index: number;
  /** Where the data is or goes. A memory unit's read may point it at the unit's own bytes instead of copying. */
  address: Address;
  /** Slab offset of the data, or -1 where there is no slab memory for it. */
  at: number;
  /** Bytes. */
  length: number;
  /** Bytes from the start of the unit. */
  offset: number;
  /** Write only: on stable storage before it completes (FUA). */
  durable: boolean;
  /** Write only: all of it or nothing, for whoever reads meanwhile. Only where the backend is `atomic`. */
  atomic: boolean;
  /** Bytes of this operation that are done: a backend's own, for short transfers, and when it fails what is before the block that did. */
  progress: number;
  /** Which of the backend's operations this is: a backend's own. */
  operation: number;
  /** The errno with which it failed at first, positive, while it is tried again: a backend's own. */
  failure: number;
}

/** A stretch of a unit that has space of its own below, or none: then it reads as zeroes. */
export interface Allocation {
  readonly allocated: boolean;
  /** Bytes from the start of the unit to where it ends. */
  readonly end: number;
}

/** Memory that holds a unit's blocks, from which they can be sent without a copy. */
export interface Lender {
  /** Where these bytes are, one behind the other, until the backend is detached. Allocates nothing. */
  lend(offset: number, length: number): Address;
}

/** What all workers know of a unit's storage: whether a sync of it has failed. */
export interface Loss {
  /** Since it was opened. Allocates nothing. */
  readonly happened: boolean;
  /** A sync failed with `errno`, positive. */
  note(errno: number): void;
}

/** Hears of the end of an operation: errno 0, or what went wrong (positive, as in errno(3)). Never called from inside the call that started it, unless the backend is `immediate`. */
export type BlockComplete<Io extends BlockIo> = (io: Io, errno: number) => void;

/** A unit's storage, as one worker sees it. */
export interface Backend<Io extends BlockIo = BlockIo> {
  readonly kind: 'file' | 'memory' | 'null' | 'custom';
  /** Completes inside the call that started it. */
  readonly immediate: boolean;
  /** A read with `io.at` -1 is answered by pointing `io.address` at what this lends, instead of copying. Null: it lends nothing. */
  readonly lender: Lender | null;
  /** Writes can be `io.atomic`. */
  readonly atomic: boolean;
  /** Fills `io.length` bytes at `io.address` (slab offset `io.at`), or lends its own. */
  read(io: Io): void;
  write(io: Io): void;
  /** Everything acknowledged before is on stable storage afterwards. */
  sync(io: Io): void;
  /** `io.offset`, `io.length` (any number of bytes) read as zeroes afterwards; with `deallocate` their space is given back where that can be. */
  clear(io: Io, deallocate: boolean): void;
  /** Does nothing, and ends in the engine's next turn: so that long work on an immediate backend lets others have theirs. */
  pause(io: Io): void;
  /** The stretch at `offset`, as far as it goes and no further than `end`; allocated where nobody can tell. Cold: see `Engine.findStretch`. */
  allocationAt(offset: number, end: number): Allocation;
  /** The engine's result for `io`: bytes moved, or a negated errno. */
  fileDone(io: Io, result: number): void;
  /** Releases what the backend holds of the engine. Not the descriptor: main opened it and closes it. */
  detach(): void;
}
