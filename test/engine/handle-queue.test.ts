// Handles in a queue, held against a plain array in which none stands twice.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HandleQueue } from '../../src/engine/handle-queue.ts';

test('each handle stands once, and the oldest comes first', () => {
  const capacity = 5;
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(capacity - 1)), { maxLength: 100 }), (steps) => {
      const queue = new HandleQueue(capacity);
      const model: number[] = [];
      for (const handle of steps) {
        if (handle !== null) {
          queue.push(handle);
          if (!model.includes(handle)) model.push(handle);
        } else if (model.length > 0) {
          expect(queue.shift()).toBe(model.shift());
        } else {
          expect(() => queue.shift()).toThrow('empty');
        }
        expect(queue.length).toBe(model.length);
      }
    }),
  );
});
