// A memory unit is removed while its bytes are on their way to initiators: they arrive as they were, and only then is the unit gone.

import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { read16 } from '../support/cdbs.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';

const UNIT = 101;
const REQUEST = 77;
const BLOCKS = 8;
const BYTES = BLOCKS * BLOCK_BYTES;
const NOP_INTERVAL_MS = 5000;
/** Longer than a leaving connection is waited for, or a silent one asked. */
const LONG_MS = 62_000;

/** An initiator that has asked for data of the memory unit and does not take them, while the unit is removed. */
function removal(dataDigest: Digest = Digest.none, nopIntervalMs = NOP_INTERVAL_MS) {
  const bench = new SessionBench();
  const data = noise(BYTES, 3);
  bench.memory.set(data);
  const one = bench.logIn({ connection: { dataDigest }, nopIntervalMs });
  bench.engine.setDeaf(one.socket, true);
  one.command(read16(0, BLOCKS), { lun: SimLun.MEMORY, read: BYTES });
  bench.settle();
  bench.tell({ type: 'unitRemoved', id: UNIT, request: REQUEST });
  bench.settle();
  const done = () => bench.messages.some((message) => message.type === 'done' && message.request === REQUEST);
  return { bench, one, data, done };
}

describe('the bytes of a memory unit that is removed', () => {
  it.each([Digest.none, Digest.crc32c])('arrive as they were, data digest %s', (digest) => {
    const { bench, one, data, done } = removal(digest);
    bench.pass(2000);
    expect(done()).toBe(false);
    bench.engine.setDeaf(one.socket, false);
    bench.settle();
    bench.pass(1000);
    expect(done()).toBe(true);
    const [reply] = one.replies();
    expect(reply?.opcode).toBe(Opcode.DATA_IN);
    expect(reply!.data.equals(data)).toBe(true);
  });

  it('are there until the last of them has left, also of a READ that is cut into several PDUs', () => {
    const bench = new SessionBench();
    const data = noise(BYTES, 4);
    bench.memory.set(data);
    const one = bench.logIn({ connection: { maxXmitDataSegmentLength: 1024 } });
    bench.engine.setDeaf(one.socket, true);
    one.command(read16(0, BLOCKS), { lun: SimLun.MEMORY, read: BYTES });
    bench.settle();
    bench.tell({ type: 'unitRemoved', id: UNIT, request: REQUEST });
    const done = () => bench.messages.some((message) => message.type === 'done' && message.request === REQUEST);
    // A header and its data, four times over; the unit's bytes are overwritten as soon as it may be gone.
    for (let spans = 1; spans < 8; spans++) {
      bench.engine.drain(one.socket, 1);
      bench.pass(1000);
      expect([spans, done()]).toEqual([spans, false]);
    }
    bench.engine.drain(one.socket, 1);
    bench.pass(1000);
    expect(done()).toBe(true);
    expect(Buffer.concat(one.replies().map((pdu) => pdu.data)).equals(data)).toBe(true);
  });

  it.each([
    ['is asked', NOP_INTERVAL_MS],
    ['is never asked', 0],
  ])('are given up with an initiator that never takes them, and %s', (_, nopIntervalMs) => {
    const { bench, one, done } = removal(Digest.none, nopIntervalMs);
    bench.pass(LONG_MS);
    expect(one.open).toBe(false);
    expect(done()).toBe(true);
  });

  it('keep nobody waiting when there are none', () => {
    const bench = new SessionBench();
    bench.logIn();
    bench.tell({ type: 'unitRemoved', id: UNIT, request: REQUEST });
    expect(bench.messages).toContainEqual({ type: 'done', request: REQUEST });
  });
});
