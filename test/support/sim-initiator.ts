// The initiator's end of a simulated connection: PDUs out with any field, PDUs in as they were sent.
// Nothing here waits: what was sent is judged once the test has let the worker run. Same names as raw-initiator.ts.

import type { SocketHandle } from '../../src/engine/engine.ts';
import { BHS_SIZE, Bhs, DIGEST_SIZE, padded, RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { FINAL_BIT, IMMEDIATE_BIT, OPCODE_MASK } from '../../src/pdu/opcode.ts';
import { type ConnectionParameters, Digest, type SessionParameters } from '../../src/pdu/parameters.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { encodePairs } from '../../src/pdu/text.ts';
import { TextRequest } from '../../src/pdu/text-pdu.ts';
import { digest } from './digest.ts';
import { type AnyLayout, encode, type HeaderValues, lunField, REQUESTS, viewOf } from './header-values.ts';
import type { Pdu } from './pdu-socket.ts';
import type { SimEngine } from './sim-engine.ts';

interface SimSendOptions {
  readonly data?: Uint8Array;
  readonly immediate?: boolean;
  readonly wrongDataDigest?: boolean;
}

export interface SimCommandOptions extends SimSendOptions {
  readonly lun?: number;
  readonly read?: number;
  /** Bytes that the command writes: its Expected Data Transfer Length. */
  readonly write?: number;
  /** Data-Out PDUs follow unasked. */
  readonly unsolicited?: boolean;
  readonly values?: Partial<HeaderValues<typeof ScsiCommand>>;
}

/** What the connections of a session count together. */
interface Numbers {
  cmdSN: number;
  tag: number;
}

/** One connection. */
export class SimInitiator {
  readonly socket: SocketHandle;
  readonly tsih: number;
  readonly cid: number;
  readonly session: SessionParameters;
  readonly connection: ConnectionParameters;
  numbers: Numbers;
  expCmdSN = 0;
  maxCmdSN = 0;
  /** What came right behind the final Login Response. */
  early: readonly Pdu[] = [];
  /** PDUs that came in. */
  heard = 0;
  readonly #engine: SimEngine;
  #received = Buffer.alloc(0);

  constructor(
    engine: SimEngine,
    socket: SocketHandle,
    options: { tsih: number; cid: number; session: SessionParameters; connection: ConnectionParameters; cmdSN: number },
  ) {
    this.#engine = engine;
    this.socket = socket;
    this.tsih = options.tsih;
    this.cid = options.cid;
    this.session = options.session;
    this.connection = options.connection;
    this.numbers = { cmdSN: options.cmdSN, tag: 1 };
  }

  /** Counts with another connection of the same session. */
  share(other: SimInitiator): void {
    this.numbers = other.numbers;
  }

  get open(): boolean {
    return this.#engine.isOpen(this.socket);
  }

  /** A PDU's bytes. Fields that `values` leaves out are a well-behaved initiator's. */
  encode<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>> = {}, options: SimSendOptions = {}): Buffer {
    const { data = Buffer.alloc(0), immediate = false } = options;
    const filled: Record<string, number | Uint8Array> = {
      opcode: REQUESTS.get(layout)! | (immediate ? IMMEDIATE_BIT : 0),
      flags: FINAL_BIT,
      dataSegmentLength: data.length,
    };
    if (!('initiatorTaskTag' in values)) filled['initiatorTaskTag'] = this.numbers.tag++;
    if (layout.fields.includes('targetTransferTag')) filled['targetTransferTag'] = RESERVED_TAG;
    if (layout.fields.includes('cmdSN')) {
      filled['cmdSN'] = this.numbers.cmdSN;
      if (!immediate && !('cmdSN' in values)) this.numbers.cmdSN = (this.numbers.cmdSN + 1) >>> 0;
    }
    const header = encode(layout, { ...filled, ...values } as Partial<HeaderValues<L>>);
    const segment = Buffer.alloc(padded(data.length));
    segment.set(data);
    const parts = [header];
    if (this.connection.headerDigest === Digest.crc32c) parts.push(digest(header));
    parts.push(segment);
    if (this.connection.dataDigest === Digest.crc32c && data.length > 0) {
      const bytes = digest(segment);
      if (options.wrongDataDigest === true) bytes[0]! ^= 1;
      parts.push(bytes);
    }
    return Buffer.concat(parts);
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Uint8Array): void {
    this.#engine.deliver(this.socket, bytes);
  }

  /** Sends a PDU; returns its Initiator Task Tag. */
  send<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>> = {}, options: SimSendOptions = {}): number {
    const bytes = this.encode(layout, values, options);
    this.sendBytes(bytes);
    return bytes.readUInt32BE(16);
  }

  /** Sends a SCSI Command; returns its Initiator Task Tag. */
  command(cdb: Uint8Array, options: SimCommandOptions = {}): number {
    const bytes = this.encodeCommand(cdb, options);
    this.sendBytes(bytes);
    return bytes.readUInt32BE(16);
  }

  /** A SCSI Command's bytes. */
  encodeCommand(cdb: Uint8Array, options: SimCommandOptions = {}): Buffer {
    const { lun = 0, read = 0, write = 0, unsolicited = false, values, ...sending } = options;
    const whole = Buffer.alloc(16);
    whole.set(cdb);
    const flags = (unsolicited ? 0 : FINAL_BIT) | (read > 0 ? READ_BIT : 0) | (write > 0 ? WRITE_BIT : 0);
    const given = { flags, lun: lunField(lun), expectedDataTransferLength: write || read, cdb: whole, ...values };
    return this.encode(ScsiCommand, given, sending);
  }

  /** Sends one Data-Out PDU. */
  dataOut(tag: number, data: Uint8Array, values: Partial<HeaderValues<typeof DataOut>>, options: SimSendOptions = {}) {
    this.send(DataOut, { initiatorTaskTag: tag, ...values }, { ...options, data });
  }

  /** Sends an immediate task management function. */
  taskManagement(taskFunction: number, values: Partial<HeaderValues<typeof TaskManagementRequest>> = {}): number {
    const flags = FINAL_BIT | taskFunction;
    const given = { flags, lun: lunField(0), referencedTaskTag: RESERVED_TAG, ...values };
    return this.send(TaskManagementRequest, given, { immediate: true });
  }

  /** Declares that it takes segments of another length from now on (RFC 7143 §13.12). */
  declareSegmentLength(length: number): void {
    this.send(TextRequest, {}, { data: encodePairs([['MaxRecvDataSegmentLength', `${length}`]]) });
  }

  /** Every whole PDU that came since the last call. Digests are checked, and that padding tells nothing of what was in memory before. */
  replies(): Pdu[] {
    const sent = this.open ? this.#engine.takeSent(this.socket) : this.#engine.takeLast(this.socket);
    this.#received = Buffer.concat([this.#received, sent]);
    const pdus: Pdu[] = [];
    for (let pdu = this.#take(); pdu !== null; pdu = this.#take()) pdus.push(pdu);
    return pdus;
  }

  #take(): Pdu | null {
    const bytes = this.#received;
    if (bytes.length < BHS_SIZE) return null;
    const length = Bhs.dataSegmentLength.get(viewOf(bytes), 0);
    // The final Login Response knows no digests.
    const login = (bytes[0]! & OPCODE_MASK) === 0x23;
    const headerDigest = !login && this.connection.headerDigest === Digest.crc32c;
    const dataDigest = !login && this.connection.dataDigest === Digest.crc32c && length > 0;
    const start = BHS_SIZE + (headerDigest ? DIGEST_SIZE : 0);
    const end = start + padded(length);
    if (bytes.length < end + (dataDigest ? DIGEST_SIZE : 0)) return null;
    if (headerDigest && bytes.readUInt32LE(BHS_SIZE) !== crc32c(bytes, 0, BHS_SIZE)) throw new Error('header digest');
    if (dataDigest && bytes.readUInt32LE(end) !== crc32c(bytes, start, end - start)) throw new Error('data digest');
    if (bytes.subarray(start + length, end).some((byte) => byte !== 0)) throw new Error('padding');
    this.#received = bytes.subarray(end + (dataDigest ? DIGEST_SIZE : 0));
    this.heard++;
    this.expCmdSN = bytes.readUInt32BE(28);
    this.maxCmdSN = bytes.readUInt32BE(32);
    const header = bytes.subarray(0, BHS_SIZE);
    return { opcode: bytes[0]! & OPCODE_MASK, header, data: bytes.subarray(start, start + length) };
  }
}

/** Those of the PDUs that are about the command with that tag. */
export function ofCommand(pdus: readonly Pdu[], tag: number): Pdu[] {
  return pdus.filter(({ header }) => Bhs.initiatorTaskTag.get(viewOf(header), 0) === tag);
}
