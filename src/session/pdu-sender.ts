// The sending half of a connection: sequence numbers, digests, padding, and the memory that comes back when bytes have left.
// What a PDU says is in the files named after them; what arrives is framer.ts's.

import { NONE } from '../base/free-list.ts';
import { type Address, type Engine, NO_RELEASE, type SocketHandle } from '../engine/engine.ts';
import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { writeStatSN, writeWindow } from '../pdu/answer-header.ts';
import { BHS_SIZE, DIGEST_SIZE, padded } from '../pdu/bhs.ts';
import { crc32c } from '../pdu/digest.ts';
import { type ConnectionParameters, Digest } from '../pdu/parameters.ts';
import { MemoryShare } from '../scsi/memory-share.ts';
import { SentPdus } from './sent-pdus.ts';
import type { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';

/** Unsent bytes of memory from which on a connection is not read any more: who does not take answers gets no more commands in. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;

/** What a connection sends with. */
export abstract class PduSender {
  readonly host: SessionHost;
  readonly session: Session;
  readonly engine: Engine;
  readonly socket: SocketHandle;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Slab.words. */
  readonly words: Int32Array;
  parameters: ConnectionParameters;
  readonly digestsHeaders: boolean;
  readonly digestsData: boolean;
  /** Bytes of a header with its digest. */
  readonly headerLength: number;
  /** The next StatSN. */
  statSN: number;
  /** The MaxCmdSN that was told last. */
  toldMaxCmdSN: number;
  /** What was sent and is not acknowledged; null at ErrorRecoveryLevel 0, where nothing is sent again. */
  readonly sent: SentPdus | null;
  /** Not read for the time being: too much is unsent. */
  throttled = false;
  /** What this connection has of the worker's memory. */
  readonly share: MemoryShare;
  /** Memory with the engine, waiting to be sent: bytes, and how many of its parts are cells. */
  #unsent = 0;
  #unsentCells = 0;
  /** PDUs that were refused with a Reject. */
  rejected = 0;
  /** Slots and cells that the engine was ever given, and those that came back, which they do in the same order. */
  given = 0;
  returned = 0;
  #silent = false;

  constructor(
    host: SessionHost,
    session: Session,
    socket: SocketHandle,
    parameters: ConnectionParameters,
    statSN: number,
  ) {
    this.host = host;
    this.session = session;
    this.engine = host.engine;
    this.socket = socket;
    this.view = host.engine.slab.view;
    this.bytes = host.engine.slab.bytes;
    this.words = host.engine.slab.words;
    this.parameters = parameters;
    this.digestsHeaders = parameters.headerDigest === Digest.crc32c;
    this.digestsData = parameters.dataDigest === Digest.crc32c;
    this.headerLength = BHS_SIZE + (this.digestsHeaders ? DIGEST_SIZE : 0);
    this.statSN = statSN;
    this.toldMaxCmdSN = session.window.maxCmdSN;
    this.sent =
      session.parameters.errorRecoveryLevel === 0 ? null : new SentPdus(host.engine.slab, statSN, host.sentBudget);
    this.share = new MemoryShare(host.processor.memory.shares);
  }

  /** Bytes of a READ's data in one PDU. */
  get segmentLength(): number {
    return Math.min(this.parameters.maxXmitDataSegmentLength, this.session.parameters.maxBurstLength, SLOT_BYTES_MAX);
  }

  /** None of its memory waits to be sent. */
  get idle(): boolean {
    return this.#unsent === 0;
  }

  abstract get open(): boolean;
  /** Gives the connection up. */
  abstract close(reason: string): void;
  /** What was unsent has left: more may come. */
  protected abstract readable(): void;

  /** A cell for a PDU. When there is none the connection is given up, and what is written into the spare one goes nowhere. */
  takeCell(): number {
    const cell = this.engine.slab.takeCell();
    if (cell !== NONE) return cell;
    this.close('no memory for a response');
    return this.host.spareCell;
  }

  /** Where a header stands in a cell or slot taken for a PDU: headers and what follows them are contiguous. */
  headerAt(cell: number): number {
    return this.engine.slab.offsetOf(cell);
  }

  /** Where the data segment of the header at `at` starts. */
  dataAt(at: number): number {
    return at + this.headerLength;
  }

  addressOf(at: number): Address {
    return this.engine.slab.base + at;
  }

  /** Writes StatSN, which is thereby used, ExpCmdSN and MaxCmdSN: bytes 24 to 35 of every PDU that carries status. */
  writeStatSN(at: number): void {
    writeStatSN(this.words, at, this.statSN);
    this.statSN = (this.statSN + 1) >>> 0;
    this.writeWindow(at);
  }

  /** Writes the next StatSN without using it up (R2T, NOP-In of our own). */
  writeNextStatSN(at: number): void {
    writeStatSN(this.words, at, this.statSN);
    this.writeWindow(at);
  }

  /** Data-In without status: the StatSN field is reserved. */
  writeNoStatSN(at: number): void {
    writeStatSN(this.words, at, 0);
    this.writeWindow(at);
  }

  /** ExpCmdSN and MaxCmdSN. */
  writeWindow(at: number): void {
    const { expCmdSN, maxCmdSN } = this.session.window;
    writeWindow(this.words, at, expCmdSN, maxCmdSN);
    this.toldMaxCmdSN = maxCmdSN;
  }

  /** Puts the header digest behind the header at `at`, where one was negotiated. */
  sealHeader(at: number): void {
    if (this.digestsHeaders) this.view.setUint32(at + BHS_SIZE, crc32c(this.bytes, at, BHS_SIZE), true);
  }

  /** Sends header and data that stand together at `at`: pads, seals, queues. `token` comes back once the bytes have left. Allocates nothing. */
  sendSegment(at: number, length: number, token: number): void {
    if (this.sent !== null) this.sent.keep(at, at + this.headerLength);
    this.sendReplica(at, length, token);
  }

  /** As {@link sendSegment}, for a PDU that is kept already. Allocates nothing. */
  sendReplica(at: number, length: number, token: number): void {
    this.sealHeader(at);
    let end = at + this.headerLength + length;
    if (length !== 0) {
      const pad = padded(length) - length;
      for (let index = 0; index < pad; index++) this.bytes[end + index] = 0;
      end += pad;
      if (this.digestsData) {
        this.view.setUint32(end, crc32c(this.bytes, at + this.headerLength, length + pad), true);
        end += DIGEST_SIZE;
      }
    }
    this.sendSpan(at, end - at, token);
  }

  sendSpan(at: number, length: number, token: number): void {
    this.sendAddress(this.engine.slab.base + at, length, token);
  }

  /** Sends the header at `header`, which stands in a cell, and bytes that lie elsewhere: the cell comes back with the last of them. Allocates nothing. */
  sendFromCell(cell: number, header: number, address: Address, length: number): void {
    if (!this.#entrust(cell)) return;
    this.engine.send(this.socket, this.engine.slab.base + header, this.headerLength, NO_RELEASE);
    this.engine.send(this.socket, address, length, cell);
  }

  /** Sends bytes that may lie outside the slab: a memory unit's own. Allocates nothing. */
  sendAddress(address: Address, length: number, token: number): void {
    if (this.#entrust(token)) this.engine.send(this.socket, address, length, token);
  }

  /** Counts the memory of `token` as the engine's. False: nothing is sent any more, and the memory is back. Allocates nothing. */
  #entrust(token: number): boolean {
    if (this.#silent) {
      if (token !== NO_RELEASE && token !== this.host.spareCell) this.engine.slab.release(token);
      return false;
    }
    if (token !== NO_RELEASE) {
      this.#count(token, 1);
      if (!this.throttled && this.#unsentBeyond(1)) this.#throttle();
    }
    return true;
  }

  /** The engine is done with `token`'s memory. Allocates nothing. */
  released(token: number): void {
    this.#count(token, -1);
    this.engine.slab.release(token);
    if (this.sent !== null) this.sent.retransmission.pump(this);
    if (this.throttled && !this.#unsentBeyond(0.5)) this.#unthrottle();
  }

  /** One slot or cell more (1) or less (-1) is with the engine. Allocates nothing. */
  #count(token: number, sign: 1 | -1): void {
    const cell = this.engine.slab.isCell(token);
    const footprint = this.engine.slab.footprint(token);
    this.host.unsentTokens += sign;
    if (sign > 0) this.given++;
    else this.returned++;
    this.#unsent += sign * footprint;
    if (cell) this.#unsentCells += sign;
    this.share.underWay += sign;
    if (sign > 0) this.share.take(cell ? 0 : footprint, cell ? 1 : 0);
    else this.share.give(cell ? 0 : footprint, cell ? 1 : 0);
  }

  /** Whether more is unsent than `part` of what may be. Allocates nothing. */
  #unsentBeyond(part: number): boolean {
    return this.#unsent > UNSENT_BYTES_MAX * part || this.#unsentCells > 2 * this.share.shares.cellsMax * part;
  }

  /** Nothing is sent from now on: what still tries gives its memory back. */
  protected stopSending(): void {
    this.#silent = true;
  }

  #throttle(): void {
    if (!this.open) return;
    this.throttled = true;
    this.host.throttled++;
    this.engine.pauseReceive(this.socket);
  }

  #unthrottle(): void {
    this.throttled = false;
    this.host.throttled--;
    this.readable();
  }
}
