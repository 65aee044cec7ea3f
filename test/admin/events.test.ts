// Who listens is told, once each; who does not read is dropped in the end; a storm of refusals is not passed on whole.

import { describe, expect, it } from 'vitest';
import { Events } from '../../src/admin/events.ts';
import type { AdminSocket } from '../../src/admin/http.ts';
import type { RefusalReport } from '../../src/control/refusals.ts';
import type { Status } from '../../src/metrics/sampler.ts';

class FakeSocket implements AdminSocket {
  readonly heard: { readonly type: string }[] = [];
  readonly #events: Events;
  reads = true;
  ended = false;

  constructor(events: Events) {
    this.#events = events;
    events.opened(this);
  }

  send(text: string): boolean {
    if (this.reads) this.heard.push(JSON.parse(text));
    return this.reads;
  }

  end(): void {
    this.ended = true;
    this.#events.closed(this);
  }
}

const STATUS = { at: 5 } as unknown as Status;
const REFUSAL = { status: '0203' } as unknown as RefusalReport;

describe('Events', () => {
  it('reach everyone who listens, until they do not', () => {
    const events = new Events();
    const [one, two] = [new FakeSocket(events), new FakeSocket(events)];
    events.sampled(STATUS);
    two.end();
    events.refused(REFUSAL);
    expect(one.heard).toEqual([
      { type: 'status', status: { at: 5 } },
      { type: 'refusal', refusal: { status: '0203' } },
    ]);
    expect(two.heard).toHaveLength(1);
    expect(events.count).toBe(1);
  });

  it('are dropped for who does not read, and so is the socket when that goes on', () => {
    const events = new Events();
    const [reader, sleeper] = [new FakeSocket(events), new FakeSocket(events)];
    sleeper.reads = false;
    for (let second = 0; second < 20; second++) events.sampled(STATUS);
    sleeper.reads = true;
    events.sampled(STATUS);
    sleeper.reads = false;
    for (let second = 0; second < 20; second++) events.sampled(STATUS);
    expect(sleeper.ended).toBe(false);
    for (let second = 0; second < 20; second++) events.sampled(STATUS);
    expect(sleeper.ended).toBe(true);
    expect(reader.heard).toHaveLength(61);
    expect(events.count).toBe(1);
  });

  it('of refusals are so many a second, and no more', () => {
    const events = new Events();
    const socket = new FakeSocket(events);
    for (let index = 0; index < 1000; index++) events.refused(REFUSAL);
    const told = socket.heard.length;
    expect(told).toBeGreaterThan(5);
    expect(told).toBeLessThan(100);
    events.sampled(STATUS);
    events.refused(REFUSAL);
    expect(socket.heard.length).toBe(told + 2);
  });
});
