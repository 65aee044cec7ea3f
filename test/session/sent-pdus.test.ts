import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BHS_SIZE, RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { Budget } from '../../src/session/budget.ts';
import { Missing, SentPdus } from '../../src/session/sent-pdus.ts';
import { type AnyLayout, encode, type HeaderValues, viewOf } from '../support/header-values.ts';

const AREA = new Uint8Array(64 * 1024);
const SLAB = { bytes: AREA, view: viewOf(AREA) };
const FIRST = 0xffff_fffe;
const SEGMENT = 4096;

function keep<L extends AnyLayout>(sent: SentPdus, layout: L, values: Partial<HeaderValues<L>>, length = 0): void {
  AREA.fill(0x5a);
  AREA.set(encode(layout, { dataSegmentLength: length, ...values } as Partial<HeaderValues<L>>));
  sent.keep(0, BHS_SIZE);
}

const dataIn = (sent: SentPdus, tag: number, dataSN: number, values: Partial<HeaderValues<typeof DataIn>> = {}) =>
  keep(sent, DataIn, { opcode: Opcode.DATA_IN, initiatorTaskTag: tag, dataSN, ...values }, SEGMENT);
const response = (sent: SentPdus, tag: number, statSN: number) =>
  keep(sent, ScsiResponse, { opcode: Opcode.SCSI_RESPONSE, initiatorTaskTag: tag, statSN });

/** What a command's data is to a SNACK for all of it: how many PDUs, or why none. */
function dataOf(sent: SentPdus, tag: number): number | Missing {
  const sequence = sent.find(tag);
  if (sequence === null) return sent.ofUnknown;
  const run = sent.data(sequence, 0, 0);
  return typeof run === 'string' ? run : run.length;
}

describe('what was sent is kept', () => {
  it('until its status is acknowledged, and its data with it; numbers wrap', () => {
    const budget = new Budget(1e6);
    const sent = new SentPdus(SLAB, FIRST, budget);
    for (let index = 0; index < 4; index++) {
      dataIn(sent, index, 0);
      response(sent, index, (FIRST + index) >>> 0);
    }
    expect(sent.statuses(0, 0)).toHaveLength(4);
    sent.acknowledge(0);
    expect((sent.statuses(0, 0) as unknown[]).length).toBe(2);
    expect([0, 1, 2, 3].map((tag) => dataOf(sent, tag))).toEqual([Missing.unknown, Missing.unknown, 1, 1]);
    expect(sent.statuses(FIRST, 1)).toBe(Missing.unknown);
    sent.acknowledge(2);
    expect(sent.bytes).toBe(0);
    expect(budget.left).toBe(1e6);
  });

  it('but for our own pings, which have no number', () => {
    const sent = new SentPdus(SLAB, 1, new Budget(1e6));
    keep(sent, NopIn, { opcode: Opcode.NOP_IN, initiatorTaskTag: RESERVED_TAG, statSN: 1 });
    expect(sent.bytes).toBe(0);
    expect(sent.statuses(0, 0)).toEqual([]);
  });

  it('until its command has been aborted', () => {
    const sent = new SentPdus(SLAB, 1, new Budget(1e6));
    dataIn(sent, 7, 0);
    sent.aborted(7);
    expect([sent.bytes, dataOf(sent, 7)]).toEqual([0, Missing.unknown]);
  });

  it('for each command that had the same tag', () => {
    const sent = new SentPdus(SLAB, 1, new Budget(1e6));
    dataIn(sent, 7, 0, { flags: STATUS_BIT, statSN: 1 });
    dataIn(sent, 7, 0);
    dataIn(sent, 7, 1);
    expect(dataOf(sent, 7)).toBe(2);
    sent.acknowledge(2);
    expect(dataOf(sent, 7)).toBe(2);
    sent.aborted(7);
    expect(sent.bytes).toBe(0);
  });
});

describe('who acknowledges nothing', () => {
  it('loses the oldest, and is told so', () => {
    const bytesMax = 20 * SEGMENT;
    const sent = new SentPdus(SLAB, 1, new Budget(1e9), bytesMax);
    for (let tag = 1; tag <= 100; tag++) {
      dataIn(sent, tag, 0);
      response(sent, tag, tag);
      expect(sent.bytes).toBeLessThanOrEqual(bytesMax);
    }
    expect(dataOf(sent, 1)).toBe(Missing.dropped);
    expect(sent.statuses(1, 1)).toBe(Missing.dropped);
    expect(sent.statuses(0, 0)).toBe(Missing.dropped);
    expect(dataOf(sent, 100)).toBe(1);
    expect(sent.statuses(100, 1)).toHaveLength(1);
    expect(sent.statuses(101, 1)).toBe(Missing.unknown);
  });

  it('has nothing kept while others have all there is', () => {
    const budget = new Budget(3 * SEGMENT);
    const greedy = new SentPdus(SLAB, 1, budget);
    for (let number = 0; number < 3; number++) dataIn(greedy, 1, number);
    const late = new SentPdus(SLAB, 1, budget);
    for (let tag = 1; tag <= 3; tag++) dataIn(late, tag, 0, { flags: STATUS_BIT, statSN: tag });
    expect(late.bytes).toBe(0);
    expect([dataOf(late, 2), late.statuses(0, 0)]).toEqual([Missing.dropped, Missing.dropped]);
    greedy.clear();
    expect([greedy.bytes, budget.left]).toEqual([0, 3 * SEGMENT]);
    dataIn(late, 4, 0);
    expect(dataOf(late, 4)).toBe(1);
  });

  it('never makes more of it than the bounds, and all of it comes back', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('data' as const), tag: fc.nat(5) }),
      fc.record({ kind: fc.constant('status' as const), tag: fc.nat(5) }),
      fc.record({ kind: fc.constant('abort' as const), tag: fc.nat(5) }),
      fc.record({ kind: fc.constant('acknowledge' as const), tag: fc.nat(5) }),
      fc.record({ kind: fc.constant('dataAck' as const), tag: fc.nat(5) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new Budget(8 * SEGMENT);
        const sent = new SentPdus(SLAB, 1, budget, 6 * SEGMENT);
        let statSN = 1;
        for (const { kind, tag } of steps) {
          if (kind === 'data') dataIn(sent, tag, sent.running(tag).next);
          else if (kind === 'status') response(sent, tag, statSN++);
          else if (kind === 'abort') sent.aborted(tag);
          else if (kind === 'acknowledge') sent.acknowledge(statSN - tag);
          else sent.acknowledgeData(sent.ackTag(tag), sent.running(tag).next);
          expect(sent.bytes).toBeLessThanOrEqual(6 * SEGMENT);
          expect(sent.bytes + budget.left).toBe(8 * SEGMENT);
        }
        for (let tag = 0; tag <= 5; tag++) sent.aborted(tag);
        sent.acknowledge(statSN);
        expect(sent.bytes).toBe(0);
      }),
    );
  });
});
