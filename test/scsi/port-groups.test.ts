// REPORT and SET TARGET PORT GROUPS, and what may run over a port that is not active.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';

const REPORT = 'a3 0a 00000000 00000100 00 00';
const IN_STANDBY = { senseKey: 2, additionalSense: 0x040b };
const UNAVAILABLE = { senseKey: 2, additionalSense: 0x040c };
const TEST_UNIT_READY = '00 00000000 00';
const READ = '28 00 00000000 00 0001 00';
const GET_LBA_STATUS = '9e 12 0000000000000000 00000018 00 00';
const READ_CAPACITY_10 = '25 00 00000000 0000 00 00';
const READ_CAPACITY_16 = '9e 10 0000000000000000 00000020 00 00';
/** The echo buffer, four bytes of it. */
const WRITE_ECHO = '3b 0a 00 000000 000004 00';
const READ_ECHO = '3c 0a 00 000000 000004 00';

function set(bench: ScsiBench, descriptors: string, header = '00000000'): Outcome {
  const data = Buffer.from(`${header}${descriptors}`.replaceAll(' ', ''), 'hex');
  return bench.run(`a4 0a 00000000 ${data.length.toString(16).padStart(8, '0')} 00 00`, { data });
}

/** Served by two portal groups; the bench's own nexus came through the first. */
function twoGroups(): { bench: ScsiBench; other: ReturnType<ScsiBench['addNexus']> } {
  const bench = new ScsiBench({ portalGroups: [1, 0x0203] });
  return { bench, other: bench.addNexus(2, 0x0203) };
}

describe('REPORT TARGET PORT GROUPS', () => {
  it('has a group for each portal group that serves the unit, whichever it came through', () => {
    const { bench, other } = twoGroups();
    const expected = '00000018' + '000f0001' + '00000001' + '00000001' + '000f0203' + '00000001' + '00000203';
    expect(bench.run(REPORT).data.toString('hex')).toBe(expected);
    expect(bench.run(REPORT, { nexus: other }).data.toString('hex')).toBe(expected);
  });

  it('has a header of eight bytes in the extended format', () => {
    expect(new ScsiBench().run(REPORT.replace('0a', '2a')).data.toString('hex')).toBe(
      '00000010' + '10000000' + '000f0001' + '00000001' + '00000001',
    );
  });

  it('refuses other formats', () => {
    expect(new ScsiBench().run(REPORT.replace('0a', '4a')).sense.slice(-6)).toBe('c00001');
  });

  it('is GOOD and empty without room for an answer', () => {
    const { status, data } = new ScsiBench().run('a3 0a 00000000 00000000 00 00');
    expect(status).toBe(Status.GOOD);
    expect(data.length).toBe(0);
  });
});

describe('SET TARGET PORT GROUPS', () => {
  it('changes the states that it names, for everybody, who hears of it', () => {
    const { bench, other } = twoGroups();
    expect(set(bench, '01000001 02000203').status).toBe(Status.GOOD);
    expect(bench.run(REPORT).data.toString('hex')).toBe(
      '00000018' + '010f0001' + '00010001' + '00000001' + '020f0203' + '00010001' + '00000203',
    );
    expect(bench.run('12 00 00 0024 00', { nexus: other, expected: 36 }).status).toBe(Status.GOOD);
    expect(bench.run('03 00 0000 ff 00', { nexus: other, expected: 255 }).data.readUInt16BE(12)).toBe(0x2a06);
    expect(bench.run(TEST_UNIT_READY, { nexus: other })).toMatchObject(IN_STANDBY);
    expect(bench.run(TEST_UNIT_READY).status).toBe(Status.GOOD);
  });

  it('standby: the port tells of the unit and of its reservations, and moves no blocks', () => {
    const bench = new ScsiBench();
    set(bench, '02000001');
    const refused = [READ, TEST_UNIT_READY, '88 00 0000000000000000 00000001 00 00', GET_LBA_STATUS];
    for (const cdb of refused) expect(bench.run(cdb, { expected: 512 }), cdb).toMatchObject(IN_STANDBY);
    const allowed = [
      '12 00 00 0024 00',
      'a0 00 00 000000 00000100 00 00',
      '1a 08 0a 00 ff 00',
      '5e 00 0000000000 00ff 00',
    ];
    for (const cdb of allowed) expect(bench.run(cdb, { expected: 255 }).status, cdb).toBe(Status.GOOD);
    expect(bench.run(REPORT).data[4]).toBe(2);
  });

  it('standby: a host that finds the unit by such a port learns how large it is, as Linux has to', () => {
    const bench = new ScsiBench({ blockCount: 64 });
    set(bench, '02000001');
    expect(bench.run(READ_CAPACITY_10).data.toString('hex')).toBe('0000003f' + '00000200');
    expect(bench.run(READ_CAPACITY_16).data.readBigUInt64BE(0)).toBe(63n);
  });

  it.each([
    ['standby', '02000001'],
    ['unavailable', '03000001'],
  ])('%s: the way to the unit can be tested with the echo buffer', (_state, descriptor) => {
    const bench = new ScsiBench();
    set(bench, descriptor);
    expect(bench.run(WRITE_ECHO, { data: Uint8Array.of(1, 2, 3, 4) }).status).toBe(Status.GOOD);
    expect(bench.run(READ_ECHO).data.toString('hex')).toBe('01020304');
  });

  it('unavailable: next to nothing but the way back', () => {
    const bench = new ScsiBench();
    set(bench, '03000001');
    const refused = [READ, TEST_UNIT_READY, READ_CAPACITY_10, '1a 08 0a 00 ff 00', '5e 00 0000000000 00ff 00'];
    for (const cdb of refused) expect(bench.run(cdb, { expected: 255 }), cdb).toMatchObject(UNAVAILABLE);
    expect(bench.run('12 00 00 0024 00', { expected: 36 }).status).toBe(Status.GOOD);
    expect(set(bench, '00000001').status).toBe(Status.GOOD);
    expect(bench.run(READ, { expected: 512 }).status).toBe(Status.GOOD);
  });

  it('active/non-optimized takes everything', () => {
    const bench = new ScsiBench();
    set(bench, '01000001');
    expect(bench.run(READ, { expected: 512 }).status).toBe(Status.GOOD);
  });

  it('without a change there is no news', () => {
    const { bench, other } = twoGroups();
    expect(set(bench, '00000001').status).toBe(Status.GOOD);
    expect(set(bench, '').status).toBe(Status.GOOD);
    expect(bench.run('a4 0a 00000000 00000000 00 00').status).toBe(Status.GOOD);
    expect(bench.run(TEST_UNIT_READY, { nexus: other }).status).toBe(Status.GOOD);
  });

  it.each([
    ['a state that can not be set', '0f000001', '800004'],
    ['a state that can not be set, behind one that can', '02000001 04000203', '800008'],
    ['a group that does not serve the unit', '01000002', '800006'],
    ['a group twice', '01000001 02000001', '80000a'],
  ])('%s is refused, and nothing is changed', (_what, descriptors, pointer) => {
    const { bench } = twoGroups();
    expect(set(bench, descriptors).sense.slice(24)).toBe(`260000${pointer}`);
    expect(bench.run(REPORT).data[4]).toBe(0);
  });

  it.each(['000000', '00000000 0200', '00000000 02000001 02'])(
    'a list of no whole descriptors is refused: %s',
    (bytes) => {
      expect(set(new ScsiBench(), bytes, '')).toMatchObject({ senseKey: 5, additionalSense: 0x1a00 });
    },
  );
});
