// SYNCHRONIZE CACHE(10) and (16): GOOD promises that the disk has it all.

import { describe, expect, it } from 'vitest';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCKS = 2048;

const synchronize10 = (lba: number, blocks: number): string =>
  `35 00 ${lba.toString(16).padStart(8, '0')} 00 ${blocks.toString(16).padStart(4, '0')} 00`;
const synchronize16 = (lba: number, blocks: number): string =>
  `91 00 ${lba.toString(16).padStart(16, '0')} ${blocks.toString(16).padStart(8, '0')} 00 00`;

describe.each([
  ['(10)', synchronize10],
  ['(16)', synchronize16],
])('SYNCHRONIZE CACHE%s', (_name, cdb) => {
  it.each([
    ['all blocks', 0, 0],
    ['some', 5, 7],
  ])('of %s ends when the disk has been synced, once', (_what, lba, blocks) => {
    const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS });
    bench.file.stuck = true;
    const task = bench.begin(cdb(lba, blocks));
    bench.engine.settle();
    expect([task.completed, bench.file.syncs]).toEqual([false, 0]);
    bench.file.stuck = false;
    bench.engine.settle();
    expect([task.completed, task.status, bench.file.syncs]).toEqual([true, Status.GOOD, 1]);
  });

  it('fails when the sync does, and so do those after it, though the disk says nothing more', () => {
    const bench = new ScsiBench({ kind: 'file' });
    const lost = { senseKey: SenseKey.HARDWARE_ERROR, additionalSense: AdditionalSense.WRITE_ERROR };
    bench.file.errno = DISK_FAULT;
    expect(bench.run(cdb(0, 0))).toMatchObject(lost);
    bench.file.errno = 0;
    expect(bench.run(cdb(0, 0))).toMatchObject(lost);
    expect(bench.file.syncs).toBe(0);
  });

  it('of blocks that do not exist is refused, and nothing is synced', () => {
    const bench = new ScsiBench({ kind: 'file', blockCount: BLOCKS });
    const outside = { additionalSense: AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE };
    expect(bench.run(cdb(BLOCKS, 0))).toMatchObject(outside);
    expect(bench.run(cdb(BLOCKS - 1, 2))).toMatchObject(outside);
    expect(bench.file.syncs).toBe(0);
  });
});
