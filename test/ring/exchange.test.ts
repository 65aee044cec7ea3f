// The exchange between a worker and a disk's thread: what is asked arrives once and in order, whatever the order of the answers.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { PAGE_BYTES } from '../../src/base/page.ts';
import { addressOf, pageOffset } from '../../src/kernel/memory.ts';
import { DiskOperation, EXCHANGE_DATA_BYTES, EXCHANGE_PLACES_MAX, Exchange } from '../../src/ring/exchange.ts';

describe('an exchange', () => {
  it('carries operations and answers, both sides being made over the same memory', () => {
    const memory = Exchange.allocate(3);
    const worker = new Exchange(memory);
    const disk = new Exchange(memory);
    expect(disk.nextAsked()).toBe(NONE);
    worker.ask(2, DiskOperation.unmap, 2 ** 40 + 512, 1024);
    expect(disk.nextAsked()).toBe(2);
    expect(disk.operationOf(2)).toBe(DiskOperation.unmap);
    expect(disk.offsetOf(2)).toBe(2 ** 40 + 512);
    expect(disk.lengthOf(2)).toBe(1024);
    expect(worker.nextAnswered()).toBe(NONE);
    disk.answer(2, 5, 512);
    expect(worker.nextAnswered()).toBe(2);
    expect([worker.errnoOf(2), worker.failedAtOf(2), worker.hasLostWrites(2)]).toEqual([5, 512, false]);
    worker.ask(2, DiskOperation.flush, 0, 0);
    disk.answer(disk.nextAsked(), 5, 0, true);
    expect(worker.hasLostWrites(worker.nextAnswered())).toBe(true);
    expect(worker.nextAnswered()).toBe(NONE);
  });

  it('rings once until the other side has heard', () => {
    const exchange = new Exchange(Exchange.allocate(4));
    expect(exchange.ask(0, DiskOperation.flush, 0, 0)).toBe(true);
    expect(exchange.ask(1, DiskOperation.flush, 0, 0)).toBe(false);
    exchange.diskHeard();
    expect(exchange.ask(2, DiskOperation.flush, 0, 0)).toBe(true);
    for (const place of [exchange.nextAsked(), exchange.nextAsked()]) exchange.answer(place, 0, 0);
    expect(exchange.answer(exchange.nextAsked(), 0, 0)).toBe(false);
    exchange.workerHeard();
    expect(exchange.ask(3, DiskOperation.flush, 0, 0)).toBe(false);
    expect(exchange.answer(exchange.nextAsked(), 0, 0)).toBe(true);
  });

  it('says of an operation that it is given up, and not of the next that has its place', () => {
    const memory = Exchange.allocate(2);
    const [worker, disk] = [new Exchange(memory), new Exchange(memory)];
    for (const place of [0, 1]) worker.ask(place, DiskOperation.write, 0, 512);
    disk.diskHeard();
    expect(worker.giveUp(1)).toBe(true);
    expect([disk.isGivenUp(0), disk.isGivenUp(1)]).toEqual([false, true]);
    disk.answer(1, 5, 0);
    worker.ask(worker.nextAnswered(), DiskOperation.write, 0, 512);
    expect(disk.isGivenUp(1)).toBe(false);
  });

  it.each([1, 7, EXCHANGE_PLACES_MAX])(
    'gives each of %i places memory of its own, on pages of the machine',
    (places) => {
      const exchange = new Exchange(Exchange.allocate(places, pageOffset));
      const base = addressOf(exchange.memory);
      for (let place = 0; place < places; place++) {
        expect((base + exchange.dataAt(place)) % PAGE_BYTES).toBe(0);
        if (place > 0) expect(exchange.dataAt(place)).toBe(exchange.dataAt(place - 1) + EXCHANGE_DATA_BYTES);
      }
      const slack = PAGE_BYTES - pageOffset(exchange.memory);
      expect(exchange.memory.byteLength).toBe(exchange.dataAt(places - 1) + EXCHANGE_DATA_BYTES + slack);
    },
  );

  it('keeps the data of the first place apart from what tells of it', () => {
    const memory = Exchange.allocate(EXCHANGE_PLACES_MAX);
    const [worker, disk] = [new Exchange(memory), new Exchange(memory)];
    worker.ask(EXCHANGE_PLACES_MAX - 1, DiskOperation.write, 4096, 512);
    new Uint8Array(memory, worker.dataAt(0), EXCHANGE_DATA_BYTES).fill(0xff);
    const place = disk.nextAsked();
    expect([place, disk.offsetOf(place), disk.lengthOf(place)]).toEqual([EXCHANGE_PLACES_MAX - 1, 4096, 512]);
  });

  it('loses and invents nothing, in whichever order both sides take their turns', () => {
    const turn = fc.record({ side: fc.constantFrom('ask', 'take', 'answer', 'hear'), which: fc.nat() });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(turn, { maxLength: 200 }), (places, turns) => {
        const memory = Exchange.allocate(places);
        const [worker, disk] = [new Exchange(memory), new Exchange(memory)];
        const free = Array.from({ length: places }, (_, place) => place);
        const asked: number[] = [];
        const taken: number[] = [];
        const answered: number[] = [];
        for (const { side, which } of turns) {
          if (side === 'ask' && free.length !== 0) {
            const [place] = free.splice(which % free.length, 1);
            worker.ask(place!, DiskOperation.read, place! * 512, which);
            asked.push(place!);
          } else if (side === 'take') {
            const place = disk.nextAsked();
            expect(place).toBe(asked.shift() ?? NONE);
            if (place !== NONE) taken.push(place);
          } else if (side === 'answer' && taken.length !== 0) {
            const [place] = taken.splice(which % taken.length, 1);
            expect(disk.offsetOf(place!)).toBe(place! * 512);
            disk.answer(place!, 0, 0);
            answered.push(place!);
          } else if (side === 'hear') {
            const place = worker.nextAnswered();
            expect(place).toBe(answered.shift() ?? NONE);
            if (place !== NONE) free.push(place);
          }
        }
      }),
    );
  });
});
