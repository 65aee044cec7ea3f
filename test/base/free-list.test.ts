import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FreeList, NONE } from '../../src/base/free-list.ts';

describe('FreeList', () => {
  it('hands out each number once, and none when all are out', () => {
    const list = new FreeList(3, 10);
    expect([list.take(), list.take(), list.take()].sort()).toEqual([10, 11, 12]);
    expect(list.take()).toBe(NONE);
  });

  it('hands out what was released last', () => {
    const list = new FreeList(4);
    const [first, second] = [list.take(), list.take()];
    list.release(second);
    list.release(first);
    expect(list.take()).toBe(first);
  });

  it('refuses a number that is not out', () => {
    const list = new FreeList(2);
    const taken = list.take();
    list.release(taken);
    expect(() => list.release(taken)).toThrow(/released twice/);
  });

  it('behaves as a set, whatever the order of takes and releases', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (takes) => {
        const list = new FreeList(8);
        const out: number[] = [];
        for (const take of takes) {
          if (take) {
            const value = list.take();
            if (out.length === 8) expect(value).toBe(NONE);
            else {
              expect(out).not.toContain(value);
              out.push(value);
            }
          } else if (out.length !== 0) list.release(out.shift()!);
          expect(list.available).toBe(8 - out.length);
        }
      }),
    );
  });
});
