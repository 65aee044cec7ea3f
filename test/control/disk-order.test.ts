// The order of a disk's operations: what overlaps a change never runs at the same time, nor before what came first; everything runs at last.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiskOrder, type OrderedOperation } from '../../src/control/disk-order.ts';

interface Asked extends OrderedOperation {
  readonly number: number;
}

function operation(number: number, start: number, length: number, changes: boolean): Asked {
  return { number, start, end: start + length, changes, ahead: 0 };
}

function overlap(one: Asked, other: Asked): boolean {
  for (let at = one.start; at < one.end; at++) if (at >= other.start && at < other.end) return true;
  return false;
}

describe('the order of a disk’s operations', () => {
  it('lets reads overlap, and has a change wait for them', () => {
    const order = new DiskOrder<Asked>();
    const [first, second, change] = [operation(0, 0, 4, false), operation(1, 2, 4, false), operation(2, 3, 2, true)];
    expect([first, second, change].map((asked) => order.enter(asked))).toEqual([true, true, false]);
    expect(order.leave(first)).toEqual([]);
    expect(order.leave(second)).toEqual([change]);
  });

  it('lets what has no range, or one beside it, pass', () => {
    const order = new DiskOrder<Asked>();
    order.enter(operation(0, 4, 4, true));
    expect(order.enter(operation(1, 6, 0, false))).toBe(true);
    expect(order.enter(operation(2, 8, 4, true))).toBe(true);
    expect(order.enter(operation(3, 0, 4, true))).toBe(true);
  });

  it('keeps it, whatever comes, ends, and is not to run after all', () => {
    const step = fc.record({
      what: fc.constantFrom('enter', 'enter', 'end', 'drop'),
      start: fc.nat(7),
      length: fc.nat(4),
      changes: fc.boolean(),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const order = new DiskOrder<Asked>();
        let present: Asked[] = [];
        let running: Asked[] = [];
        const leave = (leaving: Asked) => {
          present = present.filter((asked) => asked !== leaving);
          running = running.filter((asked) => asked !== leaving);
          running.push(...order.leave(leaving));
        };
        const check = () => {
          const free = present.filter((asked) =>
            present.every(
              (other) => other.number >= asked.number || !(other.changes || asked.changes) || !overlap(other, asked),
            ),
          );
          expect(running.map(({ number }) => number).sort((a, b) => a - b)).toEqual(free.map(({ number }) => number));
          expect(order.waiting()).toEqual(present.filter((asked) => !free.includes(asked)));
        };
        for (const [number, { what, start, length, changes, which }] of steps.entries()) {
          if (what === 'enter') {
            const asked = operation(number, start, length, changes);
            present.push(asked);
            if (order.enter(asked)) running.push(asked);
          } else {
            const from = what === 'end' ? running : order.waiting();
            if (from.length !== 0) leave(from[which % from.length]!);
          }
          check();
        }
        while (running.length !== 0) leave(running[0]!);
        expect(present).toEqual([]);
      }),
    );
  });
});
