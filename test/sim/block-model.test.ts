// Of the simulation's own judgement: what blocks may hold after power cuts, and while they are copied.

import { describe, expect, it } from 'vitest';
import { BlockModel } from './block-model.ts';
import { Violation } from './clock.ts';
import { CopySource } from './copy-source.ts';

/** One block, in which 7 was written and not synced when the power failed. */
function afterPowerCut(): BlockModel {
  const blocks = new BlockModel('unit', 1, 512, false, 7);
  blocks.succeeded(blocks.begin(0, 1, 'each'), false);
  blocks.powerCut();
  return blocks;
}

/** A READ that returns the block with that value. */
function see(blocks: BlockModel, value: number): void {
  blocks.saw(blocks.look(0, 1), blocks.bytesOf({ count: 1, value: () => value }), 'someone');
}

describe('what a READ returns after a power cut', () => {
  it.each([
    [0, 7],
    [7, 0],
  ])('is what the disk kept: of %i and %i the other is gone', (kept, gone) => {
    const blocks = afterPowerCut();
    see(blocks, kept);
    expect(() => see(blocks, gone)).toThrow(Violation);
    blocks.powerCut();
    expect(() => see(blocks, gone)).toThrow(Violation);
    expect(() => see(blocks, kept)).not.toThrow();
  });

  it('says nothing of what the disk kept when the same was written since: the next power cut may bring back either', () => {
    for (const kept of [0, 7]) {
      const blocks = afterPowerCut();
      blocks.succeeded(blocks.begin(0, 1, 'zero'), false);
      see(blocks, 0);
      blocks.powerCut();
      expect(() => see(blocks, kept)).not.toThrow();
    }
  });
});

describe('what copies that are under way together may bring', () => {
  /** Of `count` blocks at `from` to those at `to`. */
  function copy(blocks: BlockModel, from: number, to: number, count: number): void {
    const source = new CopySource(blocks.look(from, count));
    blocks.follow(source);
    blocks.beginCopy(to, source);
  }

  it('is what one has written and another brought back to its source, and not what one has written itself', () => {
    const blocks = new BlockModel('unit', 4, 512, false, 7);
    blocks.succeeded(blocks.begin(0, 1, 'each'), false);
    const mayHold = (lba: number): boolean => blocks.mayBe(blocks.look(lba, 1), 0, 7);
    copy(blocks, 0, 1, 3);
    expect([1, 2, 3].map(mayHold)).toEqual([true, false, false]);
    const others = new BlockModel('unit', 4, 512, false, 7);
    others.succeeded(others.begin(0, 1, 'each'), false);
    copy(others, 1, 2, 1);
    copy(others, 0, 1, 3);
    expect(others.mayBe(others.look(3, 1), 0, 7)).toBe(true);
  });
});
