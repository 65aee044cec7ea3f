// What a copy may find in the blocks that it reads: what they may have held when it began, and what others have written to them since.
// What that means for the blocks that it writes is block-model.ts's; the commands are copies.ts's.

import type { Change, Look } from './block-model.ts';

/** The source of a copy's segment. */
export class CopySource {
  readonly lba: number;
  readonly count: number;
  /** Hears of each value more that a block may bring. */
  grown: (index: number, value: number) => void = () => {};
  readonly #values: readonly Set<number>[];

  constructor({ lba, count, values }: Look) {
    this.lba = lba;
    this.count = count;
    this.#values = values.map((each) => new Set(each));
  }

  /** What it may find in block `index`. */
  values(index: number): ReadonlySet<number> {
    return this.#values[index]!;
  }

  /** Something is written to the unit while the copy reads it. */
  written(change: Change): void {
    const end = Math.min(this.lba + this.count, change.lba + change.count);
    for (let block = Math.max(this.lba, change.lba); block < end; block++)
      for (const value of change.values(block - change.lba)) this.#add(block - this.lba, value);
  }

  /** Another copy, which writes to the unit while this one reads it, may bring that value. */
  mayHold(block: number, value: number): void {
    if (block >= this.lba && block < this.lba + this.count) this.#add(block - this.lba, value);
  }

  #add(index: number, value: number): void {
    const values = this.#values[index]!;
    if (values.has(value)) return;
    values.add(value);
    this.grown(index, value);
  }
}
