// WRITE ATOMIC(16), command by command. That no reader sees half of one is test/conformance/scsi/write-atomic.test.ts's.

import { describe, expect, it } from 'vitest';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Movement, Status, Task } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const BLOCK = 512;
const BLOCKS_MAX = SLOT_BYTES_MAX / BLOCK;

function cdb(lba: number, blocks: number, { flags = 0, boundary = 0 } = {}): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `9c ${hex(flags, 2)} ${hex(lba, 16)} ${hex(boundary, 4)} ${hex(blocks, 4)} 00 00`;
}

const atomicUnit = (): ScsiBench => new ScsiBench({ atomic: true });
const ILLEGAL_FIELD = { senseKey: SenseKey.ILLEGAL_REQUEST, additionalSense: AdditionalSense.INVALID_FIELD_IN_CDB };

describe('WRITE ATOMIC(16)', () => {
  it.each([8, 16, BLOCKS_MAX])('writes %i blocks', (blocks) => {
    const bench = atomicUnit();
    const data = Buffer.alloc(blocks * BLOCK, 'lunaring');
    expect(bench.run(cdb(8, blocks), { data }).status).toBe(Status.GOOD);
    expect(bench.memory.subarray(8 * BLOCK, (8 + blocks) * BLOCK)).toEqual(new Uint8Array(data));
    expect(
      bench.run(`88 00 0000000000000008 ${blocks.toString(16).padStart(8, '0')} 00 00`, { expected: data.length }).data,
    ).toEqual(data);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it.each([
    [8192, SLOT_BYTES_MAX],
    [4096, SLOT_BYTES_MAX / 2],
  ])('is read in one piece, of which all is of one time, by PDUs of %i bytes: %i bytes', (segmentLength, length) => {
    const { processor, unit } = atomicUnit();
    const task = new Task();
    Object.assign(task, { unit, movement: Movement.streamIn, moveLength: SLOT_BYTES_MAX, segmentLength });
    expect(processor.memory.readPiece(task, unit)!.length).toBe(length);
  });

  it('leaves WRITEs that come behind it what they are', () => {
    const bench = atomicUnit();
    const { buffer } = bench.memory;
    const sequence = new Int32Array(buffer, buffer.byteLength - 64, 1);
    bench.run(cdb(8, 8), { data: Buffer.alloc(8 * BLOCK, 1) });
    // Odd while one is under way.
    expect(sequence[0]).toBe(2);
    bench.run('2a 00 00000008 00 0008 00', { data: Buffer.alloc(8 * BLOCK, 2) });
    bench.run(`93 00 0000000000000008 00000008 00 00`, { data: Buffer.alloc(BLOCK, 3) });
    expect([sequence[0], bench.memory[8 * BLOCK]]).toEqual([2, 3]);
  });

  it('waits while another worker has the turn, and gives it back', () => {
    const calls: string[] = [];
    let free = false;
    const take = (): boolean => {
      calls.push('take');
      return free;
    };
    const give = (): boolean => {
      calls.push('give');
      return false;
    };
    const bench = new ScsiBench({ atomic: true, turn: { take, want: () => {}, give } });
    const task = bench.begin(cdb(8, 8), { data: Buffer.alloc(8 * BLOCK, 1) });
    bench.engine.settle();
    expect(task.completed).toBe(false);
    expect(bench.memory.every((byte) => byte === 0)).toBe(true);
    free = true;
    bench.processor.turnCame(bench.unit.exclusion.turnCame()!);
    expect([task.completed, task.status]).toEqual([true, Status.GOOD]);
    expect(bench.memory[8 * BLOCK]).toBe(1);
    expect(calls).toEqual(['take', 'take', 'give']);
  });

  it('writes nothing without blocks', () => {
    const bench = atomicUnit();
    expect(bench.run(cdb(8, 0)).status).toBe(Status.GOOD);
  });

  it.each([
    ['more blocks than page B0h allows', cdb(0, BLOCKS_MAX + 8), 12],
    ['a length that is not whole pages', cdb(0, 9), 12],
    ['an LBA in the middle of a page', cdb(4, 8), 2],
    ['a boundary', cdb(0, 8, { boundary: 8 }), 10],
    ['WRPROTECT', cdb(0, 8, { flags: 0x20 }), 1],
  ])('refuses %s', (_what, bytes, pointer) => {
    const outcome = atomicUnit().run(bytes, { data: Buffer.alloc(8 * BLOCK) });
    expect(outcome).toMatchObject(ILLEGAL_FIELD);
    expect(outcome.sense.endsWith(`c000${pointer.toString(16).padStart(2, '0')}`)).toBe(true);
  });

  it('refuses blocks that are not there', () => {
    const outcome = atomicUnit().run(cdb(2040, 16), { data: Buffer.alloc(16 * BLOCK) });
    expect(outcome.additionalSense).toBe(AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
  });

  it('writes nothing of data that are fewer than it says', () => {
    const bench = atomicUnit();
    const outcome = bench.run(cdb(0, 16), { data: Buffer.alloc(15 * BLOCK, 1) });
    expect(outcome.status).toBe(Status.CHECK_CONDITION);
    expect(bench.memory.every((byte) => byte === 0)).toBe(true);
  });

  it('is unknown to units that can not do it, whose limits say so', () => {
    for (const bench of [new ScsiBench(), new ScsiBench({ kind: 'file' }), new ScsiBench({ kind: 'null' })]) {
      const outcome = bench.run(cdb(0, 1), { data: Buffer.alloc(BLOCK) });
      expect(outcome.additionalSense).toBe(AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
      const { data } = bench.run('12 01 b0 0040 00', { expected: 64 });
      expect(data.subarray(44, 64).every((byte) => byte === 0)).toBe(true);
    }
    const { data } = atomicUnit().run('12 01 b0 0040 00', { expected: 64 });
    expect([44, 48, 52, 56, 60].map((at) => data.readUInt32BE(at))).toEqual([BLOCKS_MAX, 8, 8, 0, 0]);
  });
});
