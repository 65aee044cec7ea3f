// MODE SELECT(6) and (10): what changes, what does not, and what a wrong list is told.

import { describe, expect, it } from 'vitest';
import { resetState } from '../../src/control/unit-state.ts';
import { Status } from '../../src/scsi/task.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';

const LENGTH_ERROR = { senseKey: 5, additionalSense: 0x1a00 };

/** The control page with D_SENSE and SWP as given. */
function control(descriptorSense: boolean, writeProtected: boolean): string {
  return `0a0a ${descriptorSense ? '06' : '02'} 10 ${writeProtected ? '08' : '00'} 00 00000000 0000`;
}

function select6(bench: ScsiBench, list: string, flags = '10'): Outcome {
  const data = Buffer.from(list.replaceAll(' ', ''), 'hex');
  return bench.run(`15 ${flags} 0000 ${data.length.toString(16).padStart(2, '0')} 00`, { data });
}

function select10(bench: ScsiBench, list: string): Outcome {
  const data = Buffer.from(list.replaceAll(' ', ''), 'hex');
  return bench.run(`55 10 0000000000 ${data.length.toString(16).padStart(4, '0')} 00`, { data });
}

function controlPageOf(bench: ScsiBench): string {
  return bench.run('1a 08 0a 00 ff 00').data.subarray(4).toString('hex');
}

describe('MODE SELECT', () => {
  it('turns D_SENSE on and off: sense data are in descriptor format in between', () => {
    const bench = new ScsiBench();
    expect(select6(bench, `00000000 ${control(true, false)}`).status).toBe(Status.GOOD);
    expect(controlPageOf(bench)).toBe(control(true, false).replaceAll(' ', '').replace('0a', '8a'));
    expect(bench.run('28 00 ffffffff 00 0001 00').sense).toBe('7205210000000000');
    expect(select10(bench, `0000000000000000 ${control(false, false)}`).status).toBe(Status.GOOD);
    expect(bench.run('28 00 ffffffff 00 0001 00').sense.slice(0, 2)).toBe('70');
  });

  it('turns SWP on and off: nothing is written in between', () => {
    const bench = new ScsiBench({ thin: true });
    const write = (): Outcome => bench.run('2a 00 00000000 00 0001 00', { data: Buffer.alloc(512) });
    select6(bench, `00000000 ${control(false, true)}`);
    expect(write()).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
    expect(bench.run('41 00 00000000 00 0001 00', { data: Buffer.alloc(512) })).toMatchObject({ senseKey: 7 });
    expect(bench.run('1a 08 0a 00 ff 00').data[2]).toBe(0x90);
    expect(bench.run('28 00 00000000 00 0001 00').status).toBe(Status.GOOD);
    select6(bench, `00000000 ${control(false, false)}`);
    expect(write().status).toBe(Status.GOOD);
  });

  it('keeps SWP on when main tells of the unit anew: it has grown, for one', () => {
    const bench = new ScsiBench();
    select6(bench, `00000000 ${control(false, true)}`);
    bench.unit.update({ ...bench.unit.snapshot, blockCount: bench.unit.blockCount + 8 });
    const data = Buffer.alloc(512, 1);
    expect(bench.run('2a 00 00000000 00 0001 00', { data })).toMatchObject({ senseKey: 7, additionalSense: 0x2700 });
  });

  it('tells the other nexuses, once, and only when something changed', () => {
    const bench = new ScsiBench();
    const other = bench.addNexus(2);
    select6(bench, `00000000 ${control(false, false)}`);
    expect(bench.run('00 00000000 00', { nexus: other }).status).toBe(Status.GOOD);
    select6(bench, `00000000 ${control(true, false)}`);
    expect(bench.run('00 00000000 00').status).toBe(Status.GOOD);
    expect(bench.run('00 00000000 00', { nexus: other })).toMatchObject({ senseKey: 6, additionalSense: 0x2a01 });
    expect(bench.run('00 00000000 00', { nexus: other }).status).toBe(Status.GOOD);
  });

  it('default values stay what they were', () => {
    const bench = new ScsiBench();
    const before = bench.run('1a 08 8a 00 ff 00').data.subarray(4);
    select6(bench, `00000000 ${control(true, true)}`);
    expect(bench.run('1a 08 8a 00 ff 00').data.subarray(4).equals(before)).toBe(true);
  });

  it('takes back what MODE SENSE gave', () => {
    const bench = new ScsiBench({ writeCache: true });
    const all6 = bench.run('1a 00 3f 00 ff 00').data;
    all6[0] = 0;
    expect(select6(bench, all6.toString('hex')).status).toBe(Status.GOOD);
    for (const flags of ['00', '08', '10']) {
      const all10 = bench.run(`5a ${flags} 3f 00 000000 ffff 00`).data;
      all10.writeUInt16BE(0, 0);
      expect(select10(bench, all10.toString('hex')).status).toBe(Status.GOOD);
    }
  });

  it('saves with SP what a reset then brings back', () => {
    const bench = new ScsiBench();
    const savedPage = () => bench.run('1a 08 ca 00 ff 00').data.subarray(4).toString('hex');
    select6(bench, `00000000 ${control(true, true)}`);
    expect(savedPage()).toContain('8a0a0210');
    select6(bench, `00000000 ${control(true, false)}`, '11');
    expect(savedPage()).toContain('8a0a0610');
    select6(bench, `00000000 ${control(false, true)}`);
    expect(resetState(bench.unit.state)).toMatchObject({ descriptorSense: true, writeProtected: false });
  });

  it('saves nothing where there is no place for it', () => {
    const bench = new ScsiBench({ durable: false });
    expect(select6(bench, `00000000 ${control(true, true)}`, '11').sense.slice(-6)).toBe('c00001');
    expect(controlPageOf(bench)).toContain('0a0a0210');
  });

  it('needs no list', () => {
    const bench = new ScsiBench();
    expect(select6(bench, '').status).toBe(Status.GOOD);
    expect(select6(bench, '00000000').status).toBe(Status.GOOD);
  });

  it('changes nothing when a page after the one that is right is wrong', () => {
    const bench = new ScsiBench();
    const before = controlPageOf(bench);
    const outcome = select6(bench, `00000000 ${control(true, true)} 1c0a ff 00 00000000 00000000`);
    expect(outcome.sense.slice(24)).toBe('260000' + '800012');
    expect(controlPageOf(bench)).toBe(before);
  });
});

describe('MODE SELECT is refused', () => {
  const bench = new ScsiBench({ blockCount: 2048 });

  it.each([
    ['12', 'to revert to defaults'],
    ['00', 'pages in a form of somebody else’s'],
  ])('with flags %sh: %s', (flags) => {
    expect(select6(bench, `00000000 ${control(false, false)}`, flags).sense.slice(-6)).toBe('c00001');
  });

  it.each([
    ['00000000 0a0a 03 10 00 00 00000000 0000', '800006', 'a bit that can not be changed'],
    ['00000000 0a0a 02 00 00 00 00000000 0000', '800007', 'another'],
    ['00000000 030e 00000000 00000000 00000000 0000', '800004', 'a page that is not there'],
    ['00000000 4a02 001c', '800004', 'a subpage that is not there'],
    [`00000000 4a01 001c 04${'00'.repeat(27)}`, '800008', 'a bit of a subpage'],
    [`00000000 4a01 001b 02${'00'.repeat(27)}`, '800007', 'a subpage of the wrong length'],
    ['00000000 0a09 02 10 00 00 00000000 0000', '800005', 'a page of the wrong length'],
    ['00000007 00', '', 'a header that promises more'],
    ['00000008 00000000 00001000', '800008', 'a block size that is not the unit’s'],
    ['00000008 00001000 00000200', '800004', 'a capacity that is not the unit’s'],
    ['00000004 00000000', '800003', 'a block descriptor of no known length'],
  ])('%s at %s: %s', (list, pointer) => {
    const outcome = select6(bench, list);
    if (pointer === '') expect(outcome).toMatchObject(LENGTH_ERROR);
    else expect(outcome.sense.slice(24)).toBe(`260000${pointer}`);
  });

  it.each(['000000', '00000000 0a', '00000000 4a01 001c', '00000000 0a0a 02 10 00'])(
    'for a list that ends too early: %s',
    (list) => {
      expect(select6(bench, list)).toMatchObject(LENGTH_ERROR);
    },
  );

  it('for a list that is shorter than the CDB says', () => {
    const data = Buffer.from('00000000', 'hex');
    expect(bench.run('15 10 0000 10 00', { data })).toMatchObject(LENGTH_ERROR);
  });
});
