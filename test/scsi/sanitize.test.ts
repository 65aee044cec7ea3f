// SANITIZE: what it leaves of the blocks, who is kept away meanwhile, and what a failure means.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Countdown } from '../../src/base/countdown.ts';
import { Figure } from '../../src/ring/figures.ts';
import { Attribute, Status } from '../../src/scsi/task.ts';
import { type BenchUnit, ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const BLOCKS = 2048;
const OVERWRITE = 0x01;
const BLOCK_ERASE = 0x02;
const CRYPTOGRAPHIC_ERASE = 0x03;
const EXIT_FAILURE_MODE = 0x1f;
const IMMED = 0x80;
const AUSE = 0x20;

const IN_PROGRESS = { status: Status.CHECK_CONDITION, senseKey: 2, additionalSense: 0x041b };
const FAILED = { status: Status.CHECK_CONDITION, senseKey: 3, additionalSense: 0x3103 };
const READ = '28 00 00000000 00 0008 00';
const TEST_UNIT_READY = '00 00000000 00';

function sanitize(flags: number, length = 0): string {
  const bytes = Buffer.alloc(10);
  bytes[0] = 0x48;
  bytes[1] = flags;
  bytes.writeUInt16BE(length, 7);
  return bytes.toString('hex');
}

/** OVERWRITE's parameter list. */
function list(pattern: Uint8Array, count = 1, invert = false): Buffer {
  const header = Buffer.from([(invert ? 0x80 : 0) | count, 0, 0, 0]);
  header.writeUInt16BE(pattern.length, 2);
  return Buffer.concat([header, pattern]);
}

function overwrite(bench: ScsiBench, data: Buffer, flags = OVERWRITE): ReturnType<ScsiBench['run']> {
  return bench.run(sanitize(flags, data.length), { data });
}

function unit(options: BenchUnit = {}): { bench: ScsiBench; bytes: Uint8Array } {
  const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS, thin: true, ...options });
  const bytes = options.kind === 'memory' ? bench.memory : bench.file.bytes;
  bytes.fill(0xaa);
  return { bench, bytes };
}

describe.each(['file', 'memory'] as const)('SANITIZE of a %s unit', (kind) => {
  it('overwrites every block with the pattern, from the start of each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: BLOCK }), (pattern) => {
        const { bench, bytes } = unit({ kind, blockCount: 600 });
        expect(overwrite(bench, list(pattern)).status).toBe(Status.GOOD);
        const block = Uint8Array.from({ length: BLOCK }, (_, index) => pattern[index % pattern.length]!);
        for (let at = 0; at < bytes.length; at += BLOCK) {
          expect(Buffer.compare(bytes.subarray(at, at + BLOCK), block)).toBe(0);
        }
        expect(bench.engine.slab.bytesInUse).toBe(0);
        expect(bench.unit.taskCount).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  it.each([1, 2, 3, 31])('inverts between %i passes, and ends with the pattern as it came', (count) => {
    const { bench, bytes } = unit({ kind, blockCount: 8 });
    const written: number[] = [];
    const { backend } = bench.unit;
    const write = backend.write.bind(backend);
    backend.write = (piece) => {
      written.push(bench.engine.slab.bytes[piece.at]!);
      write(piece);
    };
    overwrite(bench, list(Uint8Array.of(0x0f), count, true));
    expect(written).toEqual(Array.from({ length: count }, (_, index) => ((count - index) % 2 === 0 ? 0xf0 : 0x0f)));
    expect(bytes.every((byte) => byte === 0x0f)).toBe(true);
  });

  it.each([
    ['BLOCK ERASE', BLOCK_ERASE],
    ['CRYPTOGRAPHIC ERASE', CRYPTOGRAPHIC_ERASE],
  ])('%s leaves zeroes', (_, action) => {
    const { bench, bytes } = unit({ kind });
    expect(bench.run(sanitize(action)).status).toBe(Status.GOOD);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });
});

describe('SANITIZE', () => {
  it('is on stable storage when it ends', () => {
    const { bench } = unit();
    bench.run(sanitize(CRYPTOGRAPHIC_ERASE));
    expect(bench.file.syncs).toBe(1);
    overwrite(bench, list(Uint8Array.of(1), 3));
    expect(bench.file.syncs).toBe(4);
  });

  it('of a unit that keeps nothing has nothing to do', () => {
    const bench = new ScsiBench({ kind: 'null', blockCount: 2 ** 40, thin: true });
    expect(bench.run(sanitize(BLOCK_ERASE)).status).toBe(Status.GOOD);
    expect(overwrite(bench, list(Uint8Array.of(1), 31)).status).toBe(Status.GOOD);
  });

  it('waits for no ORDERED task before it', () => {
    const { bench } = unit();
    bench.file.stuck = true;
    bench.begin(READ);
    bench.begin(READ, { attribute: Attribute.ORDERED });
    const erase = bench.begin(sanitize(CRYPTOGRAPHIC_ERASE));
    expect(erase.started).toBe(true);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(erase).toMatchObject({ completed: true, status: Status.GOOD });
  });
});

describe('while SANITIZE works', () => {
  it('little is served but what tells of the unit itself', () => {
    const { bench } = unit();
    bench.file.stuck = true;
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE | IMMED)).status).toBe(Status.GOOD);
    const others = [READ, '2a 00 00000000 00 0001 00', TEST_UNIT_READY, '1b 00000001 00', '1a 00 3f 00 ff 00'];
    for (const cdb of [...others, '5e 00 00000000000100 00', sanitize(CRYPTOGRAPHIC_ERASE), '04 00 00 0000 00']) {
      expect(bench.run(cdb, { data: Buffer.alloc(BLOCK) }), cdb).toMatchObject(IN_PROGRESS);
    }
    const allowed = ['12 00 00 0024 00', 'a0 00 00 000000 00000100 00 00', '25 00 00000000 0000 00 00'];
    const more = [
      '9e 10 0000000000000000 00000020 00 00',
      'a3 0c 00 00 0000 00001000 00 00',
      'a3 0d 00 000000 00000010 00 00',
    ];
    for (const cdb of [...allowed, ...more, '1a 00 08 00 ff 00', '5a 00 0a 00 000000 00ff 00']) {
      expect(bench.run(cdb).status, cdb).toBe(Status.GOOD);
    }
    const { data } = bench.run('03 00 0000 12 00');
    expect([data[2], data.readUInt16BE(12)]).toEqual([2, 0x041b]);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
    expect(bench.run('03 00 0000 12 00').data[2]).toBe(0);
  });

  it('says how far it is', () => {
    const { bench } = unit();
    const data = list(Uint8Array.of(0x55), 2);
    const progress: number[] = [];
    bench.begin(sanitize(OVERWRITE | IMMED, data.length), { data });
    for (let turn = 0; turn < 40; turn++) {
      const { sense } = bench.runNow(TEST_UNIT_READY);
      if (sense === '') break;
      // SKSV, without C/D: what follows is progress.
      expect(sense.slice(30, 32)).toBe('80');
      progress.push(Number.parseInt(sense.slice(32), 16));
      bench.engine.turn();
    }
    expect(progress[0]).toBe(0);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(new Set(progress).size).toBeGreaterThan(6);
    expect(bench.unit.progress).toBe(-1);
  });

  it('what others had under way has ended: with NOT READY, and before the first block is touched', () => {
    const { bench, bytes } = unit();
    bench.file.stuck = true;
    const read = bench.begin(READ);
    const write = bench.begin('2a 00 00000100 00 0001 00', { data: Buffer.alloc(BLOCK, 0x77) });
    const held = bench.begin(READ, { attribute: Attribute.ORDERED });
    const behind = bench.begin(READ);
    const waiting = bench.begin('2a 00 00000200 00 0001 00', { expected: BLOCK, silent: true });
    const erase = bench.begin(sanitize(CRYPTOGRAPHIC_ERASE));
    for (const task of [held, behind, waiting]) expect(task).toMatchObject({ completed: true, ...IN_PROGRESS });
    for (const task of [read, write]) expect(task.completed).toBe(false);
    bench.engine.turn();
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
    bench.file.stuck = false;
    bench.engine.settle();
    for (const task of [read, write]) expect(task).toMatchObject({ completed: true, ...IN_PROGRESS });
    expect(erase).toMatchObject({ completed: true, status: Status.GOOD });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.unit.taskCount).toBe(0);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('an initiator that keeps back data it was asked for keeps nobody waiting', () => {
    const { bench, bytes } = unit();
    bench.file.stuck = true;
    const read = bench.begin(READ);
    const waiting = bench.begin('2a 00 00000200 00 0001 00', { expected: BLOCK, silent: true });
    waiting.burstsOutstanding = 1;
    const started = bench.begin('2a 00 00000300 00 0001 00', { data: Buffer.alloc(BLOCK, 0x77) });
    started.burstsOutstanding = 1;
    const erase = bench.begin(sanitize(CRYPTOGRAPHIC_ERASE));
    bench.engine.settle();
    expect(erase.completed).toBe(false);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(read.completed).toBe(true);
    expect(erase).toMatchObject({ completed: true, status: Status.GOOD });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    for (const task of [waiting, started]) {
      expect(task.completed).toBe(false);
      task.burstsOutstanding = 0;
      bench.processor.finishWhenIdle(task);
      expect(task).toMatchObject({ completed: true, ...IN_PROGRESS });
    }
    expect(bench.unit.taskCount).toBe(0);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('commands that have begun their own steps end them first', () => {
    const { bench, bytes } = unit();
    const same = bench.begin('93 00 0000000000000000 00000400 00 00', { data: Buffer.alloc(BLOCK, 0x33) });
    const erase = bench.begin(sanitize(CRYPTOGRAPHIC_ERASE));
    expect(same.completed).toBe(false);
    bench.engine.settle();
    expect([same.status, erase.status]).toEqual([Status.GOOD, Status.GOOD]);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('aborting the command, or a reset, stops nothing', () => {
    const { bench, bytes } = unit();
    bench.file.stuck = true;
    const task = bench.begin(sanitize(CRYPTOGRAPHIC_ERASE));
    expect(task.completed).toBe(false);
    bench.processor.abort(task);
    expect(task.completed).toBe(true);
    expect(bench.runNow(TEST_UNIT_READY)).toMatchObject(IN_PROGRESS);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('what it asks of the disk is counted for the unit alone: its session may be gone, and the figures another’s', () => {
    const { bench } = unit();
    bench.file.stuck = true;
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE | IMMED)).status).toBe(Status.GOOD);
    const { figures } = bench.nexus;
    figures.fill(0);
    bench.unit.figures.fill(0);
    bench.file.stuck = false;
    bench.engine.settle();
    expect(bench.run(TEST_UNIT_READY, { nexus: bench.addNexus(2) }).status).toBe(Status.GOOD);
    expect(bench.unit.figures[Figure.deviceLatency]).toBeGreaterThan(0);
    expect(figures.every((figure) => figure === 0)).toBe(true);
  });

  it('a memory unit is worked on a few megabytes a turn', () => {
    const { bench, bytes } = unit({ kind: 'memory', blockCount: 16 * 2048 });
    bench.begin(sanitize(CRYPTOGRAPHIC_ERASE | IMMED));
    expect(bytes[0]).toBe(0);
    expect(bytes.at(-1)).toBe(0xaa);
    expect(bench.runNow(TEST_UNIT_READY)).toMatchObject(IN_PROGRESS);
    bench.engine.settle();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('memory that is not to be had is waited for', () => {
    const { bench, bytes } = unit();
    const slots: number[] = [];
    for (let slot = bench.engine.slab.takeSlot(BLOCK); slot >= 0; slot = bench.engine.slab.takeSlot(BLOCK))
      slots.push(slot);
    const data = list(Uint8Array.of(0x55));
    bench.engine.slab.release(slots.pop()!);
    const task = bench.begin(sanitize(OVERWRITE, data.length), { data });
    for (let turn = 0; turn < 10; turn++) bench.engine.turn();
    expect(task.completed).toBe(false);
    for (const slot of slots) bench.engine.slab.release(slot);
    bench.engine.settle();
    expect(task).toMatchObject({ completed: true, status: Status.GOOD });
    expect(bytes.every((byte) => byte === 0x55)).toBe(true);
  });

  it('stopping it ends it after the operation under way', () => {
    const { bench, bytes } = unit();
    const data = list(Uint8Array.of(0x55));
    bench.begin(sanitize(OVERWRITE | IMMED, data.length), { data });
    bench.engine.turn();
    let ended = 0;
    const wait = new Countdown(() => ended++);
    bench.processor.stopWork(bench.unit, wait);
    wait.seal();
    expect(ended).toBe(0);
    bench.engine.settle();
    expect(ended).toBe(1);
    expect(bytes.at(-1)).toBe(0xaa);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });
});

describe('SANITIZE that fails', () => {
  function failing(flags: number): ScsiBench {
    const { bench } = unit();
    bench.file.errno = DISK_FAULT;
    expect(bench.run(sanitize(flags))).toMatchObject(FAILED);
    bench.file.errno = 0;
    for (const cdb of [READ, TEST_UNIT_READY, '04 00 00 0000 00']) expect(bench.run(cdb)).toMatchObject(FAILED);
    expect(bench.run('12 00 00 0024 00').status).toBe(Status.GOOD);
    return bench;
  }

  it('keeps everybody away until one succeeds', () => {
    const bench = failing(CRYPTOGRAPHIC_ERASE);
    expect(bench.run(sanitize(EXIT_FAILURE_MODE)).sense.slice(-6)).toBe('c00001');
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE | AUSE)).sense.slice(-6)).toBe('c00001');
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE)).status).toBe(Status.GOOD);
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });

  it('is left with EXIT FAILURE MODE where AUSE allowed it', () => {
    const bench = failing(CRYPTOGRAPHIC_ERASE | AUSE);
    expect(bench.run(sanitize(EXIT_FAILURE_MODE)).status).toBe(Status.GOOD);
    expect(bench.run(READ).status).toBe(Status.GOOD);
  });
});

describe('SANITIZE is refused', () => {
  it.each([
    ['a service action that is none', sanitize(0x04), 'c00001'],
    ['ZNR', sanitize(CRYPTOGRAPHIC_ERASE | 0x40), 'c00001'],
    ['a reserved field', '48 03 0100000000 0000 00', 'c00002'],
    ['the last reserved field', '48 03 0000000001 0000 00', 'c00002'],
    ['a list for BLOCK ERASE', sanitize(BLOCK_ERASE, 8), 'c00007'],
    ['a list for EXIT FAILURE MODE', sanitize(EXIT_FAILURE_MODE, 8), 'c00007'],
    ['no list for OVERWRITE', sanitize(OVERWRITE), 'c00007'],
    ['a list without a pattern', sanitize(OVERWRITE, 4), 'c00007'],
    ['a list longer than a block', sanitize(OVERWRITE, BLOCK + 5), 'c00007'],
  ])('for %s', (_, cdb, end) => {
    const { bench, bytes } = unit();
    expect(bench.run(cdb, { data: Buffer.alloc(1024) }).sense.slice(-6)).toBe(end);
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it.each([
    ['no passes', '00 00 0004 11223344', '800000'],
    ['TEST', '21 00 0004 11223344', '800000'],
    ['a pattern of no bytes', '01 00 0000 11223344', '800002'],
    ['a pattern longer than a block', '01 00 0201 11223344', '800002'],
  ])('for a list with %s', (_, hex, end) => {
    const { bench, bytes } = unit();
    expect(overwrite(bench, Buffer.from(hex.replaceAll(' ', ''), 'hex')).sense.slice(-6)).toBe(end);
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it('for a list that ends within its pattern, or did not come whole', () => {
    const { bench } = unit();
    const data = list(Buffer.alloc(8, 1));
    expect(overwrite(bench, data.subarray(0, 10)).additionalSense).toBe(0x1a00);
    expect(bench.run(sanitize(OVERWRITE, 12), { data: data.subarray(0, 10) }).additionalSense).toBe(0x1a00);
  });

  it('on a read-only unit, without a medium, and for BLOCK ERASE where nothing can be unmapped', () => {
    expect(unit({ readOnly: true }).bench.run(sanitize(CRYPTOGRAPHIC_ERASE))).toMatchObject({
      additionalSense: 0x2700,
    });
    const { bench } = unit({ removable: true });
    bench.run('1b 00 00 00 02 00');
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE))).toMatchObject({ additionalSense: 0x3a00 });
    expect(unit({ thin: false }).bench.run(sanitize(BLOCK_ERASE)).sense.slice(-6)).toBe('c00001');
    expect(unit({ thin: false }).bench.run(sanitize(CRYPTOGRAPHIC_ERASE)).status).toBe(Status.GOOD);
  });
});

describe('SANITIZE, whatever the initiator does', () => {
  it.each([0, 3, 4])('refuses an OVERWRITE of whose list only %i bytes come', (length) => {
    const { bench, bytes } = unit();
    const refused = bench.run(sanitize(OVERWRITE, 20), { data: list(new Uint8Array(16)).subarray(0, length) });
    expect(refused).toMatchObject({ status: Status.CHECK_CONDITION, senseKey: 5, additionalSense: 0x1a00 });
    expect(bytes.every((byte) => byte === 0xaa)).toBe(true);
  });

  it('ends commands that wait behind an ORDERED one, each once', () => {
    const { bench } = unit();
    const write = '2a 00 00000000 00 0008 00';
    const data = new Uint8Array(8 * BLOCK);
    const waiting = [
      bench.begin(write, { data, silent: true, attribute: Attribute.ORDERED }),
      bench.begin(write, { data, silent: true }),
      bench.begin(READ),
      bench.begin(write, { data, silent: true, attribute: Attribute.ORDERED }),
      bench.begin(READ),
    ];
    expect(bench.run(sanitize(CRYPTOGRAPHIC_ERASE)).status).toBe(Status.GOOD);
    for (const task of waiting) expect(task).toMatchObject({ completed: true, ...IN_PROGRESS });
    expect(bench.unit.taskCount).toBe(0);
  });
});
