// READ CAPACITY(10) and (16).

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const READ_CAPACITY_10 = '25 00 00000000 0000 00 00';
const READ_CAPACITY_16 = '9e 10 0000000000000000 00000020 00 00';

describe('READ CAPACITY(10)', () => {
  it('tells the last LBA and the block size', () => {
    const { data } = new ScsiBench({ blockCount: 2048 }).run(READ_CAPACITY_10);
    expect(data.toString('hex')).toBe('000007ff' + '00000200');
  });

  it('sends those who have to READ CAPACITY(16) where 32 bits are too few', () => {
    const capacityOf = (blockCount: number): string =>
      new ScsiBench({ kind: 'null', blockCount }).run(READ_CAPACITY_10).data.toString('hex');
    expect(capacityOf(2 ** 32)).toBe('ffffffff' + '00000200');
    expect(capacityOf(2 ** 32 - 1)).toBe('fffffffe' + '00000200');
    expect(capacityOf(2 ** 40)).toBe('ffffffff' + '00000200');
  });

  it('takes an LBA only with PMI', () => {
    const bench = new ScsiBench();
    expect(bench.run('25 00 00000001 0000 00 00').sense.slice(-6)).toBe('c00002');
    expect(bench.run('25 00 00000001 0000 01 00').status).toBe(Status.GOOD);
  });

  it('needs a medium', () => {
    const bench = new ScsiBench({ removable: true });
    bench.run('1b 00 00 00 02 00');
    expect(bench.run(READ_CAPACITY_10).additionalSense).toBe(0x3a00);
  });
});

describe('READ CAPACITY(16)', () => {
  it('tells the last LBA, the block size and the physical block size', () => {
    const { data } = new ScsiBench({ kind: 'null', blockCount: 2 ** 40 }).run(READ_CAPACITY_16);
    expect(data.toString('hex')).toBe(`000000ffffffffff0000020000030000${'00'.repeat(16)}`);
  });

  it('tells that a thin unit is thin, and reads zeroes where unmapped', () => {
    const { data } = new ScsiBench({ blockSize: 4096, thin: true }).run(READ_CAPACITY_16);
    expect(data.toString('hex')).toBe(`00000000000007ff000010000000c000${'00'.repeat(16)}`);
  });

  it('is cut to the allocation length', () => {
    const { status, data } = new ScsiBench().run('9e 10 0000000000000000 0000000f 00 00');
    expect(status).toBe(Status.GOOD);
    expect(data.length).toBe(15);
  });

  it('an unknown service action is a wrong field, not a wrong command', () => {
    expect(new ScsiBench().run('9e 1f 0000000000000000 00000020 00 00').sense.slice(-6)).toBe('c00001');
  });
});
