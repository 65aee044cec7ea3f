// Simulated time: what is to happen, in the order in which it is due. Time moves from one event to the next and never by itself.
// Everything that happens leaves a line in the trace, and the trace's hash tells two runs apart.

import { crc32c } from '../../src/pdu/digest.ts';

/** A claim of the simulation's that did not hold. */
export class Violation extends Error {
  /** What kind it is, without the particulars: two runs that violate the same rule fail the same way. */
  readonly rule: string;

  constructor(rule: string, particulars: string) {
    super(`${rule}: ${particulars}`);
    this.name = 'Violation';
    this.rule = rule;
  }
}

interface SimEvent {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  off: boolean;
}

/** More than any simulation takes: something happens again and again. */
const STEPS_MAX = 1_000_000;
/** Lines of the trace that are kept. */
const TRACE_LINES = 400;

/** See the file's head. Times are milliseconds. */
export class SimClock {
  now = 1000;
  steps = 0;
  hash = 0;
  /** Main did something: promises may have settled. */
  mainTouched = false;
  readonly #heap: SimEvent[] = [];
  readonly #trace: string[] = [];
  #order = 0;

  /** Runs `run` in `delayMs`; what it returns calls that off. */
  after(delayMs: number, run: () => void): () => void {
    const event: SimEvent = { at: this.now + Math.max(0, delayMs), order: this.#order++, run, off: false };
    this.#push(event);
    return () => {
      event.off = true;
    };
  }

  /** Lets the next thing happen. False: nothing is left. */
  step(): boolean {
    for (;;) {
      const event = this.#pop();
      if (event === undefined) return false;
      if (event.off) continue;
      this.now = event.at;
      if (++this.steps > STEPS_MAX)
        throw new Violation('nothing goes round in circles', `at ${event.at.toFixed(3)} ms`);
      event.run();
      return true;
    }
  }

  /** Adds a line to the trace. */
  note(line: string): void {
    const whole = `${this.steps} ${this.now.toFixed(3)} ${line}`;
    this.hash = (Math.imul(this.hash, 31) + crc32c(Buffer.from(whole), 0, whole.length)) | 0;
    this.#trace.push(whole);
    if (this.#trace.length > TRACE_LINES * 2) this.#trace.splice(0, TRACE_LINES);
  }

  /** The last lines of the trace. */
  traceEnd(lines: number): readonly string[] {
    return this.#trace.slice(-lines);
  }

  #before(a: SimEvent, b: SimEvent): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  #push(event: SimEvent): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(heap[at]!, heap[parent]!)) return;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  #pop(): SimEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || heap.length === 0) return first;
    heap[0] = last!;
    for (let at = 0; ; ) {
      const left = at * 2 + 1;
      if (left >= heap.length) return first;
      const right = left + 1;
      const least = right < heap.length && this.#before(heap[right]!, heap[left]!) ? right : left;
      if (!this.#before(heap[least]!, heap[at]!)) return first;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}
