import { describe, expect, it } from 'vitest';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { read16 } from '../support/cdbs.ts';
import { SessionBench } from '../support/session-bench.ts';

const PINGS = 5000;

describe('PduSender', () => {
  it('has an initiator that takes no answers wait with its requests, and everyone else not', () => {
    const bench = new SessionBench();
    const unused = bench.engine.slab.bytesInUse;
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.engine.setDeaf(one.socket, true);
    for (let count = 0; count < PINGS; count++) one.send(NopOut, {}, { immediate: true });
    bench.settle();
    for (let round = 0; round < 20; round++) {
      two.command(read16(0, 8), { read: 4096 });
      bench.settle();
      expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    }
    bench.engine.setDeaf(one.socket, false);
    bench.settle();
    expect(one.replies()).toHaveLength(PINGS);
    for (const { socket } of [one, two]) bench.engine.hangUp(socket);
    bench.settle();
    expect([bench.engine.slab.bytesInUse, bench.host.throttled, bench.host.unsentTokens]).toEqual([unused, 0, 0]);
  });

  it('closes a connection that there is no memory to answer, and nobody else’s', () => {
    const bench = new SessionBench({ slabBytes: 1024 * 1024 });
    const unused = bench.engine.slab.bytesInUse;
    const [one, two] = [bench.logIn(), bench.logIn()];
    const { slab } = bench.engine;
    const cells: number[] = [];
    for (let cell = slab.takeCell(); cell >= 0; cell = slab.takeCell()) cells.push(cell);
    one.send(NopOut, {}, { immediate: true });
    bench.settle();
    expect([one.open, two.open]).toEqual([false, true]);
    expect(bench.log.at(-1)).toMatch(/no memory for a response/);
    for (const cell of cells) slab.release(cell);
    two.send(NopOut, {}, { immediate: true });
    bench.settle();
    expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.NOP_IN]);
    // What was written and not sent went into memory that is still nobody else's.
    bench.engine.hangUp(two.socket);
    bench.settle();
    expect(slab.bytesInUse).toBe(unused);
    expect(slab.takeCell()).not.toBe(bench.host.spareCell);
  });
});
