// The CPU time of workers over all the threads that each has had: one that has ended is gone from /proc, with what it had used.
// What a thread has used is process-figures.ts's.

import { type CpuTime, threadCpu } from './process-figures.ts';

const NOTHING: CpuTime = { user: 0, system: 0 };

const sum = (a: CpuTime, b: CpuTime): CpuTime => ({ user: a.user + b.user, system: a.system + b.system });

interface Thread {
  readonly id: number;
  /** What those before it had used, as of the last looks at them. */
  readonly before: CpuTime;
  /** What it has used, as of the last look. */
  readonly used: CpuTime;
}

/** See the head of this file. Knows what it has looked at: look often. */
export class WorkerCpu {
  readonly #read: (threadId: number) => CpuTime | null;
  readonly #threads = new Map<number, Thread>();

  constructor(read: (threadId: number) => CpuTime | null = threadCpu) {
    this.#read = read;
  }

  /** What a worker has used since its first start, whose thread is `threadId` now; null: it can't be told now. Never falls. */
  of(worker: number, threadId: number): CpuTime | null {
    const used = this.#read(threadId);
    if (used === null) return null;
    const last = this.#threads.get(worker);
    let before = last?.before ?? NOTHING;
    // A worker that failed goes on in the same thread, unless that has ended: out of memory, it does.
    if (last !== undefined && last.id !== threadId) before = sum(before, last.used);
    this.#threads.set(worker, { id: threadId, before, used });
    return sum(before, used);
  }
}
