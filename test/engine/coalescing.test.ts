import { describe, expect, it } from 'vitest';
import { Coalescing } from '../../src/engine/coalescing.ts';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { UringEngine } from '../../src/engine/uring-engine.ts';
import { Uring } from '../../src/kernel/uring.ts';
import { Counter, privateCounters } from '../../src/ring/counters.ts';
import { Bench, connectPeer, type PeerStep, pattern } from './harness.ts';

const HEADER = 48;
const SOCKETS = 64;
const LIMIT_US = 50;

interface Play {
  readonly sockets: number;
  readonly requests?: number;
  readonly bytes?: number;
  readonly answers?: number;
  readonly waits?: number;
}

/** One wait for each turn in which every socket received `requests` and was sent as many answers; what the waits are for in the end. */
function play(
  coalescing: Coalescing,
  { sockets, requests = 4, bytes = HEADER, answers = requests, waits = 200 }: Play,
): number {
  let wanted = 0;
  for (let wait = 0; wait < waits; wait++) {
    for (let socket = 0; socket < sockets; socket++) {
      coalescing.received(socket, requests * bytes);
      for (let answer = 0; answer < answers; answer++) coalescing.sending();
    }
    wanted = coalescing.next();
  }
  return wanted;
}

describe('Coalescing', () => {
  const made = () => new Coalescing(SOCKETS, LIMIT_US);

  it('waits for all sockets that have queues, and for no more than help', () => {
    for (const sockets of [3, 4, 16]) expect(play(made(), { sockets })).toBe(sockets);
    expect(play(made(), { sockets: 40 })).toBe(16);
  });

  it('waits for one when initiators wait for each answer, however long the answer or the request', () => {
    for (const answers of [1, 16]) expect(play(made(), { sockets: 4, requests: 1, answers })).toBe(1);
    expect(play(made(), { sockets: 4, requests: 1, bytes: HEADER + 4096 })).toBe(1);
  });

  it('waits for one when there are few', () => {
    for (const sockets of [0, 1, 2]) expect(play(made(), { sockets })).toBe(1);
  });

  it('does not wait for a socket that sends less often than the others', () => {
    const coalescing = made();
    let wanted = 0;
    for (let wait = 0; wait < 200; wait++) {
      for (const socket of [0, 1, 2, ...(wait % 8 === 0 ? [3] : [])]) {
        coalescing.received(socket, 4 * HEADER);
        for (let answer = 0; answer < 4; answer++) coalescing.sending();
      }
      wanted = coalescing.next();
    }
    expect(wanted).toBe(3);
  });

  it('waits for one while other threads ring', () => {
    const coalescing = made();
    let wanted = 0;
    for (let wait = 0; wait < 10; wait++) {
      coalescing.rung();
      expect(coalescing.next()).toBe(1);
      wanted = play(coalescing, { sockets: 4, waits: 50 });
    }
    expect(wanted).toBe(1);
    expect(play(coalescing, { sockets: 4 })).toBe(4);
  });

  it('notices when it changes', () => {
    const coalescing = made();
    expect(play(coalescing, { sockets: 8 })).toBe(8);
    expect(play(coalescing, { sockets: 3 })).toBe(3);
    expect(play(coalescing, { sockets: 3, requests: 1 })).toBe(1);
    expect(play(coalescing, { sockets: 8 })).toBe(8);
    expect(play(coalescing, { sockets: 0 })).toBe(1);
  });

  it('waits three times as long for deep queues, told by requests and by answers', () => {
    const coalescing = made();
    const waitUs = (how: Play) => {
      play(coalescing, how);
      return coalescing.waitUs;
    };
    expect(waitUs({ sockets: 4, requests: 6 })).toBe(LIMIT_US);
    expect(waitUs({ sockets: 4, requests: 7 })).toBe(3 * LIMIT_US);
    expect(waitUs({ sockets: 4, requests: 4 })).toBe(LIMIT_US);
    expect(waitUs({ sockets: 4, requests: 7, bytes: HEADER + 4096 })).toBe(3 * LIMIT_US);
    expect(waitUs({ sockets: 4, requests: 2, bytes: HEADER + 4096 })).toBe(LIMIT_US);
    expect(waitUs({ sockets: 4, requests: 2, answers: 40 })).toBe(LIMIT_US);
  });

  it('does nothing when it is switched off', () => {
    expect(play(new Coalescing(SOCKETS, 0), { sockets: 8 })).toBe(1);
  });
});

/** The kernel's part is as young as Linux 6.12. */
function kernelCan(): boolean {
  const uring = new Uring(8);
  const { canWaitUnhurried } = uring;
  uring.close();
  return canWaitUnhurried;
}

describe.runIf(kernelCan())('an engine that coalesces', () => {
  it('serves initiators with queues in one turn', async () => {
    const [peers, rounds, requests] = [3, 400, 4];
    const burst = requests * HEADER;
    const steps: PeerStep[] = [];
    for (let round = 1; round <= rounds; round++)
      steps.push({ step: 'send', value: pattern(burst) }, { step: 'receive', value: round * burst });
    const connected = await Promise.all(
      Array.from({ length: peers }, () => connectPeer([...steps, { step: 'end' }, { step: 'untilEnd' }])),
    );
    const counters = privateCounters();
    // The wait is much longer than a peer takes, so that it is never over before; and there is a buffer for each of them.
    const options = { counters, coalesceUs: 20_000, receiveBufferBytes: 16 * 1024 };
    const bench = new Bench((slab, events, wakeFd) => new UringEngine({ slab, events, wakeFd, ...options }));
    const { address } = bench.slot(pattern(HEADER));
    bench.on.received = (socket, _at, length) => {
      const whole = Math.floor(length / HEADER);
      for (let request = 0; request < whole; request++) bench.engine.send(socket, address, HEADER, NO_RELEASE);
      return whole * HEADER;
    };
    let open = peers;
    bench.on.closed = () => {
      if (--open === 0) bench.engine.stop();
    };
    for (const { fd } of connected) bench.engine.resumeReceive(bench.engine.openSocket(fd));
    await bench.engine.run();
    expect(counters[Counter.receives]).toBeGreaterThanOrEqual(peers * rounds);
    expect(counters[Counter.turns]).toBeLessThan(rounds * 1.5);
  });
});
