// FORMAT UNIT: what it leaves in the blocks, and which of its many forms a unit without protection information and defects takes.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { type BenchUnit, ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCKS = 2048;
const IN_PROGRESS = { status: Status.CHECK_CONDITION, senseKey: 2, additionalSense: 0x0404 };
const PLAIN = '04 00 00 0000 00';
const WITH_LIST = '04 10 00 0000 00';
const WITH_LONG_LIST = '04 30 00 0000 00';
const READ = '28 00 00000000 00 0008 00';

function unit(options: BenchUnit = {}): { bench: ScsiBench; bytes: Uint8Array } {
  const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS, ...options });
  bench.file.bytes.fill(0xaa);
  return { bench, bytes: bench.file.bytes };
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

describe('FORMAT UNIT leaves zeroes', () => {
  it.each([
    ['without a list', PLAIN, ''],
    ['of a thin unit', PLAIN, ''],
    ['with a list that asks for nothing', WITH_LIST, '00 00 0000'],
    ['with a long list', WITH_LONG_LIST, '00 00 00 00 00000000'],
    ['with certification switched off', WITH_LIST, '00 f0 0000'],
    ['with the default pattern', WITH_LIST, '00 88 0000 00 00 0000'],
  ])('%s', (name, cdb, list) => {
    const { bench, bytes } = unit({ thin: name.includes('thin') });
    expect(bench.run(cdb, { data: hex(list) }).status).toBe(Status.GOOD);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.file.syncs).toBe(1);
    expect(bench.engine.slab.bytesInUse).toBe(0);
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });
});

describe('FORMAT UNIT', () => {
  it.each([
    [WITH_LIST, '00 88 0000 00 01 0003 010203'],
    [WITH_LONG_LIST, '00 88 00 00 00000000 20 01 0003 010203'],
  ])('%s fills each block with the pattern that came', (cdb, list) => {
    const { bench, bytes } = unit();
    expect(bench.run(cdb, { data: hex(list) }).status).toBe(Status.GOOD);
    expect(bytes.every((byte, at) => byte === 1 + ((at % 512) % 3))).toBe(true);
  });

  it('answers at once with IMMED, and keeps everybody away until it is done', () => {
    const { bench, bytes } = unit();
    bench.file.stuck = true;
    expect(bench.runNow(WITH_LIST, { data: hex('00 82 0000') }).status).toBe(Status.GOOD);
    for (const cdb of [READ, PLAIN, '00 00000000 00', '48 03 0000000000 0000 00']) {
      expect(bench.runNow(cdb), cdb).toMatchObject(IN_PROGRESS);
    }
    bench.file.stuck = false;
    bench.engine.settle();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });

  it('that fails leaves a unit that can be used', () => {
    const { bench } = unit();
    bench.file.errno = DISK_FAULT;
    expect(bench.run(PLAIN)).toMatchObject({ senseKey: 3, additionalSense: 0x3101 });
    bench.file.errno = 0;
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });

  it.each([
    ['protection information', '04 50 00 0000 00', '00 00 0000', 'c00001'],
    ['protection fields', WITH_LIST, '01 00 0000', '800000'],
    ['an interval of protection information', WITH_LONG_LIST, '00 00 00 01 00000000', '800003'],
    ['options that FOV does not cover', WITH_LIST, '00 08 0000', '800001'],
    ['defects', WITH_LIST, '00 80 0008 0000000000000000', '800002'],
    ['defects in a long list', WITH_LONG_LIST, '00 80 00 00 00000008 0000000000000000', '800004'],
    ['a pattern with block addresses in it', WITH_LIST, '00 88 0000 40 01 0001 01', '800004'],
    ['a kind of pattern that is none', WITH_LIST, '00 88 0000 00 02 0001 01', '800005'],
    ['a pattern of no bytes', WITH_LIST, '00 88 0000 00 01 0000', '800006'],
    ['a pattern longer than a block', WITH_LIST, `00 88 0000 00 01 0201 ${'01'.repeat(513)}`, '800006'],
    ['a default pattern with bytes', WITH_LIST, '00 88 0000 00 00 0001 01', '800006'],
  ])('is refused for %s', (_, cdb, list, end) => {
    const { bench, bytes } = unit();
    expect(bench.run(cdb, { data: hex(list) }).sense.slice(-6)).toBe(end);
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it.each([
    [WITH_LIST, ''],
    [WITH_LIST, '00 00 00'],
    [WITH_LONG_LIST, '00 00 0000'],
    [WITH_LIST, '00 88 0000 00 01'],
    [WITH_LIST, '00 88 0000 00 01 0003 0102'],
  ])('%s is refused with a list that ends early: %s', (cdb, list) => {
    const { bench, bytes } = unit();
    expect(bench.run(cdb, { data: hex(list) })).toMatchObject({ senseKey: 5, additionalSense: 0x1a00 });
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it('is refused on a read-only unit', () => {
    expect(unit({ readOnly: true }).bench.run(PLAIN)).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
  });
});
