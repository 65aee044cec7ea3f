// One full-feature connection: takes PDUs from the framer, gives each to the part that knows it, and puts answers on the wire.
// Sequence numbers and sending are here; what a PDU means is in the files named after it.

import { NONE } from '../base/free-list.ts';
import type { Address, Engine, SocketHandle } from '../engine/engine.ts';
import { NO_RELEASE } from '../engine/engine.ts';
import { BHS_SIZE, Bhs, DIGEST_SIZE, padded } from '../pdu/bhs.ts';
import { crc32c } from '../pdu/digest.ts';
import { IMMEDIATE_BIT, OPCODE_MASK, Opcode, opcodeName } from '../pdu/opcode.ts';
import { type ConnectionParameters, Digest } from '../pdu/parameters.ts';
import { Counter } from '../ring/counters.ts';
import type { Piece } from '../scsi/task.ts';
import { AbortWait } from './abort-wait.ts';
import { commandHeader, commandPayload } from './command.ts';
import { controlPayload } from './control-pdu.ts';
import { dataOutHeader, dataOutPayload } from './data-out.ts';
import { Fault } from './faults.ts';
import { Framer, Verdict } from './framer.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { sendReject } from './reject.ts';
import type { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';
import type { TextExchange } from './text-request.ts';

/** What the payload under way belongs to. */
export const PayloadKind = { none: 0, command: 1, dataOut: 2, control: 3 } as const;
export type PayloadKind = (typeof PayloadKind)[keyof typeof PayloadKind];

/** How far a connection is. */
export const ConnectionState = {
  /** Full feature phase: any PDU but a login. */
  open: 'open',
  /** The Logout Response is on its way; nothing more is read. */
  leaving: 'leaving',
  /** Given up; waiting for the engine to let go. */
  closing: 'closing',
  closed: 'closed',
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** Unsent bytes of memory from which on a connection is not read any more: who does not take answers gets no more commands in. */
const UNSENT_BYTES_MAX = 8 * 1024 * 1024;

/** A connection of a session, in full feature phase. */
export class Connection {
  readonly host: SessionHost;
  readonly session: Session;
  readonly engine: Engine;
  readonly socket: SocketHandle;
  readonly cid: number;
  /** That of the hand-off that brought it. */
  readonly id: number;
  readonly peerAddress: string;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  parameters: ConnectionParameters;
  readonly digestsHeaders: boolean;
  readonly digestsData: boolean;
  /** Bytes of a header with its digest. */
  readonly headerLength: number;
  readonly framer: Framer;
  /** A cell for the header under way. */
  readonly cell: number;
  readonly cellAt: number;
  state: ConnectionState = ConnectionState.open;
  /** The next StatSN. */
  statSN: number;
  /** When the last PDU came, and when a NOP-In was sent that is not answered; 0: none is. Milliseconds of the engine's clock. */
  lastReceived: number;
  pingSent = 0;
  /** Tasks of this connection, oldest first. */
  firstTask: IscsiTask | null = null;
  lastTask: IscsiTask | null = null;
  // The payload under way.
  payloadKind: PayloadKind = PayloadKind.none;
  payloadTask: IscsiTask | null = null;
  payloadPiece: Piece | null = null;
  /** Data bytes of the PDU, and how many of them are kept. */
  payloadLength = 0;
  payloadKept = 0;
  /** Data-Out: the PDU ends its sequence. */
  payloadFinal = false;
  /** The slot that a control PDU's data goes to. */
  payloadSlot: number = NONE;
  /** Why it closes once its tasks have ended; empty: it does not. */
  finishing = '';
  /** A text exchange that is not over. */
  textExchange: TextExchange | null = null;
  /** Memory with the engine, waiting to be sent. */
  #unsent = 0;
  #throttled = false;
  /** Who waits for the end of the connection. */
  readonly #closeWaits: AbortWait[] = [];

  constructor(
    host: SessionHost,
    session: Session,
    socket: SocketHandle,
    options: {
      id: number;
      cid: number;
      statSN: number;
      peerAddress: string;
      parameters: ConnectionParameters;
      cell: number;
    },
  ) {
    this.host = host;
    this.session = session;
    this.engine = host.engine;
    this.socket = socket;
    this.cid = options.cid;
    this.id = options.id;
    this.peerAddress = options.peerAddress;
    this.view = host.engine.slab.view;
    this.bytes = host.engine.slab.bytes;
    this.parameters = options.parameters;
    this.digestsHeaders = options.parameters.headerDigest === Digest.crc32c;
    this.digestsData = options.parameters.dataDigest === Digest.crc32c;
    this.headerLength = BHS_SIZE + (this.digestsHeaders ? DIGEST_SIZE : 0);
    this.statSN = options.statSN;
    this.lastReceived = host.engine.now();
    this.cell = options.cell;
    this.cellAt = host.engine.slab.offsetOf(options.cell);
    this.framer = new Framer(host.engine, socket, this, {
      cell: this.cellAt,
      headerDigest: this.digestsHeaders,
      dataDigest: this.digestsData,
      segmentMax: options.parameters.maxRecvDataSegmentLength,
    });
  }

  get open(): boolean {
    return this.state === ConnectionState.open;
  }

  // From the framer

  /** Judges a header at slab offset `at`: which part takes it, and where its payload goes. Allocates nothing for SCSI Command and Data-Out. */
  header(at: number, dataSegmentLength: number): Verdict {
    this.lastReceived = this.engine.now();
    this.payloadLength = dataSegmentLength;
    this.payloadKept = 0;
    this.payloadPiece = null;
    this.payloadTask = null;
    this.payloadKind = PayloadKind.none;
    // A digest error in the data is answered with a Reject that quotes the header, which is gone by then.
    if (this.digestsData && dataSegmentLength !== 0 && at !== this.cellAt) {
      this.bytes.copyWithin(this.cellAt, at, at + BHS_SIZE);
    }
    switch (Bhs.opcode.get(this.view, at) & OPCODE_MASK) {
      case Opcode.SCSI_COMMAND:
        return commandHeader(this, at);
      case Opcode.DATA_OUT:
        return dataOutHeader(this, at);
      default:
        return this.#controlHeader(at, dataSegmentLength);
    }
  }

  /** The data segment is in. */
  payload(intact: boolean): void {
    if (!intact) {
      this.#digestFailed();
      return;
    }
    switch (this.payloadKind) {
      case PayloadKind.command:
        commandPayload(this);
        break;
      case PayloadKind.dataOut:
        dataOutPayload(this);
        break;
      case PayloadKind.control:
        controlPayload(this);
        break;
      default:
    }
    // From here on the task may end, and its object serve another.
    this.payloadTask = null;
    this.payloadPiece = null;
  }

  framingFailed(reason: string): void {
    this.close(reason);
  }

  /** Everything but SCSI Command and Data-Out: header and data are kept until the whole PDU is there. */
  #controlHeader(at: number, dataSegmentLength: number): Verdict {
    if (dataSegmentLength !== 0) {
      const slot = this.engine.slab.takeSlot(dataSegmentLength);
      if (slot === NONE) return this.stall();
      this.payloadSlot = slot;
      this.framer.expectPayload(this.engine.slab.offsetOf(slot), dataSegmentLength);
      this.payloadKept = dataSegmentLength;
    }
    if (at !== this.cellAt) this.bytes.copyWithin(this.cellAt, at, at + BHS_SIZE);
    this.payloadKind = PayloadKind.control;
    return Verdict.accepted;
  }

  /** No memory for what comes next: the connection is not read until some comes back. */
  stall(): Verdict {
    this.engine.pauseReceive(this.socket);
    this.host.stalled.add(this);
    return Verdict.stalled;
  }

  /** Memory came back. */
  resume(): void {
    if (this.state !== ConnectionState.open) return;
    if (this.framer.resume() && !this.#throttled) this.engine.resumeReceive(this.socket);
  }

  /** RFC 7143 §7.8 at ErrorRecoveryLevel 0. */
  #digestFailed(): void {
    this.host.counters[Counter.digestErrors]!++;
    sendReject(this, this.cellAt, Fault.dataDigest.reason);
    switch (this.payloadKind) {
      case PayloadKind.dataOut:
        dataOutPayload(this, true);
        this.payloadTask = null;
        this.payloadPiece = null;
        return;
      case PayloadKind.command:
        // The command's CmdSN is spent, the command is not: only a new session can mend that.
        this.close('data digest error in a command with immediate data');
        return;
      default:
        this.dropPayloadSlot();
    }
  }

  /** Gives the memory of a control PDU's data back. */
  dropPayloadSlot(): void {
    if (this.payloadSlot === NONE) return;
    this.engine.slab.release(this.payloadSlot);
    this.payloadSlot = NONE;
  }

  // Tasks

  link(task: IscsiTask): void {
    task.previousInConnection = this.lastTask;
    if (this.lastTask === null) this.firstTask = task;
    else this.lastTask.nextInConnection = task;
    this.lastTask = task;
  }

  unlink(task: IscsiTask): void {
    if (task.previousInConnection === null) this.firstTask = task.nextInConnection;
    else task.previousInConnection.nextInConnection = task.nextInConnection;
    if (task.nextInConnection === null) this.lastTask = task.previousInConnection;
    else task.nextInConnection.previousInConnection = task.previousInConnection;
  }

  /** A command's status is about to be written: its place in the window is free for another. */
  commandEnds(task: IscsiTask): void {
    if (!task.immediate) this.session.window.ended();
  }

  // Sending

  /** A cell for a PDU; a connection that can't have one is beyond help. */
  takeCell(): number {
    const cell = this.engine.slab.takeCell();
    if (cell === NONE) throw new RangeError('out of response memory');
    return cell;
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
    this.view.setUint32(at + 24, this.statSN);
    this.statSN = (this.statSN + 1) >>> 0;
    this.writeWindow(at);
  }

  /** Writes the next StatSN without using it up (R2T, NOP-In of our own). */
  writeNextStatSN(at: number): void {
    this.view.setUint32(at + 24, this.statSN);
    this.writeWindow(at);
  }

  /** Data-In without status: the StatSN field is reserved. */
  writeNoStatSN(at: number): void {
    this.view.setUint32(at + 24, 0);
    this.writeWindow(at);
  }

  /** ExpCmdSN and MaxCmdSN. */
  writeWindow(at: number): void {
    const window = this.session.window;
    this.view.setUint32(at + 28, window.expCmdSN);
    this.view.setUint32(at + 32, window.maxCmdSN);
  }

  /** Puts the header digest behind the header at `at`, where one was negotiated. */
  sealHeader(at: number): void {
    if (this.digestsHeaders) this.view.setUint32(at + BHS_SIZE, crc32c(this.bytes, at, BHS_SIZE), true);
  }

  /** Sends header and data that stand together at `at`: pads, seals, queues. `token` comes back once the bytes have left. Allocates nothing. */
  sendSegment(at: number, length: number, token: number): void {
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

  sendAddress(address: Address, length: number, token: number): void {
    if (token !== NO_RELEASE) {
      this.#unsent += this.engine.slab.footprint(token);
      this.host.unsentTokens++;
    }
    if (this.#unsent > UNSENT_BYTES_MAX && !this.#throttled && this.open) {
      this.#throttled = true;
      this.host.throttled++;
      this.engine.pauseReceive(this.socket);
    }
    this.engine.send(this.socket, address, length, token);
  }

  /** The engine is done with `token`'s memory. Allocates nothing. */
  released(token: number): void {
    this.host.unsentTokens--;
    this.#unsent -= this.engine.slab.footprint(token);
    this.engine.slab.release(token);
    if (!this.#throttled || this.#unsent > UNSENT_BYTES_MAX / 2) return;
    this.#throttled = false;
    this.host.throttled--;
    if (this.open && !this.framer.stalled) this.engine.resumeReceive(this.socket);
  }

  // Ending

  /** Refuses the PDU whose header lies at `at` and goes on. */
  reject(at: number, fault: Fault): void {
    const opcode = Bhs.opcode.get(this.view, at);
    this.host.log('warn', `rejected a PDU: ${fault.message}`, {
      ...this.logFields(),
      pdu: opcodeName(opcode & OPCODE_MASK),
      immediate: (opcode & IMMEDIATE_BIT) !== 0,
      rfc: fault.clause,
    });
    sendReject(this, at, fault.reason);
  }

  /** Gives the connection up: nothing more is read or sent. Tasks end when the engine has let go. */
  close(reason: string): void {
    if (this.state === ConnectionState.closing || this.state === ConnectionState.closed) return;
    this.host.log('info', `connection closed: ${reason}`, this.logFields());
    this.state = ConnectionState.closing;
    this.session.endReason = reason;
    this.stopReading();
    this.engine.close(this.socket, false);
  }

  /** As `close`; `wait` hears when connection and tasks are gone. */
  closeThen(reason: string, wait: AbortWait): void {
    wait.add();
    this.#closeWaits.push(wait);
    this.close(reason);
  }

  /** The engine has let go of the socket: nothing is being received, so every task can end. */
  socketClosed(): void {
    this.state = ConnectionState.closed;
    if (this.payloadTask !== null) this.payloadTask.receiving = false;
    this.dropPayloadSlot();
    this.session.abortConnection(this, () => {
      this.host.connectionClosed(this);
      for (const wait of this.#closeWaits) wait.taskEnded();
    });
  }

  /**
   * The target stops: what the disks have begun is finished and answered, what waits for more data from the initiator is given up, and
   * then the connection closes.
   */
  finish(reason: string): void {
    if (this.state !== ConnectionState.open || this.finishing !== '') return;
    this.finishing = reason;
    this.stopReading();
    const wait = new AbortWait(() => {});
    this.session.abortTasks((task) => task.connection === this && task.piecesInFlight === 0, wait);
    this.taskEnded();
  }

  /** A task has gone. */
  taskEnded(): void {
    if (this.finishing !== '' && this.firstTask === null) this.leave(this.finishing);
  }

  /** A logout is under way: whatever the peer still sends is dropped. */
  stopReading(): void {
    this.framer.kill();
    this.host.stalled.delete(this);
  }

  /** The last answer is queued: close once it has left. */
  leave(reason: string): void {
    if (this.state !== ConnectionState.open) return;
    this.state = ConnectionState.leaving;
    this.session.endReason = reason;
    this.stopReading();
    this.engine.close(this.socket, true);
  }

  logFields(): Record<string, unknown> {
    return {
      initiator: this.session.nexus.initiatorName,
      peer: this.peerAddress,
      tsih: this.session.tsih,
      cid: this.cid,
    };
  }
}
