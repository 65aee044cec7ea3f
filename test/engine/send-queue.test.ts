// Lists in one pool, held against plain arrays.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { END, type SendList, SendQueue } from '../../src/engine/send-queue.ts';

const LISTS = 3;
const CAPACITY = 20;

function contents(queue: SendQueue, list: SendList): number[][] {
  const entries: number[][] = [];
  for (let entry = list.firstSend; entry !== END; entry = queue.next[entry]!) {
    entries.push([queue.address[entry]!, queue.length[entry]!, queue.token[entry]!]);
  }
  return entries;
}

describe('a send queue', () => {
  it('keeps each list in order, whatever happens to the others', () => {
    const list = fc.nat(LISTS - 1);
    const step = fc.oneof(
      fc.record({ append: list, length: fc.integer({ min: 2, max: 9000 }) }),
      fc.record({ remove: list }),
      fc.record({ shorten: list }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new SendQueue(CAPACITY);
        const lists = Array.from({ length: LISTS }, (): SendList => ({ firstSend: END, lastSend: END }));
        const models: number[][][] = lists.map(() => []);
        let token = 0;
        for (const one of steps) {
          if ('append' in one && models.flat().length < CAPACITY) {
            const address = 2 ** 46 + token;
            queue.append(lists[one.append]!, address, one.length, token);
            models[one.append]!.push([address, one.length, token++]);
          } else if ('remove' in one && models[one.remove]!.length > 0) {
            expect(queue.removeFirst(lists[one.remove]!)).toBe(models[one.remove]!.shift()![2]);
          } else if ('shorten' in one && (models[one.shorten]![0]?.[1] ?? 0) > 1) {
            const first = models[one.shorten]![0]!;
            const count = first[1]! - 1;
            queue.shorten(lists[one.shorten]!, count);
            first[0]! += count;
            first[1]! -= count;
          }
          expect(lists.map((each) => contents(queue, each))).toEqual(models);
        }
      }),
    );
  });

  it('asserts that it does not run out, and that there is something to remove', () => {
    const queue = new SendQueue(2);
    const list: SendList = { firstSend: END, lastSend: END };
    expect(() => queue.removeFirst(list)).toThrow('nothing to remove');
    queue.append(list, 0, 1, 0);
    queue.append(list, 0, 1, 1);
    expect(() => queue.append(list, 0, 1, 2)).toThrow('more entries');
    expect(() => queue.shorten(list, 1)).toThrow('removed');
  });
});
