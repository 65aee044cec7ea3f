// What one thread says of a unit's storage, all others know.

import { describe, expect, it } from 'vitest';
import { LostWrites } from '../../src/ring/lost-writes.ts';

const EIO = 5;
const ENOSPC = 28;

describe('LostWrites', () => {
  it('are known to every thread, with the first errno, and told by whoever found out first', () => {
    const one = LostWrites.create();
    const other = new LostWrites(one.memory);
    expect(one.errnoOf(3)).toBe(0);
    expect(one.note(3, EIO)).toBe(true);
    expect(other.note(3, ENOSPC)).toBe(false);
    expect([one, other].map((each) => each.errnoOf(3))).toEqual([EIO, EIO]);
    expect(other.errnoOf(4)).toBe(0);
  });

  it('are forgotten when the storage is opened anew', () => {
    const lostWrites = LostWrites.create();
    lostWrites.note(0, EIO);
    lostWrites.clear(0);
    expect(lostWrites.errnoOf(0)).toBe(0);
    expect(lostWrites.note(0, ENOSPC)).toBe(true);
  });
});
