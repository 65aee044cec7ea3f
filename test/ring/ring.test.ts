// Records through shared memory: held against a plain queue, over every kind of wrap, and between two real threads.
// The bells are the channel's test's.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/ring/ring.ts';
import { noise } from '../support/scratch.ts';

const CAPACITY = 256;
/** Where the two positions stand in the control block, in words. */
const HEAD = 0;
const TAIL = 16;

/** Two ends over one memory, whose positions start at `position`. */
function ends(capacity: number, position = 0): { writer: Ring; reader: Ring } {
  const memory = Ring.allocate(capacity);
  const words = new Int32Array(memory);
  words[HEAD] = position;
  words[TAIL] = position;
  return { writer: new Ring(memory), reader: new Ring(memory) };
}

describe('a ring', () => {
  it('gives back what was written, in order, whole', () => {
    const step = fc.oneof(
      fc.record({ write: fc.uint8Array({ maxLength: CAPACITY / 2 - 4 }) }),
      fc.constant({ write: null }),
    );
    // The last positions before 32 bits end, signed and unsigned, are where arithmetic goes wrong.
    const position = fc.constantFrom(0, 2 ** 31 - 128, -128);
    fc.assert(
      fc.property(position, fc.array(step, { maxLength: 200 }), (start, steps) => {
        const { writer, reader } = ends(CAPACITY, start);
        const queue: Uint8Array[] = [];
        const used = (): number => queue.reduce((sum, { length }) => sum + 4 + Math.ceil(length / 4) * 4, 0);
        for (const { write } of steps) {
          if (write === null) {
            expect(reader.read()).toEqual(queue.shift() ?? null);
          } else {
            const fits = used() + 4 + Math.ceil(write.length / 4) * 4 <= CAPACITY;
            expect(writer.tryWrite(write)).toBe(fits);
            if (fits) queue.push(write);
          }
        }
        for (const record of queue) expect(reader.read()).toEqual(record);
        expect(reader.read()).toBeNull();
      }),
    );
  });

  it('takes records up to half of its capacity', () => {
    const { writer, reader } = ends(CAPACITY);
    expect(writer.recordMax).toBe(CAPACITY / 2 - 4);
    expect(writer.tryWrite(new Uint8Array(writer.recordMax))).toBe(true);
    expect(reader.read()).toHaveLength(writer.recordMax);
    expect(() => writer.tryWrite(new Uint8Array(writer.recordMax + 1))).toThrow('half of the ring');
  });

  it('refuses a capacity that is no power of two', () => {
    expect(() => new Ring(Ring.allocate(1000))).toThrow('power of two');
  });

  it('rings once until the bell is answered', () => {
    const { writer, reader } = ends(CAPACITY);
    expect([writer.mustRing(), writer.mustRing()]).toEqual([true, false]);
    reader.answerBell();
    expect(writer.mustRing()).toBe(true);
  });

  it('says once that a writer waited for room', () => {
    const { writer, reader } = ends(CAPACITY);
    expect(reader.unblock()).toBe(false);
    writer.block();
    expect([reader.unblock(), reader.unblock()]).toEqual([true, false]);
  });

  it('carries records between threads that run at the same time', async () => {
    const records = 10_000;
    const memory = Ring.allocate(16 * 1024);
    const worker = new Worker(new URL('reader.mjs', import.meta.url), { workerData: { memory, records } });
    const result = once(worker, 'message');
    const writer = new Ring(memory);
    const bytes = noise(1000);
    let sum = 0;
    for (let index = 0; index < records; index++) {
      const record = bytes.subarray(0, (index * 37) % bytes.length);
      // Written anew for every record, so that one read twice or too early shows.
      const numbered = Buffer.concat([Buffer.from(Uint32Array.of(index).buffer), record]);
      for (const byte of numbered) sum = (sum * 31 + byte) | 0;
      while (!writer.tryWrite(numbered)) await new Promise(setImmediate);
    }
    expect((await result)[0]).toEqual({ sum, inOrder: true });
  });
});
