// Blocks that workers count in and main adds up: whose they are, that they start at zero, and where a latency goes.

import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import {
  countLatency,
  countLatencyTwice,
  FIGURES_PER_BLOCK,
  Figure,
  Figures,
  LATENCY_BUCKETS,
  privateFigures,
} from '../../src/ring/figures.ts';

describe('a table of figures', () => {
  it('adds up what all writers have counted in a slot, and in no other', () => {
    const figures = Figures.create(3, 4);
    const [first, second] = [figures.open(), figures.open()];
    const attached = new Figures(figures.memory, 4);
    for (const writer of [0, 1, 2]) attached.block(writer, first)[Figure.reads]! += writer + 1;
    attached.block(1, second)[Figure.reads]! += 100;
    expect(figures.total(first)[Figure.reads]).toBe(6);
    expect(figures.total(second)[Figure.reads]).toBe(100);
    expect(figures.total(NONE).every((value) => value === 0)).toBe(true);
    expect([first, second, NONE].map((slot) => figures.sum(slot, Figure.reads))).toEqual([6, 100, 0]);
  });

  it('gives no two writers a cache line', () => {
    expect((FIGURES_PER_BLOCK * Float64Array.BYTES_PER_ELEMENT) % 64).toBe(0);
    expect(Figure.networkLatency + LATENCY_BUCKETS).toBeLessThanOrEqual(Figure.senseKeys);
    expect(Figure.senseKeys + 16).toBe(Figure.readFailures);
    expect(Figure.writeFailures).toBeLessThan(FIGURES_PER_BLOCK);
  });

  it('forgets what a writer that has ended had in flight, and nothing else', () => {
    const figures = Figures.create(2, 2);
    const slot = figures.open();
    for (const writer of [0, 1]) {
      figures.block(writer, slot)[Figure.inFlight] = 3;
      figures.block(writer, slot)[Figure.reads] = 5;
    }
    figures.writerEnded(1);
    expect(figures.total(slot)[Figure.inFlight]).toBe(3);
    expect(figures.total(slot)[Figure.reads]).toBe(10);
  });

  it('keeps in the sum of a writer what slots had that are closed, but for what is current', () => {
    const figures = Figures.create(2, 2);
    const [gone, stays] = [figures.open(), figures.open()];
    for (const slot of [gone, stays]) figures.block(1, slot)[Figure.reads] = 5;
    figures.block(1, gone)[Figure.inFlight] = 1;
    expect(figures.totalOf(1)[Figure.inFlight]).toBe(1);
    figures.close(gone);
    expect(figures.totalOf(1)[Figure.reads]).toBe(10);
    expect(figures.totalOf(1)[Figure.inFlight]).toBe(0);
    figures.block(1, figures.open())[Figure.reads]!++;
    expect(figures.totalOf(1)[Figure.reads]).toBe(11);
    expect(figures.totalOf(0)[Figure.reads]).toBe(0);
  });

  it('begins a slot that was used before with zeroes, and has no more than its slots', () => {
    const figures = Figures.create(2, 2);
    const slot = figures.open();
    figures.block(1, slot)[Figure.errors] = 7;
    figures.close(slot);
    expect(figures.open()).toBe(slot);
    expect(figures.total(slot)[Figure.errors]).toBe(0);
    expect(figures.open()).not.toBe(NONE);
    expect(figures.open()).toBe(NONE);
    figures.close(NONE);
  });
});

describe('a latency', () => {
  it.each([
    [0, 0],
    [0.9, 0],
    [1, 1],
    [1.9, 1],
    [2, 2],
    [1023, 10],
    [1024, 11],
    [2 ** 18 - 1, 18],
    [2 ** 18, 19],
    [2 ** 40, 19],
  ])('of %d µs is in bucket %i', (micros, bucket) => {
    const block = new Float64Array(FIGURES_PER_BLOCK);
    countLatency(block, Figure.writeMicros, Figure.writeLatency, micros);
    const buckets = [...block.subarray(Figure.writeLatency, Figure.writeLatency + LATENCY_BUCKETS)];
    expect(buckets.indexOf(1)).toBe(bucket);
    expect(block[Figure.writeMicros]).toBe(micros);
    expect(block.subarray(0, Figure.readLatency).reduce((sum, value) => sum + value)).toBe(micros);
    const [unit, session] = [privateFigures(), privateFigures()];
    countLatencyTwice(unit, session, Figure.writeMicros, Figure.writeLatency, micros);
    expect(unit).toEqual(block);
    expect(session).toEqual(block);
  });
});
