// The commands that every initiator begins with and lives on, sent by our own: their answers agree with each other.
// What each of them owes in detail is tested without a wire in test/scsi.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import * as cdbs from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';
import type { TargetProcess } from '../support/target-process.ts';
import { Lun, MAIN_SETTING, startTarget, UNIT_BYTES } from './configurations.ts';

const BLOCK_BYTES = 512;
const LAST_BLOCK = UNIT_BYTES / BLOCK_BYTES - 1;

describe('a session of our own', () => {
  let target: TargetProcess;
  let initiator: RawInitiator;

  beforeAll(async () => {
    target = await startTarget(MAIN_SETTING);
    initiator = await RawInitiator.logIn(target.port);
  });
  afterAll(async () => {
    await initiator.logOut();
    await target.stop();
  });

  test('is ready, once it has heard of what happened before it came', async () => {
    const first = await initiator.command(cdbs.testUnitReady());
    if (first.status === Status.CHECK_CONDITION) expect(first.sense?.key).toBe(SenseKey.UNIT_ATTENTION);
    expect(await initiator.command(cdbs.testUnitReady())).toMatchObject({ status: Status.GOOD, sense: null });
  });

  test('reads the same blocks through READ (6), (10), (12) and (16)', async () => {
    const blocks = 24;
    const lba = 1000;
    const data = noise(blocks * BLOCK_BYTES, 5);
    expect(await initiator.command(cdbs.write10(lba, blocks), { write: data })).toMatchObject({ status: Status.GOOD });
    expect(await initiator.command(cdbs.synchronizeCache16())).toMatchObject({ status: Status.GOOD });
    for (const read of [cdbs.read6, cdbs.read10, cdbs.read12, cdbs.read16]) {
      const result = await initiator.command(read(lba, blocks), { read: data.length });
      expect(result).toMatchObject({ status: Status.GOOD, residual: 0 });
      expect(result.data.equals(data)).toBe(true);
    }
  });

  test('hears the same capacity from READ CAPACITY (10) and (16)', async () => {
    const short = await initiator.command(cdbs.readCapacity10(), { read: 8 });
    expect(short.data.readUInt32BE(0)).toBe(LAST_BLOCK);
    expect(short.data.readUInt32BE(4)).toBe(BLOCK_BYTES);
    const long = await initiator.command(cdbs.readCapacity16(), { read: 32 });
    expect(long.data.readBigUInt64BE(0)).toBe(BigInt(LAST_BLOCK));
    expect(long.data.readUInt32BE(8)).toBe(BLOCK_BYTES);
  });

  test('finds every unit with REPORT LUNS, and each of them with INQUIRY', async () => {
    const { data } = await initiator.command(cdbs.reportLuns(256), { read: 256 });
    const luns = Array.from({ length: data.readUInt32BE(0) / 8 }, (_, index) => data.readUInt16BE(8 + index * 8));
    expect(luns).toEqual(Object.values(Lun));
    for (const lun of luns) {
      const standard = await initiator.command(cdbs.inquiry(36), { read: 36, lun });
      expect(standard.data).toHaveLength(36);
      // Peripheral qualifier and device type: a disk is connected.
      expect(standard.data[0]).toBe(0);
      const identification = await initiator.command(cdbs.inquiry(252, 0x83), { read: 252, lun });
      expect(identification.residual).toBe(identification.data.length - 252);
    }
  });

  test.each([
    { unit: 'file', lun: Lun.FILE },
    { unit: 'memory', lun: Lun.MEMORY },
  ])('reads all of the $unit unit with one command, more than all buffers hold', async ({ lun }) => {
    const data = noise(BLOCK_BYTES, lun + 3);
    await initiator.command(cdbs.write16(LAST_BLOCK, 1), { lun, write: data });
    const { status, ...whole } = await initiator.command(cdbs.read16(0, LAST_BLOCK + 1), { lun, read: UNIT_BYTES });
    expect(status).toBe(Status.GOOD);
    expect(whole.data).toHaveLength(UNIT_BYTES);
    expect(whole.data.subarray(-BLOCK_BYTES).equals(data)).toBe(true);
  });

  test('a READ past the end fails, and the next one does not', async () => {
    const beyond = await initiator.command(cdbs.read16(LAST_BLOCK, 2), { read: 2 * BLOCK_BYTES });
    expect(beyond).toMatchObject({
      status: Status.CHECK_CONDITION,
      sense: { key: SenseKey.ILLEGAL_REQUEST, additional: 0x2100 },
      residual: -2 * BLOCK_BYTES,
    });
    const last = await initiator.command(cdbs.read16(LAST_BLOCK, 1), { read: BLOCK_BYTES });
    expect(last).toMatchObject({ status: Status.GOOD, residual: 0 });
  });
});
