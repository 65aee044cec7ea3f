import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EngineEvents } from '../../src/engine/engine.ts';
import { BHS_SIZE, Bhs, padded } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { type FrameConsumer, Framer, NOWHERE, Verdict } from '../../src/session/framer.ts';
import { SimEngine } from '../support/sim-engine.ts';

interface Frame {
  readonly tag: number;
  readonly ahs: number;
  readonly data: Uint8Array;
}

interface Digests {
  readonly headerDigest: boolean;
  readonly dataDigest: boolean;
}

const crcBytes = (bytes: Uint8Array): Uint8Array => {
  const digest = new Uint8Array(4);
  new DataView(digest.buffer).setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return digest;
};

function encode({ tag, ahs, data }: Frame, { headerDigest, dataDigest }: Digests): Uint8Array {
  const header = new Uint8Array(BHS_SIZE + ahs * 4);
  const view = new DataView(header.buffer);
  Bhs.opcode.set(view, 0, Opcode.NOP_OUT);
  Bhs.totalAHSLength.set(view, 0, ahs);
  Bhs.dataSegmentLength.set(view, 0, data.length);
  Bhs.initiatorTaskTag.set(view, 0, tag);
  const segment = new Uint8Array(padded(data.length));
  segment.set(data);
  return Buffer.concat([
    header,
    headerDigest ? crcBytes(header) : new Uint8Array(0),
    segment,
    dataDigest && data.length !== 0 ? crcBytes(segment) : new Uint8Array(0),
  ]);
}

/** A framer on a simulated socket, and what came out of it. */
class Receiver implements FrameConsumer {
  readonly engine: SimEngine;
  readonly framer: Framer;
  readonly frames: { tag: number; data: Uint8Array; intact: boolean }[] = [];
  failure = '';
  /** Headers that are judged `stalled` before each is taken. */
  stalls = 0;
  readonly keep: (length: number) => number;
  #tag = 0;
  #slot = -1;
  #kept = 0;

  constructor(digests: Digests, chunkMax: () => number, keep = (length: number): number => length) {
    this.keep = keep;
    this.engine = new SimEngine({ chunkMax });
    const socket = this.engine.openSocket(0);
    const cell = this.engine.slab.offsetOf(this.engine.slab.takeCell());
    this.framer = new Framer(this.engine, socket, this, { cell, ...digests, segmentMax: 256 * 1024 });
    const ignore = (): void => {};
    const events: EngineEvents = {
      hungry: false,
      received: (_socket, at, length) => this.framer.consume(at, length),
      receivedInto: (_socket, length) => this.framer.receivedInto(length),
      released: ignore,
      ended: ignore,
      closed: ignore,
      fileDone: ignore,
      woken: ignore,
      tick: ignore,
      alarmed: ignore,
    };
    this.engine.events = events;
    this.engine.resumeReceive(socket);
  }

  #stalled = 0;

  header(at: number, length: number): Verdict {
    if (this.#stalled < this.stalls) {
      this.#stalled++;
      this.engine.pauseReceive(0);
      return Verdict.stalled;
    }
    this.#stalled = 0;
    this.#tag = Bhs.initiatorTaskTag.get(this.engine.slab.view, at);
    this.#kept = this.keep(length);
    this.#slot = this.#kept === 0 ? -1 : this.engine.slab.takeSlot(this.#kept);
    this.framer.expectPayload(this.#slot < 0 ? NOWHERE : this.engine.slab.offsetOf(this.#slot), this.#kept);
    return Verdict.accepted;
  }

  payload(intact: boolean): void {
    const at = this.#slot < 0 ? 0 : this.engine.slab.offsetOf(this.#slot);
    this.frames.push({ tag: this.#tag, data: this.engine.slab.bytes.slice(at, at + this.#kept), intact });
    if (this.#slot >= 0) this.engine.slab.release(this.#slot);
  }

  framingFailed(reason: string): void {
    this.failure = reason;
    this.framer.kill();
  }

  run(bytes: Uint8Array): void {
    this.engine.deliver(0, bytes);
    for (let round = 0; round < 10_000; round++) {
      this.engine.settle();
      if (!this.framer.stalled) return;
      if (this.framer.resume()) this.engine.resumeReceive(0);
    }
    throw new Error('the framer never gets on');
  }
}

const frame = fc.record({
  tag: fc.integer({ min: 0, max: 0xffffffff }),
  ahs: fc.integer({ min: 0, max: 32 }),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.integer({ min: 30_000, max: 200_000 }).map((n) => new Uint8Array(n).fill(n)),
  ),
});
const digests = fc.record({ headerDigest: fc.boolean(), dataDigest: fc.boolean() });
/** One large chunk among them: all small ones would take more turns than a simulation is given to come to rest. */
const chunks = fc.array(fc.integer({ min: 1, max: 70_000 }), { maxLength: 20 }).map((sizes) => [...sizes, 50_000]);

/** Chunk sizes from a list, over and over. */
const cycle = (sizes: number[]): (() => number) => {
  let index = 0;
  return () => sizes[index++ % sizes.length]!;
};

describe('Framer (RFC 7143 §11.1)', () => {
  it('gives back what was sent, however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), digests, chunks, (frames, kinds, sizes) => {
        const receiver = new Receiver(kinds, cycle(sizes));
        receiver.run(Buffer.concat(frames.map((each) => encode(each, kinds))));
        expect(receiver.failure).toBe('');
        expect(receiver.frames.map(({ tag, intact }) => [tag, intact])).toEqual(frames.map(({ tag }) => [tag, true]));
        for (const [index, { data }] of frames.entries()) {
          expect(Buffer.compare(receiver.frames[index]!.data, data)).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('takes one byte at a time', () => {
    const kinds = { headerDigest: true, dataDigest: true };
    const receiver = new Receiver(kinds, () => 1);
    const sent = [1, 2, 3].map((tag) => ({ tag, ahs: tag, data: Uint8Array.of(tag, tag) }));
    receiver.run(Buffer.concat(sent.map((each) => encode(each, kinds))));
    expect(receiver.frames.map(({ tag }) => tag)).toEqual([1, 2, 3]);
  });

  it('loses nothing when headers stall for want of memory, in one piece or put together from parts', () => {
    const kinds = { headerDigest: true, dataDigest: true };
    const sent = [10, 20, 30, 40].map((tag) => ({ tag, ahs: 0, data: new Uint8Array(tag * 3).fill(tag) }));
    for (const size of [7, 48, 52, 1000]) {
      const receiver = new Receiver(kinds, () => size);
      receiver.stalls = 3;
      receiver.run(Buffer.concat(sent.map((each) => encode(each, kinds))));
      expect(receiver.frames.map(({ tag, data }) => [tag, data.length])).toEqual(sent.map(({ tag }) => [tag, tag * 3]));
    }
  });

  it('takes a header that came in parts and stalled, though nothing comes behind it', () => {
    const receiver = new Receiver({ headerDigest: true, dataDigest: false }, () => 20);
    receiver.stalls = 1;
    receiver.run(encode({ tag: 7, ahs: 0, data: new Uint8Array(0) }, { headerDigest: true, dataDigest: false }));
    expect(receiver.frames.map(({ tag }) => tag)).toEqual([7]);
  });

  it('has nothing more to say once it was killed, not even of data that the kernel was putting in their place', () => {
    const plain = { headerDigest: false, dataDigest: false };
    const receiver = new Receiver(plain, () => 1000);
    const bytes = encode({ tag: 7, ahs: 0, data: new Uint8Array(100_000) }, plain);
    receiver.run(bytes.subarray(0, 50_000));
    receiver.framer.kill();
    receiver.run(bytes.subarray(50_000));
    expect(receiver.frames).toEqual([]);
  });

  it('drops what nobody keeps and stays in step', () => {
    const kinds = { headerDigest: false, dataDigest: true };
    const sent = [1, 2].map((tag) => ({ tag, ahs: 0, data: new Uint8Array(90_001).fill(tag) }));
    const receiver = new Receiver(
      kinds,
      () => 4000,
      (length) => Math.min(length, 1000),
    );
    receiver.run(Buffer.concat(sent.map((each) => encode(each, kinds))));
    expect(receiver.frames.map(({ tag, data, intact }) => [tag, data.length, intact])).toEqual([
      [1, 1000, true],
      [2, 1000, true],
    ]);
  });

  it('§7.8: reports a data digest that is wrong and goes on with the next PDU', () => {
    const kinds = { headerDigest: false, dataDigest: true };
    const good = encode({ tag: 2, ahs: 0, data: Uint8Array.of(5) }, kinds);
    const bad = encode({ tag: 1, ahs: 0, data: Uint8Array.of(1, 2, 3, 4) }, kinds);
    bad[BHS_SIZE]! ^= 0x40;
    const receiver = new Receiver(kinds, () => 33);
    receiver.run(Buffer.concat([bad, good]));
    expect(receiver.frames.map(({ tag, intact }) => [tag, intact])).toEqual([
      [1, false],
      [2, true],
    ]);
  });

  it('§7.8: gives up at a header digest that is wrong, at too long a segment and at too long an AHS', () => {
    const kinds = { headerDigest: true, dataDigest: false };
    const cases: [Uint8Array, RegExp][] = [];
    const damaged = encode({ tag: 1, ahs: 0, data: new Uint8Array(0) }, kinds);
    damaged[20]! ^= 1;
    cases.push([damaged, /header digest/]);
    cases.push([encode({ tag: 1, ahs: 0, data: new Uint8Array(300_000) }, kinds), /MaxRecvDataSegmentLength/]);
    cases.push([encode({ tag: 1, ahs: 200, data: new Uint8Array(0) }, kinds), /additional header/]);
    for (const [bytes, reason] of cases) {
      const receiver = new Receiver(kinds, () => 1000);
      receiver.run(bytes);
      expect(receiver.failure).toMatch(reason);
      expect(receiver.frames).toEqual([]);
    }
  });
});
