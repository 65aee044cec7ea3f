import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serialAdd, serialBefore, serialDistance } from '../../src/base/serial.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const near = fc.integer({ min: 1, max: 2 ** 31 - 1 });

describe('serial numbers', () => {
  it('wrap at 2^32', () => {
    expect(serialAdd(0xffffffff, 1)).toBe(0);
    expect(serialBefore(0xffffffff, 0)).toBe(true);
    expect(serialDistance(1, 0xfffffffe)).toBe(3);
  });

  it('order any two numbers less than 2^31 apart, across the wrap too', () => {
    fc.assert(
      fc.property(u32, near, (start, steps) => {
        const later = serialAdd(start, steps);
        expect(serialBefore(start, later)).toBe(true);
        expect(serialBefore(later, start)).toBe(false);
        expect(serialDistance(later, start)).toBe(steps);
      }),
    );
  });
});
