// What src/engine/engine.ts promises of closing, held against every engine: the same cases for all, over the loopback.
// Whoever writes to the interface must not notice which engine it is.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Bench, connectPeer, connectSwarm, ENGINES, pattern } from './harness.ts';

describe.each(ENGINES)('%s: closing', (_name, make) => {
  it('with flush sends what is queued first', async () => {
    const bytes = pattern(4 * 1024 * 1024);
    const { fd, report } = await connectPeer([
      { step: 'deaf' },
      { step: 'wait', value: 100 },
      { step: 'read' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const pieces = 16;
    const length = bytes.length / pieces;
    const memory = new SharedArrayBuffer(bytes.length);
    new Uint8Array(memory).set(bytes);
    const base = bench.engine.attachRegion(memory);
    for (let piece = 0; piece < pieces; piece++) bench.engine.send(socket, base + piece * length, length, piece);
    bench.engine.close(socket, true);
    await bench.engine.run();
    const { received, ended } = await report;
    expect(ended).toBe(true);
    expect(Buffer.from(received).equals(bytes)).toBe(true);
    expect(bench.log).toEqual([...Array.from({ length: pieces }, (_, piece) => `released 0 ${piece}`), 'closed 0']);
  });

  it('without flush drops what is queued, and gives it back before closed', async () => {
    const { fd, report } = await connectPeer([
      { step: 'deaf' },
      { step: 'wait', value: 100 },
      { step: 'read' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const socket = bench.engine.openSocket(fd);
    const { address } = bench.slot(pattern(256 * 1024));
    for (let token = 0; token < 200; token++) bench.engine.send(socket, address, 256 * 1024, token);
    bench.on.tick = () => bench.engine.close(socket, false);
    bench.engine.close(socket, true);
    bench.engine.close(socket, false);
    await bench.engine.run();
    expect((await report).received.length).toBeLessThan(200 * 256 * 1024);
    expect(bench.log).toEqual([...Array.from({ length: 200 }, (_, token) => `released 0 ${token}`), 'closed 0']);
  });

  it('from inside received ends the receiving', async () => {
    const { fd } = await connectPeer([{ step: 'send', value: pattern(500_000) }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    let calls = 0;
    bench.on.received = (socket) => {
      calls++;
      bench.engine.close(socket, false);
      return 0;
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(calls).toBe(1);
    expect(bench.log).toEqual(['closed 0']);
  });

  it('of the engine closes what is open, and an exception in an event does so too', async () => {
    const first = await connectPeer([{ step: 'untilEnd' }]);
    const bench = new Bench(make);
    bench.engine.resumeReceive(bench.engine.openSocket(first.fd));
    bench.on.tick = () => bench.engine.stop();
    await bench.engine.run();
    expect((await first.report).ended).toBe(true);
    expect(bench.log).toEqual(['closed 0']);

    const second = await connectPeer([{ step: 'send', value: pattern(10) }, { step: 'untilEnd' }]);
    const failing = new Bench(make);
    failing.on.received = () => {
      throw new Error('a fault of the consumer');
    };
    failing.engine.resumeReceive(failing.engine.openSocket(second.fd));
    await expect(async () => failing.engine.run()).rejects.toThrow('a fault of the consumer');
    expect((await second.report).ended).toBe(true);
  });

  it('makes room for another where there are as many sockets as the slab has memory for connections', async () => {
    const bench = new Bench(make, {}, 512 * 1024);
    const { connectionsMax } = bench.slab;
    const { fds } = await connectSwarm(connectionsMax + 1, pattern(1));
    const next = (): number => bench.engine.openSocket(fds.at(-1)!);
    const sockets: number[] = [];
    while (sockets.length < connectionsMax) {
      sockets.push(next());
      fds.pop();
    }
    expect(next).toThrow('more sockets than it was made for');
    let open = sockets.length;
    bench.on.closed = () => {
      if (--open === 0) bench.engine.stop();
      else if (open === connectionsMax - 1 && fds.length !== 0) bench.ring();
    };
    bench.on.woken = () => {
      const socket = next();
      fds.pop();
      open++;
      for (const each of [socket, ...sockets.slice(1)]) bench.engine.close(each, false);
    };
    bench.engine.close(sockets[0]!, false);
    await bench.engine.run();
    expect([open, fds.length]).toEqual([0, 0]);
  });

  it('a thousand times leaves no descriptor behind, and no handle hears of another’s operations', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const bench = new Bench(make, { sockets: 4 });
    const rounds = 1000;
    const { fds, allClosed } = await connectSwarm(rounds, pattern(100));
    const bytes = new Map<number, number>();
    let closed = 0;
    bench.on.received = (socket, _at, length) => {
      bytes.set(socket, bytes.get(socket)! + length);
      // The next receive operation waits in the kernel when the socket goes.
      if (bytes.get(socket) === 100) bench.engine.close(socket, closed % 2 === 0);
      return length;
    };
    bench.on.closed = (socket) => {
      expect(bytes.get(socket)).toBe(100);
      bytes.delete(socket);
      if (++closed === rounds) bench.engine.stop();
      else bench.ring();
    };
    bench.on.woken = () => {
      while (bytes.size < 3 && fds.length > 0) {
        const socket = bench.engine.openSocket(fds.pop()!);
        expect(bytes.has(socket)).toBe(false);
        bytes.set(socket, 0);
        bench.engine.resumeReceive(socket);
      }
    };
    bench.ring();
    await bench.engine.run();
    expect(closed).toBe(rounds);
    await allClosed;
    bench.dispose();
    // The ring is closed as well; the swarm's thread has ended by now, or ends soon.
    await expect.poll(() => readdirSync('/proc/self/fd').length, { timeout: 20_000 }).toBeLessThanOrEqual(before);
  });
});
