// The framer cutting a full receive buffer into PDUs: READ commands without data, WRITE commands with 4 KiB of immediate data,
// and the same with digests. Everything around it is simulated, so this is the cost of the framer alone.

import { BHS_SIZE, Bhs, DIGEST_SIZE, padded } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { Opcode } from '../../src/pdu/opcode.ts';
import { type FrameConsumer, Framer, Verdict } from '../../src/session/framer.ts';
import { SimEngine } from '../../test/support/sim-engine.ts';
import { runMicro } from '../micro-table.ts';

const STREAM_BYTES = 128 * 1024;
const SEGMENT_MAX = 256 * 1024;

/** A stream of `count` PDUs in the slab of an engine of its own, and a framer for it. */
class Stream implements FrameConsumer {
  readonly count: number;
  frames = 0;
  readonly #framer: Framer;
  readonly #at: number;
  readonly #length: number;
  readonly #target: number;

  constructor(count: number, dataLength: number, digests: boolean) {
    const engine = new SimEngine({ slabBytes: 4 * STREAM_BYTES + 4 * 1024 * 1024, receiveBytes: STREAM_BYTES });
    const { slab } = engine;
    this.#at = slab.offsetOf(slab.takeSlot(STREAM_BYTES));
    this.#target = slab.offsetOf(slab.takeSlot(STREAM_BYTES));
    const header = BHS_SIZE + (digests ? DIGEST_SIZE : 0);
    const segment = padded(dataLength) + (digests && dataLength > 0 ? DIGEST_SIZE : 0);
    this.count = count;
    this.#length = count * (header + segment);
    for (let at = this.#at; at < this.#at + this.#length; at += header + segment) {
      Bhs.opcode.set(slab.view, at, Opcode.SCSI_COMMAND);
      Bhs.dataSegmentLength.set(slab.view, at, dataLength);
      if (!digests) continue;
      slab.view.setUint32(at + BHS_SIZE, crc32c(slab.bytes, at, BHS_SIZE), true);
      const data = at + header;
      if (dataLength > 0) slab.view.setUint32(data + dataLength, crc32c(slab.bytes, data, dataLength), true);
    }
    const cell = slab.offsetOf(slab.takeCell());
    const options = { cell, headerDigest: digests, dataDigest: digests, segmentMax: SEGMENT_MAX };
    this.#framer = new Framer(engine, engine.openSocket(0), this, options);
  }

  header(_at: number, dataSegmentLength: number): Verdict {
    if (dataSegmentLength !== 0) this.#framer.expectPayload(this.#target, dataSegmentLength);
    return Verdict.accepted;
  }

  payload(intact: boolean): void {
    if (!intact) throw new Error('a digest is wrong');
    this.frames++;
  }

  framingFailed(reason: string): void {
    throw new Error(reason);
  }

  /** Takes the whole stream, a turn's worth at a time. */
  run(): void {
    this.frames = 0;
    for (let taken = 0; taken < this.#length; ) {
      taken += this.#framer.consume(this.#at + taken, this.#length - taken);
    }
    if (this.frames !== this.count) throw new Error(`${this.frames} PDUs of ${this.count}`);
  }
}

for (const { title, count, dataLength } of [
  { title: 'a PDU without data', count: 2048, dataLength: 0 },
  { title: 'a PDU with 4 KiB of data, copied to its slot', count: 31, dataLength: 4096 },
]) {
  const plain = new Stream(count, dataLength, false);
  const digested = new Stream(count, dataLength, true);
  const variants = { 'no digests': () => plain.run(), 'both digests': () => digested.run() };
  await runMicro({ title, operations: count, variants });
}
