// Gathered sends against a kernel that takes as much of each as the test says: in order, all of it, and memory back when its bytes have left.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EngineEvents, NO_RELEASE } from '../../src/engine/engine.ts';
import type { SocketState } from '../../src/engine/socket-state.ts';
import { SocketTable } from '../../src/engine/socket-table.ts';
import { UringSender } from '../../src/engine/uring-sender.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { Operation } from '../../src/kernel/sqe.ts';
import type { Uring } from '../../src/kernel/uring.ts';
import { Counter, privateCounters } from '../../src/ring/counters.ts';
import { LATENCY_BUCKETS } from '../../src/ring/figures.ts';

/** Where the first byte that is sent lies; the others follow it. */
const FIRST = 2 ** 44;
const OPERATION_MASK = 0xff;

/** One socket, and the kernel's side of its sends. */
class Bench {
  readonly released: number[] = [];
  readonly ended: number[] = [];
  readonly counters = privateCounters();
  readonly sender: UringSender;
  readonly socket: SocketState;
  /** The address of a send of one entry, which names its bytes itself; null: it is gathered, or there is none. */
  single: number | null = null;
  /** Sends that the kernel was given. */
  sends = 0;
  /** The engine's clock, in milliseconds. */
  now = 0;
  #queued = 0;

  constructor(canSkipSuccess: boolean) {
    const push = (head: number, _fd: number, _offset: number, address: number): void => {
      this.sends++;
      this.single = (head & OPERATION_MASK) === (Operation.SEND & OPERATION_MASK) ? address : null;
    };
    const uring = { canSkipSuccess, push, submit: () => {}, skipped: () => {} } as unknown as Uring;
    const events = {
      released: (_socket: number, token: number) => this.released.push(token),
      ended: (_socket: number, errno: number) => this.ended.push(errno),
    } as unknown as EngineEvents;
    const table = new SocketTable(uring, events, 4);
    this.socket = table.add(9);
    this.sender = new UringSender(table, uring, this.counters, 64, () => this.now);
  }

  /** Queues the bytes that follow those queued before. */
  queue(length: number, token: number): void {
    this.sender.send(this.socket, FIRST + this.#queued, length, token);
    this.#queued += length;
  }

  /** The kernel answers the send that it has: so many bytes, or a negated errno. Success of a quiet one goes without saying. */
  answer(result: number): void {
    const quiet = this.socket.sendingQuietly;
    if (!quiet || result !== this.socket.sendingBytes) {
      this.socket.sendingQuietly = false;
      this.sender.submitted();
      this.sender.sent(this.socket, result);
    } else this.sender.submitted();
  }
}

/** Parts of what the kernel is asked to take: that many bytes of it, from none (EAGAIN) to all. */
const answers = fc.array(
  fc.oneof(
    fc.constantFrom<'all' | 'entry' | number>('all', 'entry', -Errno.EAGAIN, -Errno.EINTR),
    fc.nat({ max: 3000 }),
  ),
  {
    maxLength: 30,
  },
);
const entries = fc.array(
  fc.record({ length: fc.oneof(fc.constant(48), fc.integer({ min: 1, max: 2000 })), held: fc.boolean() }),
  { minLength: 1, maxLength: 20 },
);

describe.each([
  ['that speak only of failure', true],
  ['that always speak', false],
])('sends %s', (_kind, canSkipSuccess) => {
  it('go on where the kernel stopped, and give memory back when the last of its bytes has left', () => {
    fc.assert(
      fc.property(entries, answers, (queued, script) => {
        const bench = new Bench(canSkipSuccess);
        const ends: { token: number; end: number }[] = [];
        let total = 0;
        for (const [token, { length, held }] of queued.entries()) {
          bench.queue(length, held ? token : NO_RELEASE);
          total += length;
          if (held) ends.push({ token, end: total });
        }
        const steps = [...script];
        let taken = 0;
        while (taken < total) {
          const before = bench.sends;
          bench.sender.flush();
          expect(bench.sends).toBe(before + 1);
          expect(taken + bench.socket.sendingBytes).toBeLessThanOrEqual(total);
          if (bench.single !== null) expect(bench.single).toBe(FIRST + taken);
          const most = bench.socket.sendingBytes;
          const step = steps.shift() ?? 'all';
          // As it happens where the room in the socket ends with an entry.
          const boundary =
            queued.reduce((ending, { length }) => (ending > taken ? ending : ending + length), 0) - taken;
          const wanted = step === 'all' ? most : step === 'entry' ? boundary : step;
          const result = Math.min(wanted === 0 ? -Errno.EAGAIN : wanted, most);
          taken += Math.max(0, result);
          bench.answer(result);
          const due = ends.filter(({ end }) => end <= taken).map(({ token }) => token);
          expect(bench.released).toEqual(due);
        }
        bench.sender.flush();
        expect([bench.socket.sendingEntries, bench.ended]).toEqual([0, []]);
      }),
    );
  });

  it('that wait for room are timed from when they began, and those that do not wait are not', () => {
    const bench = new Bench(canSkipSuccess);
    bench.now = 5000;
    bench.queue(512, NO_RELEASE);
    bench.sender.flush();
    bench.answer(100);
    bench.sender.flush();
    bench.now = 5020;
    bench.answer(412);
    const waits = bench.counters.slice(Counter.sendWaits, Counter.sendWaits + LATENCY_BUCKETS);
    expect(waits.reduce((sum, count) => sum + count)).toBe(canSkipSuccess ? 1 : 2);
    expect(bench.counters[Counter.sendWaitMicros]).toBe(20_000);
  });

  it('that fail are the last', () => {
    const bench = new Bench(canSkipSuccess);
    bench.queue(48, NO_RELEASE);
    bench.queue(512, 1);
    bench.queue(48, 2);
    bench.sender.flush();
    bench.answer(100);
    bench.sender.flush();
    bench.answer(-Errno.EPIPE);
    expect([bench.ended, bench.released]).toEqual([[Errno.EPIPE], []]);
    const { sends } = bench;
    bench.sender.flush();
    expect(bench.sends).toBe(sends);
    bench.sender.releaseAll(bench.socket);
    expect(bench.released).toEqual([1, 2]);
  });
});
