// What is the posix engine’s own: addresses made of a region and an offset, as many as there can be units, and what counts as under way.

import { expect, it } from 'vitest';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { PosixEngine } from '../../src/engine/posix-engine.ts';
import { Bench, connectPeer, pattern } from './harness.ts';

it('sends from the last of 20,000 regions, at its last byte but one as well', async () => {
  const bytes = pattern(64, 3);
  const { fd, report } = await connectPeer([
    { step: 'receive', value: bytes.length + 1 },
    { step: 'end' },
    { step: 'untilEnd' },
  ]);
  const bench = new Bench((slab, events) => new PosixEngine({ slab, events }));
  const { engine } = bench;
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  const other = new SharedArrayBuffer(bytes.length);
  for (let count = 1; count < 20_000; count++) engine.attachRegion(other);
  const base = engine.attachRegion(memory);
  const socket = engine.openSocket(fd);
  engine.send(socket, base, bytes.length, NO_RELEASE);
  engine.send(socket, base + bytes.length - 2, 1, NO_RELEASE);
  engine.resumeReceive(socket);
  await engine.run();
  expect(Buffer.from((await report).received)).toEqual(Buffer.concat([bytes, bytes.subarray(-2, -1)]));
});

it('gives the number of a region that is gone to the next', () => {
  const { engine } = new Bench((slab, events) => new PosixEngine({ slab, events }));
  const memory = new SharedArrayBuffer(8);
  const bases = Array.from({ length: 3 }, () => engine.attachRegion(memory));
  engine.detachRegion(bases[1]!);
  const again = engine.attachRegion(memory);
  const next = engine.attachRegion(memory);
  expect(again).toBe(bases[1]);
  expect(new Set([...bases, next]).size).toBe(4);
});

it('rejects with why an operation could not begin, and waits for no end of it', async () => {
  const bench = new Bench((slab, events) => new PosixEngine({ slab, events }));
  const { engine } = bench;
  const nowhere = engine.attachRegion(new SharedArrayBuffer(512));
  engine.detachRegion(nowhere);
  bench.on.woken = () => engine.read(-1, nowhere, 512, 0, 1);
  bench.ring();
  await expect(engine.run()).rejects.toThrow('an address in no region');
});
