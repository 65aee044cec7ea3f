// MODE SENSE(6) and (10): headers, block descriptors, pages.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const RECOVERY = `010a${'00'.repeat(10)}`;
const DISCONNECT = `020e${'00'.repeat(14)}`;
const CACHING = `0812${'00'.repeat(18)}`;
const CONTROL = `8a0a0210${'00'.repeat(8)}`;
const EXTENSION = `4a01001c02${'00'.repeat(27)}`;
const POWER = `1a26${'00'.repeat(38)}`;
const EXCEPTIONS = `1c0a08${'00'.repeat(9)}`;
const DESCRIPTOR = '00000800' + '00000200';

describe('MODE SENSE(6)', () => {
  it('3Fh: header, block descriptor, and every page in order', () => {
    const { data } = new ScsiBench({ blockCount: 2048 }).run('1a 00 3f 00 ff 00');
    expect(data.toString('hex')).toBe(
      `7b001008${DESCRIPTOR}${RECOVERY}${DISCONNECT}${CACHING}${CONTROL}${POWER}${EXCEPTIONS}`,
    );
  });

  it('3Fh with subpages FFh has every subpage as well; a page with FFh its own', () => {
    const bench = new ScsiBench();
    const pages = bench.run('1a 08 3f ff ff 00').data.subarray(4).toString('hex');
    expect(pages).toBe(`${RECOVERY}${DISCONNECT}${CACHING}${CONTROL}${EXTENSION}${POWER}${EXCEPTIONS}`);
    expect(bench.run('1a 08 0a ff ff 00').data.subarray(4).toString('hex')).toBe(`${CONTROL}${EXTENSION}`);
    expect(bench.run('1a 08 0a 01 ff 00').data.subarray(4).toString('hex')).toBe(EXTENSION);
  });

  it('leaves the block descriptor out with DBD', () => {
    expect(new ScsiBench().run('1a 08 1c 00 ff 00').data.toString('hex')).toBe(`0f001000${EXCEPTIONS}`);
  });

  it('tells write protection', () => {
    expect(new ScsiBench({ readOnly: true }).run('1a 08 1c 00 ff 00').data[2]).toBe(0x90);
  });

  it('WCE is whether there is a volatile cache', () => {
    const wceOf = (writeCache: boolean): number => new ScsiBench({ writeCache }).run('1a 08 08 00 ff 00').data[6]!;
    expect(wceOf(true)).toBe(0x04);
    expect(wceOf(false)).toBe(0x00);
  });

  it('changeable values are masks: D_SENSE and SWP of the control page', () => {
    const { data } = new ScsiBench({ writeCache: true }).run('1a 08 7f 00 ff 00');
    expect(data.subarray(4).toString('hex')).toBe(
      `${RECOVERY}${DISCONNECT}0812${'00'.repeat(18)}8a0a04000800000000000000${POWER}1c0a${'00'.repeat(10)}`,
    );
  });

  it('default values are the current ones', () => {
    const bench = new ScsiBench({ writeCache: true });
    expect(bench.run('1a 08 bf 00 ff 00').data.equals(bench.run('1a 08 3f 00 ff 00').data)).toBe(true);
  });

  it('saved values are the default ones until others are saved', () => {
    const bench = new ScsiBench({ writeCache: true });
    expect(bench.run('1a 08 ff 00 ff 00').data.equals(bench.run('1a 08 bf 00 ff 00').data)).toBe(true);
  });

  it('without a place for them, nothing can be saved, and no page says so', () => {
    const bench = new ScsiBench({ durable: false });
    expect(bench.run('1a 08 c8 00 ff 00')).toMatchObject({ senseKey: 5, additionalSense: 0x3900 });
    expect(bench.run('1a 08 0a 00 ff 00').data[4]).toBe(0x0a);
  });

  it.each([
    ['1a 08 03 00 ff 00', 'c00002', 'a page that is not there'],
    ['1a 08 03 ff ff 00', 'c00002', 'a page that is not there, with all subpages'],
    ['1a 08 0a 02 ff 00', 'c00003', 'a subpage that is not there'],
    ['1a 08 08 01 ff 00', 'c00003', 'a subpage of a page that has none'],
    ['1a 08 3f 01 ff 00', 'c00003', 'one subpage of all pages'],
  ])('%s is refused with %s: %s', (cdb, pointer) => {
    expect(new ScsiBench().run(cdb).sense.slice(-6)).toBe(pointer);
  });

  it('is cut to the allocation length, with the length of all there is', () => {
    const bench = new ScsiBench();
    const whole = bench.run('1a 00 3f 00 ff 00').data;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), (allocation) => {
        const { data } = bench.run(`1a 00 3f 00 ${allocation.toString(16).padStart(2, '0')} 00`);
        expect(data.equals(whole.subarray(0, allocation))).toBe(true);
      }),
    );
  });

  it('says all ones where the number of blocks does not fit', () => {
    const { data } = new ScsiBench({ kind: 'null', blockCount: 2 ** 33 }).run('1a 00 1c 00 ff 00');
    expect(data.subarray(4, 12).toString('hex')).toBe('ffffffff00000200');
  });
});

describe('MODE SENSE(10)', () => {
  it('has a header of eight bytes', () => {
    const { data } = new ScsiBench().run('5a 00 0a 00 000000 00ff 00');
    expect(data.toString('hex')).toBe(`001a001000000008${DESCRIPTOR}${CONTROL}`);
  });

  it('has a long block descriptor with LLBAA', () => {
    const { data } = new ScsiBench({ kind: 'null', blockCount: 2 ** 33 }).run('5a 10 0a 00 000000 00ff 00');
    expect(data.toString('hex')).toBe(`002200100100001000000002000000000000000000000200${CONTROL}`);
  });

  it('has none at all with DBD, whatever LLBAA says', () => {
    const { data } = new ScsiBench().run('5a 18 0a 00 000000 00ff 00');
    expect(data.toString('hex')).toBe(`0012001000000000${CONTROL}`);
  });

  it('works without a medium', () => {
    const bench = new ScsiBench({ removable: true });
    bench.unit.ready = false;
    expect(bench.run('5a 08 3f 00 000000 00ff 00').status).toBe(Status.GOOD);
  });
});
