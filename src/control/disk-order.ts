// Which operations of a disk may run: one that overlaps earlier ones waits until they have ended, unless all of them only read.
// Knows those of all workers, also of workers that have gone or given up; what an operation is, and who runs it, is disk-server.ts's.

/** What the order has to know of an operation. */
export interface OrderedOperation {
  /** Bytes from the start of the unit: where its range begins, and where it ends. Empty ranges overlap nothing. */
  readonly start: number;
  readonly end: number;
  /** The range may be another afterwards. */
  readonly changes: boolean;
  /** How many earlier operations it waits for: the order's own, 0 at first. */
  ahead: number;
}

function conflict(one: OrderedOperation, other: OrderedOperation): boolean {
  return (one.changes || other.changes) && Math.max(one.start, other.start) < Math.min(one.end, other.end);
}

/** The operations that a disk has been asked for, and that have yet to end. */
export class DiskOrder<Operation extends OrderedOperation> {
  /** In the order in which they came. */
  readonly #operations = new Set<Operation>();
  #waiting = 0;

  /** Something is yet to change, or may be changing now. */
  get changes(): boolean {
    return [...this.#operations].some(({ changes }) => changes);
  }

  /** Takes an operation in. True: it may run. False: it waits until {@link leave} returns it. */
  enter(operation: Operation): boolean {
    for (const earlier of this.#operations) if (conflict(earlier, operation)) operation.ahead++;
    this.#operations.add(operation);
    if (operation.ahead === 0) return true;
    this.#waiting++;
    return false;
  }

  /** An operation has ended, or is not to run any more. Returns those that may run now. */
  leave(operation: Operation): Operation[] {
    const ready: Operation[] = [];
    if (operation.ahead !== 0) this.#waiting--;
    let isLater = false;
    for (const other of this.#waiting === 0 ? [] : this.#operations) {
      if (isLater && conflict(operation, other) && --other.ahead === 0) ready.push(other);
      isLater ||= other === operation;
    }
    this.#waiting -= ready.length;
    this.#operations.delete(operation);
    return ready;
  }

  /** Those that wait, in the order in which they came. */
  waiting(): Operation[] {
    return this.#waiting === 0 ? [] : [...this.#operations].filter(({ ahead }) => ahead !== 0);
  }
}
