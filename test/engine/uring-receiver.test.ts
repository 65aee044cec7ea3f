// Receiving, with a kernel that does what the test says: places that fill in parts, interruptions, and no buffers.

import { describe, expect, it } from 'vitest';
import type { EngineEvents } from '../../src/engine/engine.ts';
import type { ReceiveBuffers } from '../../src/engine/receive-buffers.ts';
import { Slab } from '../../src/engine/slab.ts';
import { CloseState, ReceiveState, type SocketState } from '../../src/engine/socket-state.ts';
import { SocketTable } from '../../src/engine/socket-table.ts';
import { UringReceiver } from '../../src/engine/uring-receiver.ts';
import { BUFFER_SHIFT, CompletionFlag } from '../../src/kernel/cqe.ts';
import { Errno } from '../../src/kernel/errno.ts';
import type { Uring } from '../../src/kernel/uring.ts';
import { privateCounters } from '../../src/ring/counters.ts';

const BUFFER_BYTES = 4096;
const HEADER = 48;
const PLACE = 8192;
const LENGTH = 100_000;
const FULL = -Errno.ENOBUFS;

/** A socket; the consumer takes {@link HEADER} bytes of what comes first and wants the rest, {@link LENGTH} bytes, at {@link PLACE}. */
class Bench {
  readonly heard: string[] = [];
  /** Receives that the kernel was given: where to, and how much. Address 0: to a buffer of its choice. */
  readonly asked: (readonly [address: number, length: number])[] = [];
  readonly buffers = { ringed: true, available: 0, size: BUFFER_BYTES, released: 0 };
  readonly receiver: UringReceiver;
  readonly socket: SocketState;
  readonly #table: SocketTable;

  constructor() {
    const push = (_head: number, _fd: number, _offset: number, address: number, length: number): void => {
      this.asked.push([address, length]);
    };
    const buffers = {
      ...this.buffers,
      taken: () => {},
      offsetOf: () => 0,
      release: () => this.buffers.released++,
    };
    Object.defineProperty(buffers, 'available', { get: () => this.buffers.available });
    const events = {
      received: (handle: number) => {
        this.heard.push('received');
        this.receiver.receiveInto(this.#table.open(handle), PLACE, LENGTH);
        return HEADER;
      },
      receivedInto: (_handle: number, length: number) => this.heard.push(`into ${length}`),
      ended: (_handle: number, errno: number) => this.heard.push(`ended ${errno}`),
    } as unknown as EngineEvents;
    this.#table = new SocketTable({ push } as unknown as Uring, events, 4);
    const slab = new Slab({ bytes: 1024 * 1024, receiveBytes: 64 * 1024 });
    this.receiver = new UringReceiver(this.#table, slab, buffers as unknown as ReceiveBuffers, privateCounters());
    this.socket = this.#table.add(9);
    this.receiver.resume(this.socket);
    this.receiver.queueDue();
  }

  /** A header comes, and its data are asked for. */
  begin(): void {
    this.receiver.received(this.socket, HEADER, CompletionFlag.BUFFER | (3 << BUFFER_SHIFT));
    this.receiver.queueDue();
  }

  /** The kernel's answer to the receive of the data; the next one is queued. */
  placed(result: number): void {
    this.receiver.placed(this.socket, result, 0);
    this.receiver.queueDue();
  }
}

describe('data that go straight to their place', () => {
  it('are asked for until all of them are there, however the kernel cuts them, and are told once', () => {
    const bench = new Bench();
    bench.begin();
    let there = 0;
    for (const result of [1000, -Errno.EINTR, 1, -Errno.EAGAIN, 60_000]) {
      expect(bench.asked.at(-1)).toEqual([PLACE + there, LENGTH - there]);
      bench.placed(result);
      there += Math.max(0, result);
    }
    expect(bench.heard).toEqual(['received']);
    bench.placed(LENGTH - there);
    expect(bench.heard).toEqual(['received', `into ${LENGTH}`]);
    // And then for the next header.
    expect(bench.asked.at(-1)![0]).toBe(0);
  });

  it.each([
    ['the peer has closed', 0, 'ended 0'],
    ['the connection has failed', -Errno.ECONNRESET, `ended ${Errno.ECONNRESET}`],
  ])('do not come when %s in their midst', (_what, result, told) => {
    const bench = new Bench();
    bench.begin();
    bench.placed(1000);
    const { length } = bench.asked;
    bench.placed(result);
    expect(bench.heard).toEqual(['received', told]);
    expect(bench.asked).toHaveLength(length);
  });

  it('are nobody’s any more once the socket closes', () => {
    const bench = new Bench();
    bench.begin();
    const { length } = bench.asked;
    bench.socket.close = CloseState.aborting;
    bench.placed(1000);
    expect(bench.heard).toEqual(['received']);
    expect(bench.asked).toHaveLength(length);
  });
});

describe('a socket that is closed between two receives', () => {
  it('asks for nothing more', () => {
    const bench = new Bench();
    bench.receiver.received(bench.socket, HEADER, CompletionFlag.BUFFER | (3 << BUFFER_SHIFT));
    const { length } = bench.asked;
    bench.socket.close = CloseState.aborting;
    bench.receiver.queueDue();
    expect(bench.asked).toHaveLength(length);
  });
});

describe('a socket that finds no buffer', () => {
  it('asks again when there is one, and not before', () => {
    const bench = new Bench();
    const { length } = bench.asked;
    bench.receiver.received(bench.socket, FULL, 0);
    bench.receiver.feedStarved();
    bench.receiver.queueDue();
    expect([bench.socket.receive, bench.asked.length]).toEqual([ReceiveState.starved, length]);
    bench.buffers.available = 1;
    bench.receiver.feedStarved();
    bench.receiver.queueDue();
    expect(bench.asked).toHaveLength(length + 1);
    expect(bench.heard).toEqual([]);
  });
});
