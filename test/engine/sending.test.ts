// What src/engine/engine.ts promises of sending, held against every engine: the same cases for all, over the loopback.
// Whoever writes to the interface must not notice which engine it is.

import { describe, expect, it, vi } from 'vitest';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { Operation } from '../../src/kernel/sqe.ts';
import { Uring } from '../../src/kernel/uring.ts';
import { Bench, connectPeer, ENGINES, pattern } from './harness.ts';

describe.each(ENGINES)('%s: sending', (_name, make) => {
  it('keeps the order, and gives every token back once', async () => {
    const pieces = Array.from({ length: 600 }, (_, index) => pattern(1 + ((index * 37) % 3000), index));
    const whole = Buffer.concat(pieces);
    const { fd, report } = await connectPeer([
      { step: 'receive', value: whole.length },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const slots = pieces.map((piece) => bench.slot(piece));
    for (const [index, { address, token }] of slots.entries()) {
      bench.engine.send(socket, address, pieces[index]!.length, token);
    }
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    expect(Buffer.from((await report).received).equals(whole)).toBe(true);
    expect(bench.log).toEqual([...slots.map(({ token }) => `released ${socket} ${token}`), 'ended 0 0', 'closed 0']);
  });

  it('sends from an attached region, and keeps quiet about memory that is nobody’s', async () => {
    const memory = new SharedArrayBuffer(100_000);
    new Uint8Array(memory).set(pattern(100_000, 9));
    const { fd, report } = await connectPeer([
      { step: 'receive', value: 50_010 },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const base = bench.engine.attachRegion(memory);
    const socket = bench.engine.openSocket(fd);
    const head = bench.slot(pattern(10, 1));
    bench.engine.send(socket, head.address, 10, head.token);
    bench.engine.send(socket, base + 1234, 50_000, NO_RELEASE);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    bench.engine.detachRegion(base);
    const expected = Buffer.concat([pattern(10, 1), pattern(100_000, 9).subarray(1234, 51_234)]);
    expect(Buffer.from((await report).received).equals(expected)).toBe(true);
    expect(bench.log).toEqual([`released 0 ${head.token}`, 'ended 0 0', 'closed 0']);
  });

  it('knows what a peer that does not read has yet to take', async () => {
    const piece = pattern(256 * 1024, 7);
    const { fd, report } = await connectPeer([
      { step: 'deaf' },
      { step: 'wait', value: 2600 },
      { step: 'read' },
      { step: 'receive', value: 16 * piece.length },
      { step: 'wait', value: 1200 },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const { address } = bench.slot(piece);
    const seen: number[] = [];
    bench.on.tick = () => seen.push(bench.engine.unacknowledged(socket));
    expect(bench.engine.unacknowledged(socket)).toBe(0);
    for (let round = 0; round < 16; round++) bench.engine.send(socket, address, piece.length, NO_RELEASE);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    expect((await report).received.length).toBe(16 * piece.length);
    expect(seen[0]).toBeGreaterThan(100_000);
    expect(seen.at(-1)).toBe(0);
  });

  it('feeds a slow reader bit by bit', async () => {
    const rounds = 40;
    const piece = pattern(256 * 1024, 5);
    const { fd, report } = await connectPeer([
      { step: 'deaf' },
      { step: 'wait', value: 300 },
      { step: 'read' },
      { step: 'receive', value: rounds * piece.length },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const { address } = bench.slot(piece);
    for (let round = 0; round < rounds; round++) bench.engine.send(socket, address, piece.length, round);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    const { received } = await report;
    expect(received.length).toBe(rounds * piece.length);
    for (let round = 0; round < rounds; round++) {
      expect(Buffer.from(received.buffer, received.byteOffset + round * piece.length, piece.length).equals(piece)).toBe(
        true,
      );
    }
    expect(bench.log.slice(0, rounds)).toEqual(Array.from({ length: rounds }, (_, round) => `released 0 ${round}`));
  });

  it('sends what events queue while a send is in flight', async () => {
    const { fd, report } = await connectPeer([
      { step: 'receive', value: 1000 * 100 },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const slots = Array.from({ length: 1000 }, (_, index) => bench.slot(pattern(100, index)));
    bench.on.hungry = true;
    bench.on.released = (_socket, token) => {
      const next = slots[token + 1];
      if (next !== undefined) bench.engine.send(socket, next.address, 100, token + 1);
    };
    bench.engine.send(socket, slots[0]!.address, 100, 0);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    const expected = Buffer.concat(Array.from({ length: 1000 }, (_, index) => pattern(100, index)));
    expect(Buffer.from((await report).received).equals(expected)).toBe(true);
  });

  it('gives everything back when the peer resets the connection', async () => {
    const { fd } = await connectPeer([{ step: 'deaf' }, { step: 'wait', value: 50 }, { step: 'reset' }]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const { address } = bench.slot(pattern(256 * 1024));
    for (let token = 0; token < 100; token++) bench.engine.send(socket, address, 256 * 1024, token);
    bench.engine.resumeReceive(socket);
    const errnos: number[] = [];
    bench.on.ended = (handle, errno) => {
      errnos.push(errno);
      // A late response: it never leaves, and its memory comes back like the rest.
      bench.engine.send(handle, address, 10, 100);
      bench.engine.close(handle, true);
    };
    await bench.engine.run();
    // Linux reports a reset to the first call that asks, send or receive; to the other the stream has merely ended.
    expect(errnos).toHaveLength(1);
    expect([0, Errno.ECONNRESET, Errno.EPIPE]).toContain(errnos[0]);
    expect(bench.log).toEqual([...Array.from({ length: 101 }, (_, token) => `released 0 ${token}`), 'closed 0']);
  });
});

describe.each(ENGINES.filter(([name]) => name.startsWith('uring')))('%s: sending', (_name, make) => {
  it('comes before the receive of the same turn, which then finds what came in meanwhile', async () => {
    const { fd } = await connectPeer([{ step: 'send', value: pattern(48) }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    bench.on.hungry = true;
    const push = vi.spyOn(Uring.prototype, 'push');
    const socket = bench.engine.openSocket(fd);
    const { address } = bench.slot(pattern(100));
    bench.on.received = (handle, _at, length) => {
      bench.engine.send(handle, address, 100, 0);
      return length;
    };
    bench.on.released = (handle) => bench.engine.close(handle, true);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    const operations = push.mock.calls.map(([head]) => head & 0xff);
    push.mockRestore();
    // Where the kernel has no buffer rings, a poll is what waits for the bytes.
    const { SEND, RECV, POLL_ADD } = Operation;
    const send = operations.indexOf(SEND);
    expect(operations.slice(0, send).filter((operation) => operation === RECV)).toHaveLength(1);
    const next = operations.slice(send).filter((operation) => operation === RECV || operation === POLL_ADD);
    expect(next.length).toBeGreaterThan(0);
  });
});
