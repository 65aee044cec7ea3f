import { expect, test } from 'vitest';
import { PAGE_BYTES, pageFrom } from '../../src/base/page.ts';

test.each([
  [0, 0],
  [1, PAGE_BYTES],
  [PAGE_BYTES, PAGE_BYTES],
  [PAGE_BYTES + 1, 2 * PAGE_BYTES],
  // Machine addresses are beyond 32 bits.
  [2 ** 47 - 1, 2 ** 47],
])('the first page boundary from %i on is %i', (address, boundary) => {
  expect(pageFrom(address)).toBe(boundary);
});
