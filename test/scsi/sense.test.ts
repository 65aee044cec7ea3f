// Sense data in both formats, byte by byte, and the table from errno to sense.

import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Errno } from '../../src/kernel/errno.ts';
import {
  AdditionalSense,
  fail,
  failField,
  failOperationCode,
  failParameter,
  failRead,
  failWrite,
  SENSE_BYTES_MAX,
  SenseFormat,
  SenseKey,
  setBusy,
  writeSense,
} from '../../src/scsi/sense.ts';
import { Status, Task } from '../../src/scsi/task.ts';

const { EACCES, EBUSY, ECANCELED, EDQUOT, EIO, ENODEV, ENOSPC, EPERM, EROFS, ETIMEDOUT } = constants.errno;
const ENOMEDIUM = 123;

function senseOf(task: Task, format: SenseFormat): string {
  const bytes = Buffer.alloc(SENSE_BYTES_MAX + 8, 0xee);
  const length = writeSense(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 4, task, format);
  expect(bytes.subarray(0, 4).toString('hex')).toBe('eeeeeeee');
  expect(bytes.subarray(4 + length).every((byte) => byte === 0xee)).toBe(true);
  return bytes.subarray(4, 4 + length).toString('hex');
}

describe('fixed format sense data', () => {
  it('is 18 bytes, without information unless there is some', () => {
    const task = new Task();
    fail(task, SenseKey.NOT_READY, AdditionalSense.MEDIUM_NOT_PRESENT);
    expect(senseOf(task, SenseFormat.fixed)).toBe('70000200000000' + '0a' + '00000000' + '3a00' + '00' + '000000');
  });

  it('carries an LBA of four bytes as information, marked valid', () => {
    const task = new Task();
    fail(task, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, 0xfedcba98);
    expect(senseOf(task, SenseFormat.fixed)).toBe('f00003fedcba98' + '0a' + '00000000' + '1100' + '00' + '000000');
  });

  it('leaves out an LBA that needs more than four bytes, and says so', () => {
    const task = new Task();
    fail(task, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, 2 ** 32);
    expect(senseOf(task, SenseFormat.fixed)).toBe('70000300000000' + '0a' + '00000000' + '1100' + '00' + '000000');
  });

  it('points at the field of the CDB that is wrong', () => {
    const task = new Task();
    failField(task, 7);
    expect(senseOf(task, SenseFormat.fixed)).toBe('70000500000000' + '0a' + '00000000' + '2400' + '00' + 'c00007');
  });

  it('points into the parameter list with C/D off', () => {
    const task = new Task();
    failParameter(task, 0x0110);
    expect(senseOf(task, SenseFormat.fixed)).toBe('70000500000000' + '0a' + '00000000' + '2600' + '00' + '800110');
  });

  it('points at the operation code that nobody knows', () => {
    const task = new Task();
    failOperationCode(task);
    expect(senseOf(task, SenseFormat.fixed)).toBe('70000500000000' + '0a' + '00000000' + '2000' + '00' + 'c00000');
  });
});

describe('descriptor format sense data', () => {
  it('is a header where there is nothing to add', () => {
    const task = new Task();
    fail(task, SenseKey.UNIT_ATTENTION, AdditionalSense.CAPACITY_DATA_HAS_CHANGED);
    expect(senseOf(task, SenseFormat.descriptor)).toBe('7206' + '2a09' + '00000000');
  });

  it('has room for an LBA of eight bytes', () => {
    const task = new Task();
    fail(task, SenseKey.MEDIUM_ERROR, AdditionalSense.WRITE_ERROR, 2 ** 32 + 5);
    expect(senseOf(task, SenseFormat.descriptor)).toBe(
      '7203' + '0c00' + '0000000c' + '000a' + '8000' + '0000000100000005',
    );
  });

  it('has the field pointer in a descriptor of its own', () => {
    const task = new Task();
    failField(task, 2);
    expect(senseOf(task, SenseFormat.descriptor)).toBe(
      '7205' + '2400' + '00000008' + '0206' + '0000' + 'c00002' + '00',
    );
  });
});

describe('errno becomes sense', () => {
  const cases = [
    [EIO, false, SenseKey.MEDIUM_ERROR, 0x1100, 77],
    [EIO, true, SenseKey.MEDIUM_ERROR, 0x0c00, 77],
    [ENOSPC, true, SenseKey.DATA_PROTECT, 0x2707, -1],
    [EDQUOT, true, SenseKey.DATA_PROTECT, 0x2707, -1],
    [EROFS, true, SenseKey.DATA_PROTECT, 0x2700, -1],
    [EPERM, true, SenseKey.DATA_PROTECT, 0x2700, -1],
    [ENODEV, false, SenseKey.HARDWARE_ERROR, 0x3e01, -1],
    [EBUSY, false, SenseKey.NOT_READY, 0x0401, -1],
    [ENOMEDIUM, false, SenseKey.NOT_READY, 0x3a00, -1],
    [ECANCELED, true, SenseKey.ABORTED_COMMAND, 0x0000, -1],
    [ETIMEDOUT, true, SenseKey.ABORTED_COMMAND, 0x0801, -1],
    [Errno.ENOTRECOVERABLE, true, SenseKey.HARDWARE_ERROR, 0x0c00, -1],
    [EACCES, false, SenseKey.HARDWARE_ERROR, 0x4400, -1],
  ] as const;
  it.each(cases)('errno %i, writing %s: key %i, code %i', (errno, writing, senseKey, additionalSense, information) => {
    const task = new Task();
    expect(writing ? failWrite(task, errno, 77) : failRead(task, errno, 77)).toBe(false);
    expect(task).toMatchObject({ status: Status.CHECK_CONDITION, senseKey, additionalSense, information });
  });
});

describe('failing again', () => {
  it('leaves nothing of the first failure', () => {
    const task = new Task();
    failParameter(task, 9);
    fail(task, SenseKey.UNIT_ATTENTION, AdditionalSense.NEXUS_LOSS_OCCURRED);
    expect(task).toMatchObject({ fieldPointer: -1, fieldInData: false, information: -1 });
  });

  it('BUSY has no sense', () => {
    const task = new Task();
    failField(task, 1);
    setBusy(task);
    expect(task).toMatchObject({ status: Status.BUSY, senseKey: 0, additionalSense: 0, fieldPointer: -1 });
  });
});
