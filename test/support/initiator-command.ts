// The initiator's side of a SCSI command from first PDU to status: immediate and unsolicited data, R2Ts, Data-In, sense.
// It checks what every target owes it (order of DataSN, offsets, bursts); what the data should be is for the test.

import { padded } from '../../src/pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { AHS_HEADER_SIZE, AhsType, READ_BIT, ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { OVERFLOW_BIT, ScsiResponse, SENSE_LENGTH_SIZE, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { decode, describeHeader, type HeaderValues, lunField } from './header-values.ts';
import type { Pdu } from './pdu-socket.ts';
import type { RawInitiator } from './raw-initiator.ts';

/** What a command moves. */
export interface CommandOptions {
  readonly lun?: number;
  /** Data that goes to the target. */
  readonly write?: Uint8Array;
  /** Bytes expected from the target: the Expected Data Transfer Length, unless `values` has another. */
  readonly read?: number;
  /** Bytes that ride in the command PDU; as many as may when left out. */
  readonly immediateBytes?: number;
  /** Bytes that follow unasked, the immediate ones included; as many as may when left out. */
  readonly unsolicitedBytes?: number;
  /** Deliver immediately. */
  readonly immediate?: boolean;
  /** Fields of the command's header. */
  readonly values?: Partial<HeaderValues<typeof ScsiCommand>>;
}

/** Sense data, whichever format they came in. */
export interface SenseReport {
  readonly key: number;
  /** `ASC << 8 | ASCQ`. */
  readonly additional: number;
  readonly bytes: Buffer;
}

export interface CommandResult {
  readonly tag: number;
  /** The iSCSI service response; 0 when the status came with the data. */
  readonly response: number;
  /** The SCSI status. */
  readonly status: number;
  readonly sense: SenseReport | null;
  /** What the Data-In PDUs put together. */
  readonly data: Buffer;
  /** Bytes beyond (positive) or short of (negative) the Expected Data Transfer Length, as the target says. */
  readonly residual: number;
  readonly dataIn: readonly HeaderValues<typeof DataIn>[];
  readonly r2t: readonly HeaderValues<typeof R2T>[];
}

/** Sends a command and plays it to its end. No other command of this connection may be outstanding. */
export async function runCommand(
  initiator: RawInitiator,
  cdb: Uint8Array,
  options: CommandOptions = {},
): Promise<CommandResult> {
  const task = new InitiatorTask(initiator, options);
  task.start(cdb);
  for (;;) {
    const pdu = await initiator.receiveAnswer();
    if (pdu === null) throw new Error('the target closed the connection under a command');
    const result = task.hear(pdu);
    if (result !== null) return result;
  }
}

/** The additional header segment for what a CDB has beyond 16 bytes (RFC 7143 §11.2.2.3). */
export function extendedCdb(rest: Uint8Array): Buffer {
  if (rest.length === 0) return Buffer.alloc(0);
  const ahs = Buffer.alloc(padded(AHS_HEADER_SIZE + rest.length));
  ahs.writeUInt16BE(1 + rest.length);
  ahs[2] = AhsType.EXTENDED_CDB;
  ahs.set(rest, AHS_HEADER_SIZE);
  return ahs;
}

class InitiatorTask {
  readonly #initiator: RawInitiator;
  readonly #options: CommandOptions;
  readonly #write: Uint8Array;
  readonly #dataIn: HeaderValues<typeof DataIn>[] = [];
  readonly #r2t: HeaderValues<typeof R2T>[] = [];
  readonly #data: Buffer;
  #received = 0;
  #tag = 0;

  constructor(initiator: RawInitiator, options: CommandOptions) {
    this.#initiator = initiator;
    this.#options = options;
    this.#write = options.write ?? new Uint8Array(0);
    this.#data = Buffer.alloc(options.read ?? 0);
  }

  start(cdb: Uint8Array): void {
    const { immediate = false, read = 0, values } = this.#options;
    const { immediateBytes, unsolicitedBytes } = this.#unasked();
    const whole = Buffer.alloc(16);
    whole.set(cdb.subarray(0, whole.length));
    const direction = (read > 0 ? READ_BIT : 0) | (this.#write.length > 0 ? WRITE_BIT : 0);
    this.#tag = this.#initiator.send(
      ScsiCommand,
      {
        flags: (unsolicitedBytes > immediateBytes ? 0 : FINAL_BIT) | direction,
        lun: lunField(this.#options.lun ?? 0),
        expectedDataTransferLength: this.#write.length || read,
        cdb: whole,
        ...values,
      },
      { immediate, data: this.#write.subarray(0, immediateBytes), ahs: extendedCdb(cdb.subarray(whole.length)) },
    );
    if (unsolicitedBytes > immediateBytes) this.#sendData(immediateBytes, unsolicitedBytes, {});
  }

  /** How much goes out before the target asks. */
  #unasked(): { immediateBytes: number; unsolicitedBytes: number } {
    const { session, parameters } = this.#initiator;
    const { firstBurstLength, immediateData, initialR2T } = session.parameters;
    const burst = Math.min(this.#write.length, firstBurstLength);
    const most = immediateData ? Math.min(burst, parameters.maxXmitDataSegmentLength) : 0;
    const immediateBytes = this.#options.immediateBytes ?? most;
    const unsolicitedBytes = this.#options.unsolicitedBytes ?? (initialR2T ? immediateBytes : burst);
    return { immediateBytes, unsolicitedBytes: Math.max(immediateBytes, unsolicitedBytes) };
  }

  /** One sequence of Data-Out PDUs for the bytes from `start` to `end`. */
  #sendData(start: number, end: number, values: Partial<HeaderValues<typeof DataOut>>): void {
    const segment = this.#initiator.parameters.maxXmitDataSegmentLength;
    let dataSN = 0;
    for (let offset = start; offset < end; offset += segment) {
      const data = this.#write.subarray(offset, Math.min(end, offset + segment));
      const flags = offset + data.length === end ? FINAL_BIT : 0;
      const header = { flags, initiatorTaskTag: this.#tag, dataSN: dataSN++, bufferOffset: offset, ...values };
      this.#initiator.send(DataOut, header, { data });
    }
  }

  /** Takes a PDU; the result when it was the last. */
  hear(pdu: Pdu): CommandResult | null {
    switch (pdu.opcode) {
      case Opcode.R2T:
        this.#hearR2T(pdu);
        return null;
      case Opcode.DATA_IN:
        return this.#hearDataIn(pdu);
      case Opcode.SCSI_RESPONSE:
        return this.#hearResponse(pdu);
      default:
        throw this.#broken('a command is answered with something else', pdu);
    }
  }

  #hearR2T(pdu: Pdu): void {
    const r2t = decode(R2T, pdu.header);
    const end = r2t.bufferOffset + r2t.desiredDataTransferLength;
    if (r2t.initiatorTaskTag !== this.#tag) throw this.#broken('an R2T for another task', pdu);
    if (r2t.r2tSN !== this.#r2t.length) throw this.#broken('R2TSN out of order', pdu);
    if (end > this.#write.length) throw this.#broken('an R2T for more than there is', pdu);
    if (r2t.desiredDataTransferLength > this.#initiator.session.parameters.maxBurstLength) {
      throw this.#broken('an R2T for more than MaxBurstLength', pdu);
    }
    this.#r2t.push(r2t);
    this.#sendData(r2t.bufferOffset, end, { targetTransferTag: r2t.targetTransferTag, lun: r2t.lun });
  }

  #hearDataIn(pdu: Pdu): CommandResult | null {
    const header = decode(DataIn, pdu.header);
    if (header.initiatorTaskTag !== this.#tag) throw this.#broken('Data-In for another task', pdu);
    if (header.dataSN !== this.#dataIn.length) throw this.#broken('DataSN out of order', pdu);
    if (header.bufferOffset !== this.#received) throw this.#broken('Data-In out of order', pdu);
    if (pdu.data.length > this.#initiator.parameters.maxRecvDataSegmentLength) {
      throw this.#broken('a data segment longer than MaxRecvDataSegmentLength', pdu);
    }
    if (this.#received + pdu.data.length > this.#data.length) throw this.#broken('more data than expected', pdu);
    this.#dataIn.push(header);
    this.#data.set(pdu.data, header.bufferOffset);
    this.#received += pdu.data.length;
    if ((header.flags & STATUS_BIT) === 0) return null;
    return this.#result(0, header.status, residualOf(header.flags, header.residualCount), null);
  }

  #hearResponse(pdu: Pdu): CommandResult {
    const header = decode(ScsiResponse, pdu.header);
    if (header.initiatorTaskTag !== this.#tag) throw this.#broken('a response for another task', pdu);
    const residual = residualOf(header.flags, header.residualCount);
    return this.#result(header.response, header.status, residual, senseOf(pdu.data));
  }

  #result(response: number, status: number, residual: number, sense: SenseReport | null): CommandResult {
    const data = this.#data.subarray(0, this.#received);
    return { tag: this.#tag, response, status, sense, data, residual, dataIn: this.#dataIn, r2t: this.#r2t };
  }

  #broken(rule: string, pdu: Pdu): Error {
    return new Error(`${rule}: ${describeHeader(pdu.header, pdu.opcode)}`);
  }
}

function residualOf(flags: number, count: number): number {
  if ((flags & OVERFLOW_BIT) !== 0) return count;
  return (flags & UNDERFLOW_BIT) !== 0 ? -count : 0;
}

/** Sense data of a response's data segment: behind their length, in fixed or descriptor format (SPC-5 §4.5). */
function senseOf(data: Buffer): SenseReport | null {
  const length = data.length < SENSE_LENGTH_SIZE ? 0 : data.readUInt16BE(0);
  if (length === 0) return null;
  const bytes = data.subarray(SENSE_LENGTH_SIZE, SENSE_LENGTH_SIZE + length);
  const descriptor = (bytes[0]! & 0x7f) >= 0x72;
  return {
    key: bytes[descriptor ? 1 : 2]! & 0x0f,
    additional: bytes.readUInt16BE(descriptor ? 2 : 12),
    bytes,
  };
}
