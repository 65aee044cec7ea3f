// Of the simulation's own judgement: what blocks may hold after power cuts.

import { describe, expect, it } from 'vitest';
import { BlockModel } from './block-model.ts';
import { Violation } from './clock.ts';

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
