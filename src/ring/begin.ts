// Which came first: a worker that began, or main that gave its start up. What a worker that has begun takes from the kernel only it can give back,
// so its thread must not be ended from outside any more.

const WAITING = 0;
const BEGUN = 1;
const GIVEN_UP = 2;

/** One start of one worker. Both threads make one over the same memory. */
export class Begin {
  readonly memory: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#state = new Int32Array(memory);
  }

  static create(): Begin {
    return new Begin(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  /** The worker's first step. False: main has given it up, and it must take nothing. */
  begin(): boolean {
    return this.#turn(BEGUN);
  }

  /** Main waits no longer. False: the worker has begun; it says that it is ready, or fails, and ends when it is told to. */
  giveUp(): boolean {
    return this.#turn(GIVEN_UP);
  }

  #turn(to: number): boolean {
    return Atomics.compareExchange(this.#state, 0, WAITING, to) === WAITING;
  }
}
