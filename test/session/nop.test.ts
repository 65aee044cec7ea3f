import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { decode } from '../support/header-values.ts';
import { SessionBench } from '../support/session-bench.ts';

const INTERVAL_MS = 5000;

describe('keepAlive (RFC 7143 §11.19)', () => {
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

  it('asks nobody when it is switched off', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ nopIntervalMs: 0 });
    bench.pass(600_000);
    expect([one.open, one.replies()]).toEqual([true, []]);
  });
});
