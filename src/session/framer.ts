// Cuts a connection's byte stream into PDUs, however it was split on its way: the receive half of RFC 7143 §11.1.
// Headers are judged by the connection before their payload is read; payload is copied, or received, straight to where it belongs.

import { assert } from '../base/assert.ts';
import type { Engine, SocketHandle } from '../engine/engine.ts';
import { CELL_BYTES } from '../engine/slab.ts';
import { BHS_SIZE, Bhs, DIGEST_SIZE, padded } from '../pdu/bhs.ts';
import { crc32c } from '../pdu/digest.ts';

/** What the connection says of a header. Where the payload goes is in {@link Framer.expectPayload}. */
export const Verdict = {
  /** Go on: payload as expected. */
  accepted: 0,
  /** No memory for it now: offer it again when `resume` is called. */
  stalled: 1,
  /** It has no payload, and all is done that it asks for: `payload` need not be called. */
  done: 2,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** The connection, as the framer sees it. */
export interface FrameConsumer {
  /** A header, AHS included, lies at slab offset `at`, for the time of this call. May be called again for the same header after `stalled`. */
  header(at: number, dataSegmentLength: number): Verdict;
  /** The data segment is in. `intact`: its digest was right, or there is none. Also called, at once, for a PDU without data. */
  payload(intact: boolean): void;
  /** The stream makes no sense any more; `digest`: because a header's digest was wrong. */
  framingFailed(reason: string, digest: boolean): void;
}

const LENGTHS = Bhs.totalAHSLength.offset;
/** Bytes of AHS taken: an extended CDB and a bidirectional length fit many times over. */
const AHS_BYTES_MAX = 128;
/** Payload still to come from which on it is received straight into place, past the shared buffer. */
const DIRECT_BYTES_MIN = 32 * 1024;
/** PDUs of one connection in one turn: the others' turn comes before more of these. */
const PDUS_PER_TURN = 64;
/** There is nowhere to put the payload: it is dropped. */
export const NOWHERE = -1;

const Phase = { header: 0, payload: 1, stalled: 2, dead: 3 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** The receive state machine of one connection. */
export class Framer {
  readonly #engine: Engine;
  readonly #socket: SocketHandle;
  readonly #consumer: FrameConsumer;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  /** A cell of the connection's own, where a header that came in parts is put together. */
  readonly #cell: number;
  readonly #headerDigest: boolean;
  readonly #dataDigest: boolean;
  readonly #segmentMax: number;
  /** Whether bytes may be received straight into place: not while the ones that are taken come from elsewhere than the socket. */
  mayReceiveInto = true;
  #phase: Phase = Phase.header;
  /** Bytes of a header in the cell. */
  #carried = 0;
  // The payload under way.
  #target = NOWHERE;
  /** Data bytes still to come that go to the target; then those that are dropped; then padding; then the digest. */
  #keep = 0;
  #drop = 0;
  #pad = 0;
  #digest = 0;
  #direct = false;
  #crc = 0;
  #wireCrc = 0;

  constructor(
    engine: Engine,
    socket: SocketHandle,
    consumer: FrameConsumer,
    options: { cell: number; headerDigest: boolean; dataDigest: boolean; segmentMax: number },
  ) {
    this.#engine = engine;
    this.#socket = socket;
    this.#consumer = consumer;
    this.#view = engine.slab.view;
    this.#bytes = engine.slab.bytes;
    this.#cell = options.cell;
    this.#headerDigest = options.headerDigest;
    this.#dataDigest = options.dataDigest;
    this.#segmentMax = options.segmentMax;
  }

  /** Called by the consumer from `header`: the first `keep` bytes of the segment go to slab offset `target`, the rest is dropped. */
  expectPayload(target: number, keep: number): void {
    this.#target = target;
    this.#keep = target === NOWHERE ? 0 : keep;
  }

  /** Takes nothing more. */
  kill(): void {
    this.#phase = Phase.dead;
  }

  get stalled(): boolean {
    return this.#phase === Phase.stalled;
  }

  /** Takes bytes at slab offset `at`; returns how many. Fewer than `length`: stalled, or enough for this turn. Allocates nothing. */
  consume(at: number, length: number): number {
    const end = at + length;
    let from = at;
    for (let pdus = 0; from < end && pdus < PDUS_PER_TURN; ) {
      switch (this.#phase) {
        case Phase.payload:
          from = this.#takePayload(from, end);
          if (this.#direct) return length;
          break;
        case Phase.header: {
          from = this.#takeHeader(from, end);
          pdus++;
          break;
        }
        case Phase.stalled:
          return from - at;
        default:
          return length;
      }
    }
    // The header was the last that came: what follows it need not pass through the shared buffer at all.
    if (from === end && this.#phase === Phase.payload) this.#startDirect();
    return from - at;
  }

  /** The bytes asked for with `receiveInto` are in place. Allocates nothing but a view for the digest. */
  receivedInto(length: number): void {
    this.#direct = false;
    if (this.#phase === Phase.dead) return;
    if (this.#dataDigest) this.#crc = crc32c(this.#bytes, this.#target, length, this.#crc);
    this.#target += length;
    this.#keep -= length;
    if (this.#keep + this.#drop + this.#pad + this.#digest === 0) this.#endPayload();
  }

  /** Offers a stalled header again. False: it stalls still. */
  resume(): boolean {
    if (this.#phase !== Phase.stalled) return true;
    this.#phase = Phase.header;
    // A header in the shared buffer is offered again by the engine; one that was put together in the cell, here.
    if (this.#carried !== 0) this.#judge(this.#cell);
    return (this.#phase as Phase) !== Phase.stalled;
  }

  /** Takes a header, or the part of it that is there. Returns where the bytes after it are. */
  #takeHeader(from: number, end: number): number {
    if (this.#carried === 0 && end - from >= BHS_SIZE) {
      const length = this.#headerLength(from);
      if (length < 0) return end;
      if (end - from >= length) {
        this.#judge(from);
        return this.#phase === Phase.stalled ? from : from + length;
      }
    }
    return this.#carry(from, end);
  }

  /** Puts a header together that came in parts. */
  #carry(from: number, end: number): number {
    let at = from;
    for (;;) {
      // How long the whole header is stands in its first 48 bytes.
      const wanted = this.#carried < BHS_SIZE ? BHS_SIZE : this.#headerLength(this.#cell);
      if (wanted < 0) return end;
      if (this.#carried === wanted) break;
      const part = Math.min(wanted - this.#carried, end - at);
      if (part === 0) return at;
      this.#bytes.copyWithin(this.#cell + this.#carried, at, at + part);
      this.#carried += part;
      at += part;
    }
    this.#judge(this.#cell);
    return at;
  }

  /** Bytes of BHS, AHS and header digest; -1 after giving up. */
  #headerLength(at: number): number {
    const ahs = this.#view.getUint8(at + LENGTHS) * 4;
    if (ahs > AHS_BYTES_MAX) {
      this.#fail('an additional header segment longer than any command needs');
      return -1;
    }
    return BHS_SIZE + ahs + (this.#headerDigest ? DIGEST_SIZE : 0);
  }

  #judge(at: number): void {
    // TotalAHSLength is the top byte of this word.
    const segment = this.#view.getUint32(at + LENGTHS) & 0xff_ffff;
    if (this.#headerDigest) {
      const length = BHS_SIZE + Bhs.totalAHSLength.get(this.#view, at) * 4;
      if (crc32c(this.#bytes, at, length) !== this.#view.getUint32(at + length, true)) {
        // Without a header nobody knows where the next PDU starts: RFC 7143 §7.8, the connection is lost.
        this.#fail('header digest error', true);
        return;
      }
    }
    if (segment > this.#segmentMax) {
      this.#fail('a data segment longer than the MaxRecvDataSegmentLength declared');
      return;
    }
    this.#target = NOWHERE;
    this.#keep = 0;
    const verdict = this.#consumer.header(at, segment);
    if (verdict === Verdict.stalled) {
      this.#phase = Phase.stalled;
      return;
    }
    this.#carried = 0;
    // The connection may have been given up over that header.
    if (verdict === Verdict.done || this.#phase === Phase.dead) return;
    if (segment === 0) {
      this.#consumer.payload(true);
      return;
    }
    this.#drop = segment - this.#keep;
    this.#pad = padded(segment) - segment;
    this.#digest = this.#dataDigest ? DIGEST_SIZE : 0;
    this.#crc = 0;
    this.#wireCrc = 0;
    this.#phase = Phase.payload;
  }

  #takePayload(from: number, end: number): number {
    let at = from;
    if (this.#keep !== 0) {
      const part = Math.min(this.#keep, end - at);
      this.#engine.slab.copy(this.#target, at, part);
      at = this.#pass(at, part);
      this.#target += part;
      this.#keep -= part;
      if (this.#startDirect()) return at;
    }
    if (this.#keep === 0 && this.#drop !== 0) {
      const part = Math.min(this.#drop, end - at);
      at = this.#pass(at, part);
      this.#drop -= part;
    }
    if (this.#keep + this.#drop === 0 && this.#pad !== 0) {
      const part = Math.min(this.#pad, end - at);
      at = this.#pass(at, part);
      this.#pad -= part;
    }
    if (this.#keep + this.#drop + this.#pad === 0) {
      while (this.#digest !== 0 && at < end) {
        const shift = (DIGEST_SIZE - this.#digest) * 8;
        this.#wireCrc = (this.#wireCrc | (this.#bytes[at]! << shift)) >>> 0;
        this.#digest--;
        at++;
      }
      if (this.#digest === 0) this.#endPayload();
    }
    return at;
  }

  /** Has the rest of the data received straight into place, if it is long enough to be worth a receive of its own. */
  #startDirect(): boolean {
    if (this.#direct || this.#keep < DIRECT_BYTES_MIN || !this.mayReceiveInto) return false;
    this.#direct = true;
    this.#engine.receiveInto(this.#socket, this.#target, this.#keep);
    return true;
  }

  /** Passes `part` bytes, through the digest where there is one. */
  #pass(at: number, part: number): number {
    if (this.#dataDigest && part !== 0) this.#crc = crc32c(this.#bytes, at, part, this.#crc);
    return at + part;
  }

  #endPayload(): void {
    this.#phase = Phase.header;
    this.#consumer.payload(!this.#dataDigest || this.#crc === this.#wireCrc);
  }

  #fail(reason: string, digest = false): void {
    this.#phase = Phase.dead;
    this.#carried = 0;
    this.#consumer.framingFailed(reason, digest);
  }
}

assert(BHS_SIZE + AHS_BYTES_MAX + DIGEST_SIZE <= CELL_BYTES, 'framer: a cell holds the longest header that is taken');
