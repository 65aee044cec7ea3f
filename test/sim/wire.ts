// PDUs on a simulated connection, as an initiator sends and receives them: any field out, headers and data in, digests both ways.
// Damages some of them, in either direction, where a digest will tell. What they mean is connection.ts's.

import { BHS_SIZE, Bhs, DIGEST_SIZE, padded, RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { FINAL_BIT, IMMEDIATE_BIT, OPCODE_MASK } from '../../src/pdu/opcode.ts';
import { digest } from '../support/digest.ts';
import { type AnyLayout, encode, type HeaderValues, REQUESTS, viewOf } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';
import type { End } from './network.ts';
import type { Random } from './random.ts';

/** What came: whole, or with a part that was damaged on its way. The header of damaged data can be believed, that of a damaged one can't. */
export interface Arrival extends Pdu {
  readonly damaged: 'header' | 'data' | null;
}

/** The initiator's end of a connection. */
export class Wire {
  headerDigest = false;
  dataDigest = false;
  readonly #end: End;
  readonly #random: Random;
  #unsent: Buffer = Buffer.alloc(0);
  #received: Buffer = Buffer.alloc(0);
  /** Nothing is read for now. */
  deaf = false;
  /** How likely a PDU is to be damaged. */
  readonly #damage: () => number;
  /** PDUs that were sent damaged. */
  damaged = 0;

  constructor(
    end: End,
    random: Random,
    damage: () => number,
    { heard, ended }: { heard: () => void; ended: (errno: number) => void },
  ) {
    this.#end = end;
    this.#random = random;
    this.#damage = damage;
    end.events = { readable: heard, writable: () => this.#push(), ended };
  }

  /** Bytes that wait for room. */
  get unsent(): number {
    return this.#unsent.length;
  }

  /** Sends a PDU with these fields; those left out are a well-behaved initiator's. Returns whether its data were damaged on their way. */
  send<L extends AnyLayout>(
    layout: L,
    values: Partial<HeaderValues<L>>,
    options: { readonly data?: Uint8Array; readonly immediate?: boolean } = {},
  ): boolean {
    const { data = Buffer.alloc(0), immediate = false } = options;
    const filled: Record<string, number | Uint8Array> = {
      opcode: REQUESTS.get(layout)! | (immediate ? IMMEDIATE_BIT : 0),
      flags: FINAL_BIT,
      dataSegmentLength: data.length,
    };
    if (layout.fields.includes('targetTransferTag')) filled['targetTransferTag'] = RESERVED_TAG;
    const header = encode(layout, { ...filled, ...values } as Partial<HeaderValues<L>>);
    const segment = Buffer.alloc(padded(data.length));
    segment.set(data);
    const parts = [header];
    if (this.headerDigest) parts.push(digest(header));
    parts.push(segment);
    const digested = this.dataDigest && data.length > 0;
    if (digested) parts.push(digest(segment));
    if (this.headerDigest) this.#spoil(header);
    const spoiled = digested && this.#spoil(segment);
    this.#unsent = Buffer.concat([this.#unsent, ...parts]);
    this.#push();
    return spoiled;
  }

  /** Damages a byte, perhaps. */
  #spoil(bytes: Buffer): boolean {
    const random = this.#random;
    const damage = this.#damage();
    if (damage === 0 || !random.chance(damage)) return false;
    bytes[random.between(0, bytes.length - 1)]! ^= 1 << random.between(0, 7);
    this.damaged++;
    return true;
  }

  #push(): void {
    if (this.#unsent.length === 0) return;
    this.#unsent = this.#unsent.subarray(this.#end.write(this.#unsent));
  }

  /** The next whole PDU that has come, or null. */
  next(): Arrival | null {
    if (!this.deaf && this.#end.received.length !== 0) {
      const part = this.#end.take(this.#random.between(1, this.#end.received.length));
      this.#received = Buffer.concat([this.#received, part, this.#end.take(this.#random.chance(0.8) ? Infinity : 0)]);
    }
    return this.#take();
  }

  #take(): Arrival | null {
    const bytes = this.#received;
    if (bytes.length < BHS_SIZE) return null;
    const length = Bhs.dataSegmentLength.get(viewOf(bytes), 0);
    const start = BHS_SIZE + (this.headerDigest ? DIGEST_SIZE : 0);
    const end = start + padded(length);
    const dataDigest = this.dataDigest && length > 0;
    if (bytes.length < end + (dataDigest ? DIGEST_SIZE : 0)) return null;
    const intact =
      (!this.headerDigest || bytes.readUInt32LE(BHS_SIZE) === crc32c(bytes, 0, BHS_SIZE)) &&
      (!dataDigest || bytes.readUInt32LE(end) === crc32c(bytes, start, end - start));
    const where = `${this.#end.name}: opcode ${bytes[0]! & OPCODE_MASK}`;
    if (!intact) throw new Violation('digests are right', where);
    // Whatever was in the worker's memory before is nobody's business.
    if (bytes.subarray(start + length, end).some((byte) => byte !== 0)) throw new Violation('padding is zeroes', where);
    this.#received = bytes.subarray(end + (dataDigest ? DIGEST_SIZE : 0));
    const header = Buffer.from(bytes.subarray(0, BHS_SIZE));
    const data = Buffer.from(bytes.subarray(start, start + length));
    const opcode = bytes[0]! & OPCODE_MASK;
    // Where the next PDU begins is known all the same: by other means, as the RFC has it.
    if (this.headerDigest && this.#spoil(header)) return { opcode, header, data, damaged: 'header' };
    if (dataDigest && this.#spoil(data)) return { opcode, header, data, damaged: 'data' };
    return { opcode, header, data, damaged: null };
  }
}
