// START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL and SYNCHRONIZE CACHE.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const EJECT = '1b 00 00 00 02 00';
const LOAD = '1b 00 00 00 03 00';
const STOP = '1b 00 00 00 00 00';
const START = '1b 00 00 00 01 00';
const PREVENT = '1e 00 00 00 01 00';
const ALLOW = '1e 00 00 00 00 00';
const TEST_UNIT_READY = '00 00000000 00';
const MEDIUM_NOT_PRESENT = { senseKey: 2, additionalSense: 0x3a00 };
const REMOVAL_PREVENTED = { senseKey: 5, additionalSense: 0x5302 };

describe('START STOP UNIT', () => {
  it('ejects and loads a removable medium, and empties the cache before', () => {
    const bench = new ScsiBench({ kind: 'file', removable: true });
    expect(bench.run(EJECT).status).toBe(Status.GOOD);
    expect(bench.file.syncs).toBe(1);
    expect(bench.run(TEST_UNIT_READY)).toMatchObject(MEDIUM_NOT_PRESENT);
    expect(bench.run('28 00 00000000 00 0001 00')).toMatchObject(MEDIUM_NOT_PRESENT);
    expect(bench.run(START)).toMatchObject(MEDIUM_NOT_PRESENT);
    expect(bench.run(LOAD).status).toBe(Status.GOOD);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('tells the others that there is a medium again', () => {
    const bench = new ScsiBench({ removable: true });
    const other = bench.addNexus(2);
    bench.run(EJECT);
    bench.run(LOAD);
    expect(bench.run(TEST_UNIT_READY, { nexus: other })).toMatchObject({ senseKey: 6, additionalSense: 0x2800 });
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('keeps the medium when the cache could not be emptied', () => {
    const bench = new ScsiBench({ kind: 'file', removable: true });
    bench.file.errno = DISK_FAULT;
    expect(bench.run(EJECT)).toMatchObject({ senseKey: 4, additionalSense: 0x0c00 });
    expect(bench.unit.ready).toBe(true);
  });

  it('leaves the cache alone with NO_FLUSH', () => {
    const bench = new ScsiBench({ kind: 'file' });
    expect(bench.run('1b 00 00 00 04 00').status).toBe(Status.GOOD);
    expect(bench.file.syncs).toBe(0);
  });

  it('a unit that others share does not stop', () => {
    const bench = new ScsiBench({ kind: 'file' });
    expect(bench.run(STOP).status).toBe(Status.GOOD);
    expect(bench.file.syncs).toBe(1);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
    expect(bench.run(START).status).toBe(Status.GOOD);
  });

  it('a power condition makes LOEJ and START mean nothing', () => {
    const bench = new ScsiBench({ removable: true });
    expect(bench.run('1b 00 00 00 12 00').status).toBe(Status.GOOD);
    expect(bench.unit.ready).toBe(true);
  });

  it.each(['30', 'b0'])('standby (%s) empties the cache like a stop, unless NO_FLUSH says not to', (condition) => {
    const bench = new ScsiBench({ kind: 'file' });
    expect(bench.run(`1b 00 00 00 ${condition.replace('0', '4')} 00`).status).toBe(Status.GOOD);
    expect(bench.file.syncs).toBe(0);
    expect(bench.run(`1b 00 00 00 ${condition} 00`).status).toBe(Status.GOOD);
    expect(bench.file.syncs).toBe(1);
    bench.file.errno = DISK_FAULT;
    expect(bench.run(`1b 00 00 00 ${condition} 00`)).toMatchObject({ senseKey: 4, additionalSense: 0x0c00 });
  });

  it('refuses to eject what is not removable', () => {
    expect(new ScsiBench().run(EJECT).sense.slice(-6)).toBe('c00004');
  });
});

describe('PREVENT ALLOW MEDIUM REMOVAL', () => {
  it('holds the medium for every nexus until all have let go', () => {
    const bench = new ScsiBench({ removable: true });
    const other = bench.addNexus(2);
    bench.run(PREVENT);
    bench.run(PREVENT, { nexus: other });
    expect(bench.run(EJECT)).toMatchObject(REMOVAL_PREVENTED);
    bench.run(ALLOW);
    expect(bench.run(EJECT)).toMatchObject(REMOVAL_PREVENTED);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
    bench.run(ALLOW, { nexus: other });
    expect(bench.run(EJECT).status).toBe(Status.GOOD);
  });

  it('is nothing to what can not be removed', () => {
    const bench = new ScsiBench();
    expect(bench.run(PREVENT).status).toBe(Status.GOOD);
    expect(bench.unit.state.preventers).toEqual([]);
  });

  it('keeps a medium out as well', () => {
    const bench = new ScsiBench({ removable: true });
    bench.run(EJECT);
    bench.run(PREVENT);
    expect(bench.run(LOAD)).toMatchObject(REMOVAL_PREVENTED);
  });
});

describe('SYNCHRONIZE CACHE', () => {
  it.each(['35 00 00000000 00 0000 00', '35 02 000007ff 00 0001 00', '91 00 0000000000000000 00000800 00 00'])(
    '%s puts what was written on stable storage',
    (cdb) => {
      const bench = new ScsiBench({ kind: 'file', blockCount: 2048 });
      expect(bench.run(cdb).status).toBe(Status.GOOD);
      expect(bench.file.syncs).toBe(1);
    },
  );

  it.each(['35 00 00000800 00 0000 00', '35 00 000007ff 00 0002 00', '91 00 ffffffffffffffff 00000000 00 00'])(
    '%s names blocks that do not exist',
    (cdb) => {
      const bench = new ScsiBench({ kind: 'file', blockCount: 2048 });
      expect(bench.run(cdb)).toMatchObject({ senseKey: 5, additionalSense: 0x2100 });
      expect(bench.file.syncs).toBe(0);
    },
  );

  it('reports what the disk says', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.file.errno = DISK_FAULT;
    expect(bench.run('35 00 00000000 00 0000 00')).toMatchObject({ senseKey: 4, additionalSense: 0x0c00 });
  });

  it('is GOOD at once on memory', () => {
    expect(new ScsiBench({ kind: 'memory' }).run('35 00 00000000 00 0000 00').status).toBe(Status.GOOD);
  });
});
