// What a worker has for all its sessions together, as a number: who takes of it leaves less to others until it is given back. One counts
// commands that it promises to hold, which no window takes back (RFC 7143 §4.2.2.1); one the bytes of PDUs that it may have to send again.

/** Counts what is left. */
export class Budget {
  #left: number;

  constructor(total: number) {
    this.#left = total;
  }

  get left(): number {
    return this.#left;
  }

  /** Takes exactly `amount`, or nothing: false. Allocates nothing. */
  take(amount: number): boolean {
    if (amount > this.#left) return false;
    this.#left -= amount;
    return true;
  }

  /** Takes up to `amount`, and at most half of what is left, so that others can still begin; returns how much. Allocates nothing. */
  takeSome(amount: number): number {
    const taken = Math.min(amount, this.#left >>> 1);
    this.#left -= taken;
    return taken;
  }

  give(amount: number): void {
    this.#left += amount;
  }
}
