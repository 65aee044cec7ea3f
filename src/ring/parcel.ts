// What can't go through a ring of bytes from main to a worker: shared memory, and the bell of whoever else is at it.
// It waits on the worker's message port for the snapshot of the unit that it is for.

/** Wakes another thread. A MessagePort. */
export interface Bell {
  postMessage(value: number): void;
  close(): void;
}

/** A memory unit's bytes, or the exchange (exchange.ts) of a custom disk. */
export interface Parcel {
  /** The unit's id. */
  readonly unit: number;
  readonly memory: SharedArrayBuffer;
  /** The disk's thread, which answers through the memory. None: there is no other thread. */
  readonly bell?: Bell;
}

/** Finds the parcel of the unit with that id, which was sent before. */
export type ParcelOf = (unit: number) => Parcel;
