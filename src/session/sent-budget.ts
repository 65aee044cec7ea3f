// How much heap one worker has for PDUs that may have to be sent again, over all its connections at ErrorRecoveryLevel 1.
// What a connection keeps within it is sent-pdus.ts's.

/** Bytes for one worker: what sixteen busy connections have in flight over a long line. */
const SENT_BYTES_MAX = 256 * 1024 * 1024;

/** Counts bytes. */
export class SentBudget {
  #left: number;

  constructor(total = SENT_BYTES_MAX) {
    this.#left = total;
  }

  get left(): number {
    return this.#left;
  }

  /** Takes `bytes`, or nothing: false. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
