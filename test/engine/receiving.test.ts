// What src/engine/engine.ts promises of receiving, held against every engine: the same cases for all, over the loopback.
// Whoever writes to the interface must not notice which engine it is.

import { describe, expect, it } from 'vitest';
import { Bench, connectPeer, ENGINES, type PeerStep, pattern } from './harness.ts';

describe.each(ENGINES)('%s: receiving', (_name, make) => {
  it('delivers the stream in order, and reports the end', async () => {
    const bytes = pattern(1_000_000);
    const { fd, report } = await connectPeer([{ step: 'send', value: bytes }, { step: 'end' }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    const chunks: Buffer[] = [];
    bench.on.received = (_socket, at, length) => {
      chunks.push(bench.copy(at, length));
      return length;
    };
    const socket = bench.engine.openSocket(fd);
    bench.engine.resumeReceive(socket);
    await bench.engine.run();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(bench.log).toEqual([`ended ${socket} 0`, `closed ${socket}`]);
    expect((await report).ended).toBe(true);
  });

  it('offers again what was not consumed, before anything newer', async () => {
    const bytes = pattern(50_000);
    const { fd } = await connectPeer([{ step: 'send', value: bytes }, { step: 'end' }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    const chunks: Buffer[] = [];
    bench.on.received = (_socket, at, length) => {
      const consumed = Math.min(length, 777);
      chunks.push(bench.copy(at, consumed));
      return consumed;
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('is silent while paused, and goes on where it stopped', async () => {
    const bytes = pattern(300_000);
    const { fd } = await connectPeer([{ step: 'send', value: bytes }, { step: 'end' }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    const chunks: Buffer[] = [];
    let paused = false;
    let offeredWhilePaused = 0;
    bench.on.received = (socket, at, length) => {
      if (paused) offeredWhilePaused++;
      const consumed = Math.ceil(length / 2);
      chunks.push(bench.copy(at, consumed));
      if (chunks.length === 2) {
        paused = true;
        bench.engine.pauseReceive(socket);
      }
      return consumed;
    };
    bench.on.tick = () => {
      if (!paused) return;
      paused = false;
      bench.engine.resumeReceive(0);
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(offeredWhilePaused).toBe(0);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('leaves the bytes of a paused socket with the kernel, and the peer feels it', async () => {
    const bytes = pattern(64 * 1024 * 1024);
    const { fd, report } = await connectPeer([{ step: 'send', value: bytes }, { step: 'untilEnd' }]);
    const bench = new Bench(make);
    let total = 0;
    bench.on.received = (socket, _at, length) => {
      total += length;
      bench.engine.pauseReceive(socket);
      return length;
    };
    let ticks = 0;
    bench.on.tick = () => {
      if (++ticks === 2) bench.engine.close(0, false);
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    // At most a chunk that was under way when the pause came.
    expect(total).toBeLessThanOrEqual(2 * 64 * 1024);
    await report;
  });

  it('puts bytes where they are wanted, from inside received and receivedInto', async () => {
    const header = pattern(48, 1);
    const first = pattern(100_000, 2);
    const second = pattern(70_000, 3);
    const rest = pattern(500, 4);
    const { fd } = await connectPeer([
      { step: 'send', value: Buffer.concat([header, first.subarray(0, 10)]) },
      { step: 'wait', value: 20 },
      { step: 'send', value: Buffer.concat([first.subarray(10), second, rest]) },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const a = bench.slot(Buffer.alloc(first.length));
    const b = bench.slot(Buffer.alloc(second.length));
    const chunks: Buffer[] = [];
    const lengths: number[] = [];
    let already = 0;
    bench.on.received = (socket, at, length) => {
      if (lengths.length === 0 && already === 0) {
        expect(bench.copy(at, 48).equals(header)).toBe(true);
        already = length - 48;
        bench.slab.bytes.copyWithin(a.at, at + 48, at + length);
        bench.engine.receiveInto(socket, a.at + already, first.length - already);
        return 48;
      }
      chunks.push(bench.copy(at, length));
      return length;
    };
    bench.on.receivedInto = (socket, length) => {
      lengths.push(length);
      if (lengths.length === 1) bench.engine.receiveInto(socket, b.at, second.length);
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(lengths).toEqual([first.length - already, second.length]);
    expect(bench.copy(a.at, first.length).equals(first)).toBe(true);
    expect(bench.copy(b.at, second.length).equals(second)).toBe(true);
    expect(Buffer.concat(chunks).equals(rest)).toBe(true);
  });

  it('brings little along with the header behind much that was placed', async () => {
    const header = Buffer.alloc(48, 0x4e);
    const [first, second] = [pattern(200_000, 1), pattern(100_000, 2)];
    const { fd } = await connectPeer([
      { step: 'send', value: Buffer.concat([header, first, header, second]) },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const place = bench.slot(Buffer.alloc(first.length));
    const behind: Buffer[] = [];
    let placed = false;
    bench.on.received = (socket, at, length) => {
      if (placed) {
        behind.push(bench.copy(at, length));
        return length;
      }
      bench.slab.bytes.copyWithin(place.at, at + 48, at + length);
      bench.engine.receiveInto(socket, place.at + length - 48, first.length - (length - 48));
      return length;
    };
    bench.on.receivedInto = () => {
      placed = true;
    };
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(bench.copy(place.at, first.length).equals(first)).toBe(true);
    expect(Buffer.concat(behind).equals(Buffer.concat([header, second]))).toBe(true);
    // Only that engine is handed less than a buffer holds.
    if (bench.engine.name === 'uring') expect(behind[0]!.length).toBeLessThanOrEqual(4096);
  });

  it('reports an end in the middle of what was to be placed', async () => {
    const { fd } = await connectPeer([
      { step: 'send', value: pattern(100) },
      { step: 'wait', value: 20 },
      { step: 'end' },
      { step: 'untilEnd' },
    ]);
    const bench = new Bench(make);
    const { at } = bench.slot(Buffer.alloc(4096));
    bench.on.received = (socket, _at, length) => {
      bench.engine.receiveInto(socket, at, 4096);
      return length;
    };
    bench.on.receivedInto = () => bench.log.push('receivedInto');
    bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(bench.log).toEqual(['ended 0 0', 'closed 0']);
  });

  it('serves a socket while paused ones hold more chunks than there are receive buffers', async () => {
    const bytes = pattern(40_000);
    const paused = 6;
    const steps: PeerStep[] = [{ step: 'send', value: bytes }, { step: 'end' }, { step: 'untilEnd' }];
    const peers = await Promise.all(Array.from({ length: paused + 1 }, () => connectPeer(steps)));
    const bench = new Bench(make, { receiveBufferBytes: 64 * 1024 });
    const chunks: Buffer[][] = peers.map(() => []);
    const opened: number[] = [];
    let resumed = false;
    bench.on.received = (socket, at, length) => {
      const last = opened.indexOf(socket) === paused;
      const consumed = last ? length : Math.min(length, 100);
      chunks[opened.indexOf(socket)]!.push(bench.copy(at, consumed));
      if (!last && !resumed) bench.engine.pauseReceive(socket);
      return consumed;
    };
    let open = peers.length;
    const ended: number[] = [];
    bench.on.ended = (socket) => {
      ended.push(socket);
      bench.engine.close(socket, false);
      if (resumed) return;
      // The last one got through to its end while the others waited. Now they may go on.
      resumed = true;
      for (const other of opened.slice(0, -1)) bench.engine.resumeReceive(other);
    };
    bench.on.closed = () => {
      if (--open === 0) bench.engine.stop();
    };
    const openNext = (): void => {
      const socket = bench.engine.openSocket(peers[opened.length]!.fd);
      opened.push(socket);
      bench.engine.resumeReceive(socket);
    };
    // One after the other, so that each has a chunk in hand before the next asks for a buffer.
    bench.on.woken = () => {
      const held = opened.every((_socket, index) => chunks[index]!.length > 0);
      if (held && opened.length < peers.length) openNext();
      if (opened.length < peers.length) bench.ring();
    };
    bench.ring();
    await bench.engine.run();
    expect(ended[0]).toBe(opened.at(-1));
    expect(ended).toHaveLength(peers.length);
    for (const received of chunks) expect(Buffer.concat(received).equals(bytes)).toBe(true);
  });

  it('serves more sockets than there are receive buffers', async () => {
    const count = 12;
    const bytes = pattern(200_000);
    const peers = await Promise.all(
      Array.from({ length: count }, () =>
        connectPeer([{ step: 'send', value: bytes }, { step: 'end' }, { step: 'untilEnd' }]),
      ),
    );
    const bench = new Bench(make, { receiveBufferBytes: 128 * 1024 });
    const totals = new Array<number>(count).fill(0);
    // Holding on to part of every chunk keeps its buffer from the others.
    bench.on.received = (socket, _at, length) => {
      const consumed = Math.ceil(length / 3);
      totals[socket]! += consumed;
      return consumed;
    };
    let open = count;
    bench.on.closed = () => {
      if (--open === 0) bench.engine.stop();
    };
    for (const { fd } of peers) bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(totals).toEqual(new Array(count).fill(bytes.length));
  });
});
