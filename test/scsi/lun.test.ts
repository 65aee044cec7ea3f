// LUN fields: what is read from them, and that what is written reads back.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLun, UNKNOWN_LUN, writeLun } from '../../src/scsi/lun.ts';

function read(hex: string): number {
  const bytes = Uint8Array.from(Buffer.from(hex, 'hex'));
  return readLun(new DataView(bytes.buffer), 0);
}

describe('a LUN field', () => {
  it.each([
    ['0000000000000000', 0],
    ['00ff000000000000', 255],
    ['4000000000000000', 0],
    ['4005000000000000', 5],
    ['4100000000000000', 256],
    ['7fff000000000000', 16383],
  ])('%s is LUN %i', (hex, lun) => {
    expect(read(hex)).toBe(lun);
  });

  it.each([
    ['0100000000000000', 'a bus number'],
    ['0000000100000000', 'a second level'],
    ['4001000000000001', 'a fourth level'],
    ['8000000000000000', 'logical unit addressing'],
    ['c101000000000000', 'the REPORT LUNS well known unit'],
    ['d200000100000000', 'extended flat space addressing'],
  ])('%s names no unit: %s', (hex) => {
    expect(read(hex)).toBe(UNKNOWN_LUN);
  });

  it('reads back what was written', () => {
    const view = new DataView(new ArrayBuffer(16));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x3fff }), (lun) => {
        view.setBigUint64(8, 0xffff_ffff_ffff_ffffn);
        writeLun(view, 8, lun);
        expect(readLun(view, 8)).toBe(lun);
      }),
    );
  });
});
