// How many commands one worker promises to hold, over all its sessions. A promise in a window can't be taken back
// (RFC 7143 §4.2.2.1: MaxCmdSN never retreats), so the sum of all promises stays below what there are tasks for.

/** Commands every session is promised from its first response on: enough for an initiator to start with. */
export const INITIAL_WINDOW = 16;

/** Counts promises. */
export class TaskBudget {
  #left: number;

  /** `total`: commands that the worker can hold at a time. */
  constructor(total: number) {
    this.#left = total;
  }

  /** Takes up to `count`; returns how many. Allocates nothing. */
  take(count: number): number {
    // What is left must let more sessions begin, so growth takes at most half of it.
    const taken = Math.min(count, this.#left >>> 1);
    this.#left -= taken;
    return taken;
  }

  /** Takes exactly `count`, or nothing: false. For a session that begins. */
  reserve(count: number): boolean {
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  give(count: number): void {
    this.#left += count;
  }
}
