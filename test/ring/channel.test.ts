// Messages both ways between two ends whose bells the test rings when it likes: nothing is lost, doubled or left lying, in any order of events.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChannel, Channel } from '../../src/ring/channel.ts';

interface Message {
  readonly number: number;
  readonly filling: string;
}

/** Two ends; a bell that was rung is pending until the test lets it be heard. */
class Pair {
  readonly received: { main: number[]; worker: number[] } = { main: [], worker: [] };
  readonly pending = { main: 0, worker: 0 };
  readonly #main: Channel<Message, Message>;
  readonly #worker: Channel<Message, Message>;

  constructor() {
    const { toWorker, fromWorker } = allocateChannel();
    this.#main = new Channel(toWorker, fromWorker, () => this.pending.worker++);
    this.#worker = new Channel(fromWorker, toWorker, () => this.pending.main++);
  }

  send(from: 'main' | 'worker', message: Message): void {
    (from === 'main' ? this.#main : this.#worker).send(message);
  }

  /** Lets one pending bell be heard; false when there is none. */
  hear(side: 'main' | 'worker'): boolean {
    if (this.pending[side] === 0) return false;
    this.pending[side]--;
    (side === 'main' ? this.#main : this.#worker).receive(({ number }) => this.received[side].push(number));
    return true;
  }

  /** Until all is quiet. */
  settle(): void {
    while (this.hear('main') || this.hear('worker'));
  }
}

const side = fc.constantFrom('main' as const, 'worker' as const);

describe('a channel', () => {
  it('delivers everything once and in order, whenever the bells are heard', () => {
    // Messages of up to a quarter of the ring, so that a handful of them fills it.
    const action = fc.oneof(
      fc.record({ send: side, kilobytes: fc.integer({ min: 0, max: 256 }) }),
      fc.record({ hear: side }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const pair = new Pair();
        const sent = { main: 0, worker: 0 };
        for (const one of actions) {
          if ('hear' in one) pair.hear(one.hear);
          else pair.send(one.send, { number: sent[one.send]++, filling: 'x'.repeat(one.kilobytes * 1024) });
        }
        pair.settle();
        expect(pair.received.worker).toEqual(Array.from({ length: sent.main }, (_, number) => number));
        expect(pair.received.main).toEqual(Array.from({ length: sent.worker }, (_, number) => number));
      }),
      { numRuns: 40 },
    );
  });

  it('delivers many times what the ring holds, though nobody sends anything more', () => {
    const pair = new Pair();
    const numbers = Array.from({ length: 15 }, (_, number) => number);
    for (const number of numbers) pair.send('main', { number, filling: 'x'.repeat(200_000) });
    pair.settle();
    expect(pair.received.worker).toEqual(numbers);
  });

  it('rings one bell for many messages', () => {
    const pair = new Pair();
    for (let number = 0; number < 100; number++) pair.send('main', { number, filling: '' });
    expect(pair.pending.worker).toBe(1);
    pair.settle();
    expect(pair.received.worker).toHaveLength(100);
  });

  it('lets a handler answer', () => {
    const { toWorker, fromWorker } = allocateChannel();
    const bells: string[] = [];
    const answers: number[] = [];
    const main = new Channel<number, number>(toWorker, fromWorker, () => bells.push('worker'));
    const worker = new Channel<number, number>(fromWorker, toWorker, () => bells.push('main'));
    main.send(20);
    worker.receive((number) => worker.send(number + 1));
    main.receive((number) => answers.push(number));
    expect(answers).toEqual([21]);
    expect(bells).toEqual(['worker', 'main']);
  });

  it('carries text beyond ASCII', () => {
    const { toWorker, fromWorker } = allocateChannel();
    const main = new Channel<string, string>(toWorker, fromWorker, () => {});
    const worker = new Channel<string, string>(fromWorker, toWorker, () => {});
    const heard: string[] = [];
    main.send('disque nº 1 — 磁盘');
    worker.receive((text) => heard.push(text));
    expect(heard).toEqual(['disque nº 1 — 磁盘']);
  });

  it('takes no message that could never go, whether there is room or others wait, and the others go on', () => {
    const pair = new Pair();
    const tooLong = { number: -1, filling: 'x'.repeat(600_000) };
    expect(() => pair.send('main', tooLong)).toThrow('fits the ring');
    for (let number = 0; number < 4; number++) pair.send('main', { number, filling: 'x'.repeat(480_000) });
    expect(() => pair.send('main', tooLong)).toThrow('fits the ring');
    pair.send('main', { number: 4, filling: '' });
    pair.settle();
    expect(pair.received.worker).toEqual([0, 1, 2, 3, 4]);
  });

  it('tells how much is on its way, in the ring and before it', () => {
    const { toWorker, fromWorker } = allocateChannel();
    const main = new Channel<Message, Message>(toWorker, fromWorker, () => {});
    const worker = new Channel<Message, Message>(fromWorker, toWorker, () => {});
    expect(main.depth).toEqual({ out: 0, in: 0 });
    const filling = 'x'.repeat(400_000);
    for (let number = 0; number < 4; number++) main.send({ number, filling });
    expect(main.depth.out).toBeGreaterThan(1_600_000);
    expect(worker.depth.in).toBeGreaterThan(800_000);
    expect(worker.depth.in).toBeLessThan(main.depth.out);
    worker.receive(() => {});
    main.receive(() => {});
    worker.receive(() => {});
    expect(main.depth).toEqual({ out: 0, in: 0 });
  });
});
