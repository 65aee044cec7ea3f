// The slab's slots and cells: none overlaps another, each is as large as it says, and all come back.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { PAGE_BYTES } from '../../src/base/page.ts';
import { CELL_BYTES, SLOT_ALIGNMENT, SLOT_BYTES_MAX, SLOT_HEADROOM, Slab } from '../../src/engine/slab.ts';
import { addressOf, copyMemory, pageOffset } from '../../src/kernel/memory.ts';

const PLAN = { bytes: 8 * 1024 * 1024, receiveBytes: 128 * 1024 };

function takeAll(take: () => number): number[] {
  const tokens: number[] = [];
  for (let token = take(); token !== NONE; token = take()) tokens.push(token);
  return tokens;
}

describe('a slab', () => {
  it('hands out places that are aligned, large enough, and apart from each other and the receive area', () => {
    const slab = new Slab(PLAN, pageOffset);
    const slots = takeAll(() => slab.takeSlot(1));
    const cells = takeAll(() => slab.takeCell());
    expect([...slots, ...cells].filter((token) => slab.isCell(token))).toEqual(cells);
    expect(slots.length + cells.length).toBe(slab.tokenCount);
    const places = [
      ...slots.map((slot) => ({
        from: slab.offsetOf(slot) - SLOT_HEADROOM,
        to: slab.offsetOf(slot) + slab.capacityOf(slot),
      })),
      ...cells.map((cell) => ({ from: slab.offsetOf(cell), to: slab.offsetOf(cell) + CELL_BYTES })),
      { from: slab.receiveStart, to: slab.receiveStart + PLAN.receiveBytes },
    ].sort((a, b) => a.from - b.from);
    expect(places[0]!.from).toBeGreaterThanOrEqual(0);
    for (const [index, { from }] of places.slice(1).entries()) expect(from).toBeGreaterThanOrEqual(places[index]!.to);
    expect(places.at(-1)!.to).toBeLessThanOrEqual(slab.size);
    for (const slot of slots) expect(slab.offsetOf(slot) % SLOT_ALIGNMENT).toBe(0);
    expect(slab.receiveStart % PAGE_BYTES).toBe(0);
    expect((addressOf(slab.memory) + slab.view.byteOffset) % PAGE_BYTES).toBe(0);
  });

  it('gives a slot of the next larger class when one is exhausted, and none when nothing is large enough', () => {
    const slab = new Slab(PLAN);
    const sizes = [1, 4096, 4097, 65_536, SLOT_BYTES_MAX];
    for (const size of sizes) {
      const slot = slab.takeSlot(size);
      expect(slab.capacityOf(slot)).toBeGreaterThanOrEqual(size);
      slab.release(slot);
    }
    const capacities = takeAll(() => slab.takeSlot(1)).map((slot) => slab.capacityOf(slot));
    expect(capacities).toEqual(capacities.toSorted((a, b) => a - b));
    expect(new Set(capacities).size).toBe(4);
    expect(slab.takeSlot(SLOT_BYTES_MAX)).toBe(NONE);
    expect(() => slab.takeSlot(SLOT_BYTES_MAX + 1)).toThrow('longer than the largest slot');
  });

  it('knows what is in use, and takes everything back', () => {
    const slab = new Slab(PLAN);
    expect(slab.bytesInUse).toBe(0);
    const slots = [slab.takeSlot(4096), slab.takeSlot(SLOT_BYTES_MAX), slab.takeCell()];
    expect(slab.bytesInUse).toBe(4096 + SLOT_BYTES_MAX + CELL_BYTES);
    for (const slot of slots) slab.release(slot);
    expect(slab.bytesInUse).toBe(0);
    expect(() => slab.release(slots[0]!)).toThrow('released twice');
  });

  it.each([
    ['by V8', false],
    ['by address where alignments differ', true],
  ])('copies within itself %s, overlapping or not', (_name, byAddress) => {
    const slab = new Slab({ bytes: 1024 * 1024, receiveBytes: 4096 }, pageOffset);
    slab.base = addressOf(slab.memory) + slab.view.byteOffset;
    if (byAddress) slab.copyByAddress = copyMemory;
    const oracle = Buffer.alloc(slab.size);
    for (let index = 0; index < slab.size; index++) oracle[index] = (index * 7 + (index >> 8)) & 0xff;
    slab.bytes.set(oracle);
    const offset = fc.nat(10_000);
    fc.assert(
      fc.property(offset, offset, fc.nat(6000), (to, from, length) => {
        slab.copy(to, from, length);
        oracle.copyWithin(to, from, from + length);
        expect(oracle.equals(slab.bytes)).toBe(true);
      }),
    );
  });
});
