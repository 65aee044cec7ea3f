// EXTENDED COPY in both forms: what is copied, which lists are refused, and what ends a copy half-way.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReservationType } from '../../src/ring/reservations.ts';
import { FRESH_STATE } from '../../src/ring/unit-state.ts';
import { COPY_SEGMENTS_MAX, COPY_TARGETS_MAX } from '../../src/scsi/limits.ts';
import type { LogicalUnit } from '../../src/scsi/logical-unit.ts';
import type { Nexus } from '../../src/scsi/nexus.ts';
import { Status } from '../../src/scsi/task.ts';
import { type Copy, copyList, copySegment, copyTarget, extendedCopy, type List } from '../support/copy-lists.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const BLOCKS = 2048;
const OWN = 0xffff;
const FIRST = '3000000000000001';
const SECOND = '3000000000000002';

const cdbOf = (length: number, long = false): string => extendedCopy(length, long).toString('hex');

function send(bench: ScsiBench, list: List): Outcome {
  const data = copyList(list);
  return bench.run(cdbOf(data.length, list.long), { data });
}

/** Two file units with noise in them. */
function units(): {
  bench: ScsiBench;
  one: Uint8Array;
  other: Uint8Array;
  second: ReturnType<ScsiBench['addFileUnit']>;
} {
  const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS, thin: true });
  const second = bench.addFileUnit({ blockCount: BLOCKS });
  for (let at = 0; at < BLOCKS * BLOCK; at++) {
    bench.file.bytes[at] = (at * 7 + (at >>> 9)) & 0xff;
    second.file.bytes[at] = (at * 13 + (at >>> 8)) & 0xff;
  }
  return { bench, one: bench.file.bytes, other: second.file.bytes, second };
}

const BOTH = [copyTarget(FIRST), copyTarget(SECOND)];

describe.each([false, true])('EXTENDED COPY, list identifiers of four bytes: %s', (long) => {
  it('does what its segments say, in order', () => {
    const copy = fc.record({
      from: fc.nat(BLOCKS - 1),
      to: fc.nat(BLOCKS - 1),
      drawn: fc.nat(1500),
      source: fc.constantFrom(0, 1, OWN),
      destination: fc.constantFrom(0, 1, OWN),
      flags: fc.constantFrom(0, 1, 2),
    });
    fc.assert(
      fc.property(fc.array(copy, { minLength: 1, maxLength: 4 }), (drawn) => {
        const { bench, one, other } = units();
        const expected = [one.slice(), other.slice()];
        const copies = drawn.map((each) => {
          const count = Math.min(each.drawn, BLOCKS - each.from, BLOCKS - each.to);
          const bytes = expected[each.source === 1 ? 1 : 0]!.slice(each.from * BLOCK, (each.from + count) * BLOCK);
          expected[each.destination === 1 ? 1 : 0]!.set(bytes, each.to * BLOCK);
          return { ...each, count };
        });
        expect(send(bench, { targets: BOTH, segments: copies.map(copySegment), long }).status).toBe(Status.GOOD);
        expect(Buffer.compare(one, expected[0]!)).toBe(0);
        expect(Buffer.compare(other, expected[1]!)).toBe(0);
        expect(bench.engine.slab.bytesInUse).toBe(0);
        expect(bench.unit.guests.size).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('without a list is nothing, and no error', () => {
    expect(units().bench.run(cdbOf(0, long)).status).toBe(Status.GOOD);
  });

  it('without segments copies nothing', () => {
    expect(send(units().bench, { targets: BOTH, segments: [], long }).status).toBe(Status.GOOD);
  });

  it('is refused with a list that ends before its descriptors do', () => {
    const { bench, one } = units();
    const before = one.slice();
    const list = copyList({ targets: BOTH, segments: [copySegment({ from: 0, to: 100, count: 1 })], long });
    for (let length = 1; length < list.length; length++) {
      const data = list.subarray(0, length);
      expect(bench.run(cdbOf(length, long), { data }), `${length}`).toMatchObject({
        senseKey: 5,
        additionalSense: 0x1a00,
      });
      expect(bench.run(cdbOf(list.length, long), { data }).additionalSense).toBe(0x1a00);
    }
    expect(Buffer.compare(one, before)).toBe(0);
  });

  it('is refused with more descriptors than the operating parameters say', () => {
    const { bench } = units();
    const one = copySegment({ from: 0, to: 100, count: 1 });
    const many = (count: number): Buffer[] => Array.from({ length: count }, () => one);
    const targets = (count: number): Buffer[] => Array.from({ length: count }, () => copyTarget(FIRST));
    const outcome = (list: List): Outcome => send(bench, { ...list, long });
    expect(outcome({ targets: targets(COPY_TARGETS_MAX), segments: many(COPY_SEGMENTS_MAX) }).status).toBe(Status.GOOD);
    expect(outcome({ targets: targets(COPY_TARGETS_MAX + 1), segments: many(1) }).additionalSense).toBe(0x2606);
    expect(outcome({ targets: targets(1), segments: many(COPY_SEGMENTS_MAX + 1) }).additionalSense).toBe(0x2608);
    const both = { targets: targets(COPY_TARGETS_MAX + 1), segments: many(COPY_SEGMENTS_MAX + 1) };
    expect(outcome(both).additionalSense).toBe(0x1a00);
  });
});

describe('EXTENDED COPY is refused before anything is copied', () => {
  const good = copySegment({ from: 0, to: 100, count: 1 });
  it.each<[string, List, number, number]>([
    [
      'a kind of unit descriptor that is not understood',
      { targets: [copyTarget(FIRST, { 0: 0xe0 })], segments: [good] },
      0x2607,
      16,
    ],
    ['a kind of segment that is not understood', { targets: BOTH, segments: [good, Buffer.alloc(28, 3)] }, 0x2609, 108],
    [
      'a segment of the wrong length',
      { targets: BOTH, segments: [Buffer.from([2, 0, 0, 20, ...good.subarray(4)])] },
      0x2600,
      82,
    ],
    ['another block size', { targets: [copyTarget(FIRST, { 30: 0x10, 31: 0 })], segments: [good] }, 0x2600, 45],
    ['inline data', { targets: BOTH, segments: [good], inline: 4 }, 0x260b, 12],
    ['a reserved usage of the list identifier', { targets: BOTH, segments: [good], usage: 1 }, 0x2600, 1],
    ['a list identifier that there is not to be', { targets: BOTH, segments: [good], usage: 3, id: 7 }, 0x2600, 0],
    ['half a unit descriptor', { targets: [copyTarget(FIRST), Buffer.alloc(16)], segments: [good] }, 0x2600, 2],
  ])('for %s', (_, list, additionalSense, pointer) => {
    const { bench, one } = units();
    const before = one.slice();
    const outcome = send(bench, list);
    expect(outcome).toMatchObject({ senseKey: 5, additionalSense });
    expect(outcome.sense.slice(-6)).toBe(`80${pointer.toString(16).padStart(4, '0')}`);
    expect(Buffer.compare(one, before)).toBe(0);
  });

  it.each([
    ['another format', 0, 2],
    ['another length of the header', 3, 0x40],
    ['IMMED', 15, 1],
    ['G_SENSE', 15, 2],
    ['another type of header', 16, 0xe4],
  ])('for %s in the long form', (_, offset, value) => {
    const { bench } = units();
    const data = copyList({ targets: BOTH, segments: [good], long: true });
    data[offset] = value;
    const outcome = bench.run(cdbOf(data.length, true), { data });
    expect(outcome.additionalSense).toBe(0x2600);
    expect(Number.parseInt(outcome.sense.slice(-2), 16)).toBe(offset === 3 ? 2 : offset);
  });
});

describe('EXTENDED COPY ends at the first segment that can not be done', () => {
  /** Segment 0 can be done, segment 1 is the one. */
  function fail(bad: Copy, targets: readonly Buffer[] = BOTH): { outcome: Outcome; copied: boolean } {
    const { bench, one } = units();
    const good = copySegment({ from: 0, to: 100, count: 1 });
    const outcome = send(bench, { targets, segments: [good, copySegment(bad), good] });
    const copied = Buffer.compare(one.subarray(0, BLOCK), one.subarray(100 * BLOCK, 101 * BLOCK)) === 0;
    expect(outcome).toMatchObject({ status: Status.CHECK_CONDITION, senseKey: 0xa });
    // COMMAND-SPECIFIC INFORMATION: the segment. INFORMATION is not valid: nothing of it was written.
    expect(outcome.sense.slice(0, 2)).toBe('70');
    expect(outcome.sense.slice(16, 24)).toBe('00000001');
    expect(bench.engine.slab.bytesInUse).toBe(0);
    return { outcome, copied };
  }
  const SEGMENT = 16 + 64 + 28;

  it.each<[string, Copy, readonly Buffer[], number, number]>([
    ['a source that is not in the list', { from: 0, to: 1, count: 1, source: 2 }, BOTH, 0x0804, SEGMENT + 4],
    [
      'a destination that is not in the list',
      { from: 0, to: 1, count: 1, destination: 0xc000 },
      BOTH,
      0x0804,
      SEGMENT + 6,
    ],
    [
      'a unit that nobody sees',
      { from: 0, to: 1, count: 1, source: 1 },
      [copyTarget(FIRST), copyTarget('3000000000000009')],
      0x0d02,
      48,
    ],
    [
      'an empty designator',
      { from: 0, to: 1, count: 1, source: 1 },
      [copyTarget(FIRST), copyTarget(SECOND, { 7: 0 })],
      0x0d02,
      48,
    ],
    [
      'a designator of another kind',
      { from: 0, to: 1, count: 1, source: 1 },
      [copyTarget(FIRST), copyTarget(SECOND, { 5: 2 })],
      0x0d02,
      48,
    ],
    [
      'a designator of a port',
      { from: 0, to: 1, count: 1, source: 1 },
      [copyTarget(FIRST), copyTarget(SECOND, { 5: 0x13 })],
      0x0d02,
      48,
    ],
    [
      'a device that is none',
      { from: 0, to: 1, count: 1, source: 1 },
      [copyTarget(FIRST), copyTarget(SECOND, { 1: 0x20 })],
      0x0d02,
      48,
    ],
    ['a tape', { from: 0, to: 1, count: 1, source: 1 }, [copyTarget(FIRST), copyTarget(SECOND, { 1: 1 })], 0x0d03, 48],
    ['blocks beyond the end of the source', { from: BLOCKS - 1, to: 1, count: 2 }, BOTH, 0, SEGMENT + 12],
    ['blocks beyond the end of the destination', { from: 1, to: BLOCKS - 1, count: 2 }, BOTH, 0, SEGMENT + 20],
  ])('%s', (_, bad, targets, additionalSense, pointer) => {
    const { outcome, copied } = fail(bad, targets);
    expect(outcome.additionalSense).toBe(additionalSense);
    expect(outcome.sense.slice(-6)).toBe(`80${pointer.toString(16).padStart(4, '0')}`);
    expect(copied).toBe(true);
  });

  it('half a block of the destination', () => {
    const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS });
    const { file } = bench.addFileUnit({ blockSize: 4096, blockCount: 16 });
    const targets = [copyTarget(FIRST), copyTarget(SECOND, { 29: 0, 30: 0, 31: 0 })];
    const copy = (count: number, flags = 0): Outcome =>
      send(bench, { targets, segments: [copySegment({ from: 0, to: 1, count, destination: 1, flags })] });
    bench.file.bytes.fill(0x77);
    expect(copy(9)).toMatchObject({ senseKey: 0xa, additionalSense: 0x260a });
    expect(copy(8).status).toBe(Status.GOOD);
    expect(file.bytes.filter((byte) => byte === 0x77).length).toBe(4096);
    expect(copy(2, 0x02).status).toBe(Status.GOOD);
    expect(file.bytes.filter((byte) => byte === 0x77).length).toBe(8192);
  });

  it('a disk that fails, with what is left of the segment', () => {
    const { bench, second, other } = units();
    other.fill(0);
    const data = copyList({ targets: BOTH, segments: [copySegment({ from: 0, to: 0, count: 1536, destination: 1 })] });
    const task = bench.begin(cdbOf(data.length), { data });
    while (other[511 * BLOCK] === 0 && other[512 * BLOCK - 1] === 0) bench.engine.turn();
    second.file.errno = DISK_FAULT;
    bench.engine.settle();
    expect(task).toMatchObject({ senseKey: 0xa, additionalSense: 0x0d01, information: 1024, commandSpecific: 0 });
    expect(second.unit.guests.size).toBe(0);
  });

  it.each<[string, (unit: LogicalUnit, nexus: Nexus) => void]>([
    ['was removed', (unit, nexus) => nexus.address([...nexus.units].filter(([, each]) => each !== unit))],
    ['was ejected', (unit) => unit.setState({ ...FRESH_STATE, loaded: false })],
    ['must not be written any more', (unit) => unit.setState({ ...FRESH_STATE, writeProtected: true })],
    [
      'another initiator has reserved',
      (unit) => {
        const nexus = { initiatorName: 'iqn.other', isid: '00023d000001', portalGroupTag: 1 };
        unit.reserve({
          ...unit.reservations,
          type: ReservationType.WRITE_EXCLUSIVE,
          holder: 0,
          registrations: [{ nexus, key: '0000000000000001', allTargetPorts: false }],
        });
      },
    ],
  ])('a destination that %s meanwhile', (_, happen) => {
    const { bench, second, other } = units();
    other.fill(0);
    const data = copyList({ targets: BOTH, segments: [copySegment({ from: 0, to: 0, count: 1536, destination: 1 })] });
    const task = bench.begin(cdbOf(data.length), { data });
    for (let turn = 0; turn < 2; turn++) bench.engine.turn();
    happen(second.unit, bench.nexus);
    bench.engine.settle();
    expect(task).toMatchObject({ completed: true, senseKey: 0xa, additionalSense: 0x0d01 });
    expect(other.subarray(1024 * BLOCK).every((byte) => byte === 0)).toBe(true);
  });

  it('a source that was removed meanwhile', () => {
    const { bench, second, one } = units();
    one.fill(0);
    const data = copyList({ targets: BOTH, segments: [copySegment({ from: 0, to: 0, count: 1536, source: 1 })] });
    const task = bench.begin(cdbOf(data.length), { data });
    for (let turn = 0; turn < 2; turn++) bench.engine.turn();
    bench.nexus.address([...bench.nexus.units].filter(([, each]) => each !== second.unit));
    bench.engine.settle();
    expect(task).toMatchObject({ completed: true, senseKey: 0xa, additionalSense: 0x0d01 });
    expect(one.subarray(1024 * BLOCK).every((byte) => byte === 0)).toBe(true);
  });

  it('a unit that is to be erased, whose erasing waits for what is under way', () => {
    const { bench, second } = units();
    const data = copyList({ targets: BOTH, segments: [copySegment({ from: 0, to: 0, count: 1536, destination: 1 })] });
    const task = bench.begin(cdbOf(data.length), { data });
    bench.engine.turn();
    expect(second.unit.guests.size).toBe(1);
    let cleared = false;
    bench.processor.takeState(second.unit, { ...FRESH_STATE, condition: 'sanitizing' }, () => {
      cleared = true;
    });
    expect(cleared).toBe(false);
    bench.engine.turn();
    expect(cleared).toBe(true);
    bench.engine.settle();
    expect(task).toMatchObject({ completed: true, senseKey: 0xa, additionalSense: 0x0d01 });
  });
});

describe('EXTENDED COPY', () => {
  it.each([
    ['one segment', 1, 32 * 1024],
    ['many short segments', 32, 1024],
  ])('between units in memory lets others have a turn: %s', (_what, segments, count) => {
    const bench = new ScsiBench({ kind: 'memory', blockCount: 64 * 1024 });
    bench.memory.fill(0x55, 0, 2 ** 24);
    const data = copyList({
      targets: [copyTarget(FIRST)],
      segments: Array.from({ length: segments }, (_, index) =>
        copySegment({ from: index * count, to: 32 * 1024 + index * count, count }),
      ),
    });
    const task = bench.begin(cdbOf(data.length), { data });
    expect(task.completed).toBe(false);
    bench.engine.settle();
    expect(task.status).toBe(Status.GOOD);
    expect(bench.memory.at(-1)).toBe(0x55);
  });

  it('that finds no memory can be tried again', () => {
    const { bench } = units();
    const { slab } = bench.engine;
    const slots: number[] = [];
    for (let slot = slab.takeSlot(262_144); slot >= 0; slot = slab.takeSlot(262_144)) slots.push(slot);
    const list = { targets: BOTH, segments: [copySegment({ from: 0, to: 9, count: 1 })] };
    for (let slot = slab.takeSlot(1); slot >= 0; slot = slab.takeSlot(1)) slots.push(slot);
    slab.release(slots.pop()!);
    expect(send(bench, list).status).toBe(Status.BUSY);
    for (const slot of slots) slab.release(slot);
    expect(send(bench, list).status).toBe(Status.GOOD);
  });
});

describe('RECEIVE COPY RESULTS', () => {
  const one = copySegment({ from: 0, to: 100, count: 8 });
  const status1 = (id: number): string => `84 00 ${id.toString(16).padStart(2, '0')} 00000000000000 00000400 00 00`;
  const details = (id: number): string => `84 04 ${id.toString(16).padStart(2, '0')} 00000000000000 00000400 00 00`;
  const status4 = (id: number): string => `84 05 ${id.toString(16).padStart(8, '0')} 00000000 00000400 00 00`;

  it('tells what can be done', () => {
    const { data } = units().bench.run('84 03 0000000000000000 00000400 00 00');
    expect(data.toString('hex')).toBe(
      '0000002a' +
        '01000000' +
        '0008' +
        '0040' +
        '00000800' +
        '01fffe00' +
        '00'.repeat(14) +
        '00ff' +
        'ff' +
        '09' +
        '0000' +
        '000000' +
        '02' +
        '02e4',
    );
  });

  it('tells once of a copy that has ended, in the short form', () => {
    const { bench } = units();
    expect(bench.run(status1(5)).sense.slice(-6)).toBe('c00002');
    send(bench, { targets: BOTH, segments: [one, one], id: 5, usage: 0 });
    expect(bench.run(status1(5)).data.toString('hex')).toBe('00000008' + '01' + '0002' + '00' + '00002000');
    expect(bench.run(status1(5)).sense.slice(-6)).toBe('c00002');
    expect(bench.run(details(5)).data.toString('hex')).toBe('00000000');
  });

  it('tells of a failure, and what it was', () => {
    const { bench } = units();
    const bad = copySegment({ from: 0, to: 100, count: 1, source: 3 });
    const { sense } = send(bench, { targets: BOTH, segments: [one, bad], id: 5 });
    expect(bench.run(details(5)).data.toString('hex')).toBe(`0000004a${'00'.repeat(52)}02000012${sense}`);
    expect(bench.run(details(5)).data.toString('hex')).toBe('00000000');
    expect(bench.run(status1(5)).data.toString('hex')).toBe('00000008' + '02' + '0002' + '00' + '00001000');
  });

  it('tells as often as it is asked in the long form', () => {
    const { bench } = units();
    send(bench, { targets: BOTH, segments: [one], id: 0x01020304, long: true });
    const expected = `0000001c${'0101'}0000fffffffe00000000${'0000000000001000'}0001000000000000`;
    for (let time = 0; time < 2; time++) expect(bench.run(status4(0x01020304)).data.toString('hex')).toBe(expected);
    const bad = copySegment({ from: 0, to: 100, count: 1, source: 3 });
    const { sense } = send(bench, { targets: BOTH, segments: [bad], id: 6, long: true });
    const { data } = bench.run(status4(6));
    expect(data.toString('hex')).toBe(
      `00000030${'0102'}0000fffffffe02141200${'0000000000000000'}0001000000000000${sense}0000`,
    );
  });

  it('tells of a copy under way, which keeps its list identifier, and of one that was aborted', () => {
    const { bench } = units();
    const data = copyList({ targets: BOTH, segments: [one], id: 9 });
    bench.file.stuck = true;
    const task = bench.begin(cdbOf(data.length), { data });
    expect(bench.runNow(status1(9)).data[4]).toBe(0);
    expect(bench.runNow(status4(9)).data[5]).toBe(0x11);
    expect(bench.runNow(details(9)).sense.slice(-6)).toBe('c00002');
    expect(bench.runNow(cdbOf(data.length), { data }).additionalSense).toBe(0x0016);
    bench.processor.abort(task);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(bench.run(status4(9)).data.subarray(5, 13).toString('hex')).toBe('600000fffffffe40');
    expect(bench.run(status1(9)).data[4]).toBe(2);
    expect(bench.run(cdbOf(data.length), { data }).status).toBe(Status.GOOD);
  });

  it('knows each initiator by itself, and no copy without a list identifier', () => {
    const { bench } = units();
    const other = bench.addNexus(2);
    send(bench, { targets: BOTH, segments: [one], id: 5 });
    expect(bench.run(status1(5), { nexus: other }).sense.slice(-6)).toBe('c00002');
    send(bench, { targets: BOTH, segments: [one], usage: 3 });
    expect(bench.run(status1(0)).sense.slice(-6)).toBe('c00002');
  });

  it('forgets the oldest of very many', () => {
    const { bench } = units();
    for (let id = 0; id < 300; id++) send(bench, { targets: [], segments: [], id, long: true });
    expect(bench.run(status4(0)).status).toBe(Status.CHECK_CONDITION);
    expect(bench.run(status4(299)).status).toBe(Status.GOOD);
    expect(bench.run(status4(60)).status).toBe(Status.GOOD);
  });
});
