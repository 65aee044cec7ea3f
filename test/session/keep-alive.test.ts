import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { read16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const INTERVAL_MS = 5000;

function askForEchoes(one: SimInitiator): void {
  for (let count = 0; count < 5000; count++) one.send(NopOut, {}, { immediate: true });
}

function askForData(one: SimInitiator): void {
  for (let count = 0; count < 64; count++) one.command(read16(0, 8), { read: 4096 });
}

describe('KeepAlive (RFC 7143 §11.19)', () => {
  it('asks an initiator that is silent, and drops it when it stays so', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: INTERVAL_MS });
    bench.pass(INTERVAL_MS - 1000);
    expect(one.replies()).toEqual([]);
    bench.pass(1000);
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.NOP_IN]);
    bench.pass(INTERVAL_MS - 1000);
    expect(one.open).toBe(true);
    bench.pass(1000);
    expect(one.open).toBe(false);
    expect(bench.log.at(-1)).toMatch(/does not answer a NOP-In/);
  });

  it('keeps one that answers, and asks again', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: INTERVAL_MS, statSN: 77 });
    for (let round = 0; round < 4; round++) {
      bench.pass(INTERVAL_MS);
      const [ping, ...others] = one.replies();
      const { initiatorTaskTag, targetTransferTag, statSN, lun } = decode(NopIn, ping!.header);
      expect(others).toEqual([]);
      // §11.19.2: a ping of the target's own has a valid Target Transfer Tag, and does not use up a StatSN.
      expect(initiatorTaskTag).toBe(RESERVED_TAG);
      expect(targetTransferTag).not.toBe(RESERVED_TAG);
      expect(statSN).toBe(77);
      one.send(NopOut, { initiatorTaskTag: RESERVED_TAG, targetTransferTag, lun }, { immediate: true });
      bench.settle();
      expect(one.replies()).toEqual([]);
    }
    expect(one.open).toBe(true);
  });

  it('does not ask one that has sent something meanwhile', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: INTERVAL_MS });
    for (let round = 0; round < 3; round++) {
      bench.pass(INTERVAL_MS - 1000);
      one.send(NopOut, {}, { immediate: true });
      bench.settle();
      expect(one.replies().map(({ header }) => decode(NopIn, header).targetTransferTag)).toEqual([RESERVED_TAG]);
    }
    bench.pass(INTERVAL_MS - 1000);
    expect(one.replies()).toEqual([]);
    bench.pass(1000);
    const [asked] = one.replies();
    expect(decode(NopIn, asked!.header).targetTransferTag).not.toBe(RESERVED_TAG);
  });

  it('does not ask one that sends all the time, with an interval as short as a tick', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: 1000 });
    for (let round = 0; round < 8; round++) {
      one.send(NopOut, {}, { immediate: true });
      bench.settle();
      bench.pass(1000);
      expect(one.replies().map(({ header }) => decode(NopIn, header).targetTransferTag)).toEqual([RESERVED_TAG]);
    }
    bench.pass(2000);
    expect(one.open).toBe(false);
  });

  it('keeps one whose answer came while the target itself stood still', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: INTERVAL_MS });
    bench.pass(INTERVAL_MS);
    const [ping] = one.replies();
    const { targetTransferTag } = decode(NopIn, ping!.header);
    // The tick is heard before what has come.
    bench.engine.clock += 3 * INTERVAL_MS;
    bench.pass(1000);
    one.send(NopOut, { initiatorTaskTag: RESERVED_TAG, targetTransferTag }, { immediate: true });
    bench.settle();
    expect(one.open).toBe(true);
    // Who does not answer is given up all the same.
    bench.pass(3 * INTERVAL_MS);
    expect(one.open).toBe(false);
  });

  it('keeps one that the target itself does not read, for want of memory', () => {
    const bench = new SessionBench({ slabBytes: 1024 * 1024 });
    const [one, reader] = [bench.logIn({ nopIntervalMs: INTERVAL_MS }), bench.logIn({ nopIntervalMs: 0 })];
    const { slab } = bench.engine;
    const slots: number[] = [];
    for (let slot = slab.takeSlot(4096); slot >= 0; slot = slab.takeSlot(4096)) slots.push(slot);
    // A command that waits for memory goes first.
    reader.command(read16(0, 8), { read: 4096 });
    one.send(NopOut, {}, { immediate: true, data: Buffer.from('ping') });
    bench.pass(4 * INTERVAL_MS);
    expect([one.open, bench.host.stalled.size]).toEqual([true, 1]);
    for (const slot of slots) slab.release(slot);
    bench.pass(1000);
    expect(reader.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    expect(one.replies().at(-1)?.data.toString()).toBe('ping');
    // From here on it could be heard.
    bench.pass(2 * INTERVAL_MS);
    expect(one.open).toBe(false);
  });

  it.each([
    { what: 'so much that it is not read', ask: askForEchoes, throttled: 1 },
    { what: 'less', ask: askForData, throttled: 0 },
  ])('keeps one that is slow to take $what, as long as it takes something', ({ ask, throttled }) => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: INTERVAL_MS });
    bench.engine.setDeaf(one.socket, true);
    ask(one);
    bench.settle();
    expect(bench.host.throttled).toBe(throttled);
    for (let passed = 0; passed < 4 * INTERVAL_MS; passed += 1000) {
      bench.engine.drain(one.socket, 1);
      bench.pass(1000);
    }
    expect([one.open, bench.host.throttled]).toEqual([true, throttled]);
    bench.pass(2 * INTERVAL_MS);
    expect(one.open).toBe(false);
  });

  it('keeps one that takes what is in the kernel’s hands, and drops it when that stands still, or is taken and not answered', () => {
    for (const left of [
      [900_000, 600_000, 300_000, 300_000],
      [900_000, 0, 0],
      [0, 48],
    ]) {
      const bench = new SessionBench();
      const one = bench.logIn({ nopIntervalMs: INTERVAL_MS });
      for (const bytes of left) {
        expect(one.open, `${left} before ${bytes}`).toBe(true);
        bench.engine.setUnacknowledged(one.socket, bytes);
        bench.pass(INTERVAL_MS);
      }
      expect(one.open, `${left}`).toBe(false);
    }
  });

  it('asks nobody when it is switched off', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: 0 });
    bench.pass(600_000);
    expect([one.open, one.replies()]).toEqual([true, []]);
  });
});
