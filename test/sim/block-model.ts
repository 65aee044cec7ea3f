// What each block of a unit may hold, as far as the initiators can know: one value when all is acknowledged, several while writes are
// under way or ended without an answer. And what it may hold once the power has failed.

import { Violation } from './clock.ts';
import type { CopySource } from './copy-source.ts';

/** Something that changes blocks. Times are those of {@link BlockModel.tick}. */
export interface Change {
  readonly lba: number;
  readonly count: number;
  /** What the block at `lba + index` may hold after it: one value, unless it was copied. */
  readonly values: (index: number) => Iterable<number>;
  readonly copied: boolean;
  readonly start: number;
  /** It has no effect after this; Infinity: it may yet have. */
  end: number;
  /** When it was acknowledged; Infinity: it was not. */
  acknowledged: number;
  /** The target said that it did nothing. */
  refused: boolean;
  /** How often the power had failed before it. */
  readonly era: number;
}

/** A change to what its initiator says. */
export interface Write extends Change {
  /** Of the block at `lba + index`. */
  readonly value: (index: number) => number;
}

/** Something that looks at blocks. */
export interface Look {
  readonly lba: number;
  readonly count: number;
  readonly start: number;
  /** What each may have held when it began. */
  readonly values: readonly ReadonlySet<number>[];
  /** Copies to each that were under way then: what they may bring may have grown since. */
  readonly copies: readonly (readonly Change[])[];
}

interface Block {
  /** Changes that may be what is read now; none that another is known to have come after. */
  current: Change[];
  /** Changes that may be what is read after a power cut. */
  lasting: Change[];
  /** Those that began of late. */
  begun: Change[];
}

const BEGUN_KEPT = 1000;

/** The values that a block holds: one, unless a write was going on while it was read. */
function valuesOf(bytes: Uint8Array): Set<number> {
  return new Set(new Uint32Array(new Uint8Array(bytes).buffer));
}

/** The blocks of one unit. */
export class BlockModel {
  readonly name: string;
  readonly blockSize: number;
  /** Values that COMPARE AND WRITE has replaced, each with its block. */
  readonly replaced = new Set<number>();
  readonly #tears: boolean;
  #blocks: Block[] = [];
  #time = 1;
  #nextValue: number;
  #era = 0;
  /** Of what was acknowledged before, no sync that comes later says anything. */
  #doubtedUntil = 0;
  /** What copies under way read here. */
  readonly #sources = new Set<CopySource>();

  /** `tears`: a block that is written while it is read may be seen in parts. `firstValue`: copies bring values from elsewhere, which no block here has had. */
  constructor(name: string, count: number, blockSize: number, tears: boolean, firstValue: number) {
    this.name = name;
    this.#nextValue = firstValue;
    this.blockSize = blockSize;
    this.#tears = tears;
    this.grow(count);
  }

  get count(): number {
    return this.#blocks.length;
  }

  /** Blocks each of which holds nothing but its value. */
  bytesOf({ count, value }: Pick<Write, 'count' | 'value'>): Buffer {
    const wordsInBlock = this.blockSize / 4;
    const words = new Uint32Array(count * wordsInBlock);
    for (let index = 0; index < count; index++)
      words.fill(value(index), index * wordsInBlock, (index + 1) * wordsInBlock);
    return Buffer.from(words.buffer);
  }

  /** The next moment. */
  tick(): number {
    return ++this.#time;
  }

  grow(count: number): void {
    const zero: Change = this.#change(0, count, () => [0]);
    zero.end = zero.acknowledged = zero.start;
    while (this.#blocks.length < count) this.#blocks.push({ current: [zero], lasting: [zero], begun: [] });
  }

  /** All blocks are zeroes: a unit in memory after a power cut. */
  erase(): void {
    const { count } = this;
    this.#sources.clear();
    this.replaced.clear();
    this.#blocks = [];
    this.grow(count);
  }

  #change(lba: number, count: number, values: Change['values'], copied = false): Change {
    return {
      lba,
      count,
      values,
      copied,
      start: this.tick(),
      end: Number.POSITIVE_INFINITY,
      acknowledged: Number.POSITIVE_INFINITY,
      refused: false,
      era: this.#era,
    };
  }

  #over<Result>(
    { lba, count }: { lba: number; count: number },
    each: (block: Block, index: number) => Result,
  ): Result[] {
    return Array.from({ length: count }, (_, index) => each(this.#blocks[lba + index]!, index));
  }

  // Changes

  /** A write begins: of a value of its own for each block, of one for all (`same`), or of zeroes. */
  begin(lba: number, count: number, kind: 'each' | 'same' | 'zero'): Write {
    const first = this.#nextValue;
    if (kind !== 'zero') this.#nextValue += count;
    const value = kind === 'zero' ? () => 0 : kind === 'same' ? () => first : (index: number) => first + index;
    const change = { ...this.#change(lba, count, (index) => [value(index)]), value };
    this.#begin(change);
    return change;
  }

  /** `own`: the source of a copy, which does not read what the copy itself writes. */
  #begin(change: Change, own: CopySource | null = null): void {
    this.#over(change, (block) => {
      block.current.push(change);
      block.lasting.push(change);
      block.begun.push(change);
      if (block.begun.length > BEGUN_KEPT) block.begun.shift();
    });
    for (const source of this.#sources) if (source !== own) source.written(change);
  }

  /** A copy begins, of what `source` says. */
  beginCopy(lba: number, source: CopySource): Change {
    const change = this.#change(lba, source.count, (index) => source.values(index), true);
    // Until its end, what it may bring may grow; those that copy from here meanwhile hear of that.
    source.grown = (index, value) => {
      for (const each of this.#sources) if (each !== source) each.mayHold(lba + index, value);
    };
    this.#begin(change, source);
    return change;
  }

  /** What is written to these blocks from now on may be what is copied. */
  follow(source: CopySource): void {
    this.#sources.add(source);
  }

  /** The copy reads no more. */
  unfollow(source: CopySource): void {
    this.#sources.delete(source);
  }

  /** Whether a copy may have brought that value to block `index` of a look since that began. */
  mayBeCopied({ lba, start }: Look, index: number, value: number): boolean {
    const copies = this.#blocks[lba + index]!.begun.filter((change) => change.copied && change.end >= start);
    return copies.some((change) => includes(change.values(lba + index - change.lba), value));
  }

  /** It was acknowledged, and with `durable` is kept whatever happens. */
  succeeded(change: Change, durable: boolean): void {
    change.end = change.acknowledged = this.tick();
    this.#over(change, (block) => {
      block.current = block.current.filter((each) => each.end >= change.start);
      if (durable) block.lasting = block.lasting.filter((each) => each.end >= change.start);
    });
  }

  /** It did nothing. */
  refused(change: Change): void {
    change.refused = true;
    change.end = this.tick();
    this.#over(change, (block) => {
      block.current = block.current.filter((each) => each !== change);
      block.lasting = block.lasting.filter((each) => each !== change);
    });
  }

  /** It did any part of what it was to do, and does no more. */
  over(change: Change): void {
    if (change.end === Number.POSITIVE_INFINITY) change.end = this.tick();
  }

  /** The disk has lost any of what was acknowledged, and its initiators have been told. */
  doubt(): void {
    this.#doubtedUntil = this.tick();
  }

  /** What was acknowledged before `start` is kept, whatever happens; but for what the disk has lost. */
  synced(start: number): void {
    for (const block of this.#blocks) {
      const kept = block.lasting.filter(
        ({ acknowledged }) => acknowledged > this.#doubtedUntil && acknowledged < start,
      );
      block.lasting = block.lasting.filter((each) => !kept.some((later) => each.end < later.start));
    }
  }

  /** The power failed, and what was under way is over. */
  powerCut(): void {
    const now = this.tick();
    this.#era++;
    this.#sources.clear();
    // It may be there again.
    this.replaced.clear();
    for (const block of this.#blocks) {
      for (const each of block.lasting) each.end = Math.min(each.end, now);
      block.current = [...block.lasting];
      block.begun = [];
    }
  }

  // Looks

  look(lba: number, count: number): Look {
    const values = Array.from({ length: count }, (_, index) => {
      const held = new Set<number>();
      for (const change of this.#blocks[lba + index]!.current)
        for (const value of change.values(lba + index - change.lba)) held.add(value);
      return held;
    });
    const copies = Array.from({ length: count }, (_, index) =>
      this.#blocks[lba + index]!.current.filter((change) => change.copied && change.end === Number.POSITIVE_INFINITY),
    );
    return { lba, count, start: this.tick(), values, copies };
  }

  /** Whether a look that ends now may have seen that value in its block `index`. */
  mayBe(look: Look, index: number, value: number): boolean {
    return look.values[index]!.has(value) || this.#begunSince(look, index).includes(value);
  }

  /** What may have been written to block `index` of a look since that began. */
  #begunSince({ lba, start, copies }: Look, index: number): number[] {
    const begun = this.#blocks[lba + index]!.begun.filter((change) => change.start > start && !change.refused);
    const changes = [...begun, ...copies[index]!];
    return changes.flatMap((change) => [...change.values(lba + index - change.lba)]);
  }

  /** What a look saw. */
  saw(look: Look, bytes: Uint8Array, who: string): void {
    for (let index = 0; index < look.count; index++) {
      const name = `${who}: ${this.name} block ${look.lba + index}`;
      const [value, ...others] = valuesOf(bytes.subarray(index * this.blockSize, (index + 1) * this.blockSize));
      // Memory is sent from where it lies: of a block that is being written, any byte may be new.
      if (others.length !== 0 && this.#tears && this.#isTorn(look, index, [value!, ...others])) continue;
      if (others.length !== 0) throw new Violation('a block is whole', `${name} holds ${value} and ${others}`);
      this.#sawBlock(look, index, value!, name);
    }
  }

  /** Whether these words are made of bytes of what the block may have held. None of them need be whole. */
  #isTorn(look: Look, index: number, words: readonly number[]): boolean {
    const whole = [...look.values[index]!, ...this.#begunSince(look, index)];
    const mixed = (word: number, shift: number): boolean =>
      whole.some((other) => ((other >>> shift) & 0xff) === ((word >>> shift) & 0xff));
    return words.every((word) => [0, 8, 16, 24].every((shift) => mixed(word, shift)));
  }

  #sawBlock(look: Look, index: number, value: number, name: string): void {
    const lba = look.lba + index;
    if (!this.mayBe(look, index, value)) {
      const allowed = [...look.values[index]!].join(', ');
      throw new Violation('a read returns what was written', `${name} holds ${value}, and may hold ${allowed}`);
    }
    const block = this.#blocks[lba]!;
    const isSeen = (change: Change): boolean => includes(change.values(lba - change.lba), value);
    // What had ended before the look began, and was not seen, has been written over.
    block.current = narrowed(block.current, isSeen, value, (change) => change.end < look.start);
    // What is left of before the power cut is what the disk kept, unless the same may have come since: zeroes, or what was copied.
    const isOld = (change: Change): boolean => change.era < this.#era;
    const seen = block.lasting.filter(isSeen);
    if (seen.length !== 0 && seen.every(isOld)) block.lasting = narrowed(block.lasting, isSeen, value, isOld);
  }

  /** A comparison with these values found them all, or did not. `own`: what the command itself changes afterwards. */
  compared(look: Look, values: readonly number[], equal: boolean, who: string, own: Change | null = null): void {
    if (equal) {
      for (const [index, value] of values.entries()) {
        this.#sawBlock(look, index, value, `${who}, compared: ${this.name} block ${look.lba + index}`);
      }
      return;
    }
    const mayDiffer = values.some(
      (value, index) =>
        [...look.values[index]!].some((other) => other !== value) ||
        look.copies[index]!.length !== 0 ||
        this.#blocks[look.lba + index]!.begun.some((change) => change !== own && change.start > look.start),
    );
    if (!mayDiffer) throw new Violation('a comparison finds what is there', `${who}: ${this.name} block ${look.lba}`);
  }

  /** A value that the block may hold. */
  guess(lba: number): number {
    const { current } = this.#blocks[lba]!;
    const change = current.at(-1)!;
    const [value] = change.values(lba - change.lba);
    return value!;
  }
}

function includes(values: Iterable<number>, value: number): boolean {
  for (const each of values) if (each === value) return true;
  return false;
}

/** Of those that are `concerned` the ones that were seen, and of what they may have written what was seen. */
function narrowed(
  changes: readonly Change[],
  isSeen: (change: Change) => boolean,
  value: number,
  concerned: (change: Change) => boolean,
): Change[] {
  const left = changes.filter((change) => !concerned(change) || isSeen(change));
  return left.map((change) => (change.copied && concerned(change) ? { ...change, values: () => [value] } : change));
}
