// What is the posix engine's own of sending: by one call where the socket has room, by the stream where it has not.

import { expect, it, vi } from 'vitest';
import { PosixEngine } from '../../src/engine/posix-engine.ts';
import { libc } from '../../src/kernel/libc.ts';
import { Counter, privateCounters } from '../../src/ring/counters.ts';
import { LATENCY_BUCKETS } from '../../src/ring/figures.ts';
import { Bench, connectPeer, type PeerStep, pattern } from './harness.ts';

/** Sends `count` pieces of `length` bytes to a peer that plays `steps`; answers what was counted, and how many calls sent. */
async function sendAll(count: number, length: number, steps: readonly PeerStep[]) {
  const { fd, report } = await connectPeer([...steps, { step: 'end' }, { step: 'untilEnd' }]);
  const counters = privateCounters();
  const bench = new Bench((slab, events) => new PosixEngine({ slab, events, counters }));
  const sendmsg = vi.spyOn(libc(), 'sendmsg');
  const socket = bench.engine.openSocket(fd);
  const { address } = bench.slot(pattern(length));
  for (let token = 0; token < count; token++) bench.engine.send(socket, address, length, token);
  bench.engine.resumeReceive(socket);
  await bench.engine.run();
  const waits = counters
    .slice(Counter.sendWaits, Counter.sendWaits + LATENCY_BUCKETS)
    .reduce((sum, count) => sum + count);
  const calls = sendmsg.mock.calls.length;
  sendmsg.mockRestore();
  expect((await report).received.length).toBe(count * length);
  return { sends: counters[Counter.sends], waits, calls };
}

it('sends by one call what there is room for, and nothing waits', async () => {
  const steps: PeerStep[] = [{ step: 'receive', value: 100 * 48 }];
  expect(await sendAll(100, 48, steps)).toEqual({ sends: 1, waits: 0, calls: 1 });
});

it('waits for room by the stream, as long as it takes', async () => {
  const bytes = 40 * 256 * 1024;
  const steps: PeerStep[] = [
    { step: 'deaf' },
    { step: 'wait', value: 300 },
    { step: 'read' },
    { step: 'receive', value: bytes },
  ];
  const { sends, waits, calls } = await sendAll(40, 256 * 1024, steps);
  expect(calls).toBe(sends);
  expect(waits).toBeGreaterThan(0);
  expect(waits).toBeLessThanOrEqual(sends!);
});
