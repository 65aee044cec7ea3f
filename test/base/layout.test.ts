import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytes, layout, reserved, u8, u16, u24, u32, u64 } from '../../src/base/layout.ts';
import { inspect } from '../support/header-values.ts';

const Sample = layout(24, {
  kind: u8(0),
  length: u24(1),
  port: u16(4),
  reserved6: reserved(6, 2),
  count: u32(8),
  offset: u64(12),
  tag: bytes(20, 4),
});

describe('layout', () => {
  it('reads what a DataView reads at the same place', () => {
    const integer = fc.record({
      kind: fc.nat(0xff),
      length: fc.nat(0xffffff),
      port: fc.nat(0xffff),
      count: fc.integer({ min: 0, max: 0xffffffff }),
      offset: fc.maxSafeNat(),
      at: fc.nat(8),
    });
    fc.assert(
      fc.property(integer, ({ kind, length, port, count, offset, at }) => {
        const view = new DataView(new ArrayBuffer(40));
        Sample.kind.set(view, at, kind);
        Sample.length.set(view, at, length);
        Sample.port.set(view, at, port);
        Sample.count.set(view, at, count);
        Sample.offset.set(view, at, offset);
        expect(view.getUint8(at)).toBe(kind);
        expect(view.getUint32(at) & 0xffffff).toBe(length);
        expect(view.getUint16(at + 4)).toBe(port);
        expect(view.getUint32(at + 8)).toBe(count);
        expect(view.getBigUint64(at + 12)).toBe(BigInt(offset));
        expect([Sample.kind.get(view, at), Sample.length.get(view, at), Sample.port.get(view, at)]).toEqual([
          kind,
          length,
          port,
        ]);
        expect([Sample.count.get(view, at), Sample.offset.get(view, at)]).toEqual([count, offset]);
      }),
    );
  });

  it('reads a 64-bit value beyond the safe integers as infinite, so that bounds checks refuse it', () => {
    const view = new DataView(new ArrayBuffer(24));
    view.setBigUint64(12, 2n ** 53n);
    expect(Sample.offset.get(view, 0)).toBe(Number.POSITIVE_INFINITY);
    view.setBigUint64(12, 2n ** 53n - 1n);
    expect(Sample.offset.get(view, 0)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('reads and writes little-endian where the table says so', () => {
    const Little = layout(12, { low: u32(0), wide: u64(4) }, 'little');
    const view = new DataView(new ArrayBuffer(12));
    Little.low.set(view, 0, 0x01020304);
    Little.wide.set(view, 0, 2 ** 40 + 7);
    expect(view.getUint32(0, true)).toBe(0x01020304);
    expect(view.getBigUint64(4, true)).toBe(2n ** 40n + 7n);
    expect(Little.wide.get(view, 0)).toBe(2 ** 40 + 7);
  });

  it('refuses a table with a hole, an overlap or another size', () => {
    expect(() => layout(8, { a: u32(0), b: u16(6) })).toThrow(/b starts at 6, the field before it ends at 4/);
    expect(() => layout(8, { a: u32(0), b: u32(2) })).toThrow(/b starts at 2/);
    expect(() => layout(8, { a: u32(0) })).toThrow(/end at 4, the structure at 8/);
  });

  it('prints a structure field by field', () => {
    const view = new DataView(new ArrayBuffer(24));
    Sample.count.set(view, 0, 77);
    Sample.tag.copyFrom(view, 0, Uint8Array.of(0xde, 0xad, 0xbe, 0xef));
    const text = inspect(Sample, view, 0);
    expect(text).toMatch(/8 {2}count +77/);
    expect(text).toMatch(/20 {2}tag +deadbeef/);
  });
});
