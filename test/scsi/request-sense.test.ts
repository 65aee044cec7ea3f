// REQUEST SENSE and TEST UNIT READY: what a unit says of itself.

import { describe, expect, it } from 'vitest';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const TEST_UNIT_READY = '00 00000000 00';

describe('REQUEST SENSE', () => {
  it('has nothing to say of a unit that is well', () => {
    const { status, data } = new ScsiBench().run('03 00 0000 ff 00');
    expect(status).toBe(Status.GOOD);
    expect(data.toString('hex')).toBe(`700000000000000a${'00'.repeat(10)}`);
  });

  it('answers in descriptor format with DESC', () => {
    expect(new ScsiBench().run('03 01 0000 ff 00').data.toString('hex')).toBe('7200000000000000');
  });

  it('is cut to the allocation length', () => {
    expect(new ScsiBench().run('03 00 0000 04 00').data.toString('hex')).toBe('70000000');
    expect(new ScsiBench().run('03 00 0000 00 00').status).toBe(Status.GOOD);
  });

  it('reports a unit attention, once', () => {
    const bench = new ScsiBench();
    bench.unit.attention(bench.nexus, AdditionalSense.CAPACITY_DATA_HAS_CHANGED);
    expect(bench.run('03 00 0000 ff 00').data.toString('hex').slice(0, 28)).toBe(
      '70000600000000' + '0a' + '000000002a09',
    );
    expect(bench.run('03 00 0000 ff 00').data[2]).toBe(0);
  });

  it('says that the medium is out', () => {
    const bench = new ScsiBench({ removable: true });
    bench.unit.ready = false;
    expect(bench.run('03 01 0000 ff 00').data.toString('hex')).toBe('72023a0000000000');
  });

  it('says with status GOOD that a LUN names no unit', () => {
    const { status, data } = new ScsiBench().run('03 01 0000 ff 00', { lun: 1 });
    expect(status).toBe(Status.GOOD);
    expect(data.toString('hex')).toBe('7205250000000000');
  });
});

describe('TEST UNIT READY', () => {
  it('is GOOD when the unit is ready', () => {
    expect(new ScsiBench().run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('reports unit attentions first, oldest first', () => {
    const bench = new ScsiBench();
    bench.unit.attention(bench.nexus, AdditionalSense.MODE_PARAMETERS_CHANGED);
    bench.unit.attention(bench.nexus, AdditionalSense.CAPACITY_DATA_HAS_CHANGED);
    expect(bench.run(TEST_UNIT_READY)).toMatchObject({ senseKey: 6, additionalSense: 0x2a01 });
    expect(bench.run(TEST_UNIT_READY)).toMatchObject({ senseKey: 6, additionalSense: 0x2a09 });
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('is NOT READY without a medium', () => {
    const bench = new ScsiBench({ removable: true });
    bench.unit.ready = false;
    expect(bench.run(TEST_UNIT_READY)).toMatchObject({ senseKey: 2, additionalSense: 0x3a00 });
  });

  it('is refused where there is no unit', () => {
    expect(new ScsiBench().run(TEST_UNIT_READY, { lun: 1 })).toMatchObject({ senseKey: 5, additionalSense: 0x2500 });
  });
});
