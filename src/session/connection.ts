// One full-feature connection: takes PDUs from the framer, gives each to the part that knows it, and ends in good order.
// Sending is pdu-sender.ts; what a PDU means is in the files named after it.

import type { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import type { SocketHandle } from '../engine/engine.ts';
import { BHS_SIZE } from '../pdu/bhs.ts';
import { OPCODE_MASK, Opcode } from '../pdu/opcode.ts';
import { ScsiCommand } from '../pdu/scsi-command.ts';
import { Counter } from '../ring/counters.ts';
import type { Handoff } from '../ring/messages.ts';
import type { Piece } from '../scsi/task.ts';
import { announceSessionDrop } from './async-message.ts';
import { candidatePayload, commandHeader, commandPayload, dropCommand } from './command.ts';
import { ConnectionState } from './connection-state.ts';
import { controlHeader, controlPayload } from './control-pdu.ts';
import { dataOutHeader, dataOutPayload } from './data-out.ts';
import { digestFailed } from './digest-error.ts';
import type { Fault } from './faults.ts';
import { type FrameConsumer, Framer, Verdict } from './framer.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { KeepAlive } from './keep-alive.ts';
import { logsOutAnother } from './logout.ts';
import { abandon, keepLost } from './lost-connection.ts';
import { PayloadKind } from './payload-kind.ts';
import { PduSender } from './pdu-sender.ts';
import { rejectPdu } from './reject.ts';
import type { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';
import type { TextExchange } from './text-request.ts';
import { Unanswered } from './unanswered.ts';

/** ExpStatSN stands at the same place in every request. */
const EXP_STAT_SN = ScsiCommand.expStatSN.offset;
/** An initiator that has been sent its last answers has this long to take them. */
const LEAVE_MS = 15_000;

/** A connection of a session, in full feature phase. */
export class Connection extends PduSender implements FrameConsumer {
  readonly cid: number;
  /** That of the hand-off that brought it. */
  readonly id: number;
  readonly peerAddress: string;
  /** The answer to SendTargets inside the session, as of the login: addresses are those of where it came in. */
  readonly sendTargets: string;
  readonly framer: Framer;
  /** A cell for the header under way. */
  readonly cell: number;
  readonly cellAt: number;
  state: ConnectionState = ConnectionState.open;
  /** A PDU has come since the last tick. */
  heard = false;
  readonly keepAlive: KeepAlive;
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
  /** The slot that a control PDU's data goes to, or data whose task has ended meanwhile. */
  payloadSlot: number = NONE;
  /** When the last answer was queued, on the engine's clock. */
  #leftAt = 0;
  /** Its tasks end with it, whatever the ErrorRecoveryLevel. */
  expendable = false;
  /** When its transport was lost. */
  lostAt = 0;
  /** Main knows that it takes no part in its session any more. */
  reported = false;
  /** Why it closes once its tasks have ended; empty: it does not. */
  finishing = '';
  readonly unanswered = new Unanswered();
  /** A text exchange that is not over. */
  textExchange: TextExchange | null = null;
  /** Who waits for the end of the connection. */
  readonly #closeWaits: Countdown[] = [];

  /** `handoff` brought it, `cell` is its own from here on. */
  constructor(host: SessionHost, session: Session, socket: SocketHandle, handoff: Handoff, cell: number) {
    super(host, session, socket, handoff.connection, handoff.statSN);
    this.cid = handoff.cid;
    this.id = handoff.id;
    this.peerAddress = handoff.peerAddress;
    this.sendTargets = handoff.sendTargets;
    this.keepAlive = new KeepAlive(host.engine.now());
    this.cell = cell;
    this.cellAt = host.engine.slab.offsetOf(cell);
    this.framer = new Framer(host.engine, socket, this, {
      cell: this.cellAt,
      headerDigest: this.digestsHeaders,
      dataDigest: this.digestsData,
      segmentMax: handoff.connection.maxRecvDataSegmentLength,
    });
  }

  get open(): boolean {
    return this.state === ConnectionState.open;
  }

  /** Answers leave, or are kept until another connection takes the tasks up. */
  get answering(): boolean {
    return this.open || this.recoverable;
  }

  /** Its tasks outlive its transport (§7.1.4.3). */
  get recoverable(): boolean {
    const { errorRecoveryLevel, defaultTime2Retain } = this.session.parameters;
    return errorRecoveryLevel === 2 && defaultTime2Retain !== 0 && !this.expendable;
  }

  // From the framer

  /** Judges a header at slab offset `at`: which part takes it, and where its payload goes. Allocates nothing for SCSI Command and Data-Out. */
  header(at: number, dataSegmentLength: number): Verdict {
    this.heard = true;
    this.payloadLength = dataSegmentLength;
    this.payloadKept = 0;
    this.payloadPiece = null;
    this.payloadTask = null;
    this.payloadKind = PayloadKind.none;
    // ExpStatSN is this connection's, but in a logout of another.
    if (this.sent !== null && !logsOutAnother(this, at)) this.sent.acknowledge(this.view.getUint32(at + EXP_STAT_SN));
    // A digest error in the data is answered with a Reject that quotes the header, which is gone by then.
    if (this.digestsData && dataSegmentLength !== 0 && at !== this.cellAt) {
      this.bytes.copyWithin(this.cellAt, at, at + BHS_SIZE);
    }
    switch (this.view.getUint8(at) & OPCODE_MASK) {
      case Opcode.SCSI_COMMAND:
        return commandHeader(this, at);
      case Opcode.DATA_OUT:
        return dataOutHeader(this, at);
      default:
        return controlHeader(this, at, dataSegmentLength);
    }
  }

  /** The data segment is in. */
  payload(intact: boolean): void {
    if (!intact) {
      digestFailed(this);
      return;
    }
    switch (this.payloadKind) {
      case PayloadKind.command:
        commandPayload(this);
        break;
      case PayloadKind.dataOut:
        dataOutPayload(this);
        break;
      case PayloadKind.candidate:
        candidatePayload(this);
        break;
      case PayloadKind.control:
        controlPayload(this);
        break;
      default:
        this.dropPayloadSlot();
    }
    // From here on the task may end, and its object serve another.
    this.payloadTask = null;
    this.payloadPiece = null;
  }

  framingFailed(reason: string, digest: boolean): void {
    if (digest) this.host.counters[Counter.headerDigestErrors]!++;
    this.close(reason, digest ? 'warn' : 'info');
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
    if (this.framer.resume() && !this.throttled) this.engine.resumeReceive(this.socket);
  }

  /** What was unsent has left: more may come. */
  protected readable(): void {
    if (this.open && !this.framer.stalled) this.engine.resumeReceive(this.socket);
  }

  /**
   * `task` ends while data of its own come in. Where they go stays taken until they are in, because the kernel may be writing there; but
   * nobody waits for an initiator that stops in the middle of a PDU.
   */
  forgetPayload(task: IscsiTask): void {
    if (this.payloadTask !== task || !task.receiving) return;
    const piece = this.payloadPiece;
    // Data that are kept go to a piece that is not full yet: no backend has it.
    if (piece !== null && this.payloadKept !== 0) {
      this.payloadSlot = piece.slot;
      piece.slot = NONE;
    }
    task.receiving = false;
    this.payloadKind = PayloadKind.none;
    this.payloadTask = null;
    this.payloadPiece = null;
  }

  /** Gives the memory of data that belong to no task back. */
  dropPayloadSlot(): void {
    if (this.payloadSlot === NONE) return;
    this.engine.slab.release(this.payloadSlot);
    this.payloadSlot = NONE;
  }

  // Tasks

  /** Puts a task at the end of the list. It may come from that of another connection. */
  link(task: IscsiTask): void {
    task.previousInConnection = this.lastTask;
    task.nextInConnection = null;
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

  // Ending

  /** Refuses the PDU whose header lies at `at` and goes on. */
  reject(at: number, fault: Fault): void {
    rejectPdu(this, at, fault);
  }

  /** Gives the connection up: nothing more is read or sent. Tasks end when the engine has let go. `level`: of the log. */
  close(reason: string, level: 'info' | 'warn' = 'info'): void {
    if (!this.open && this.state !== ConnectionState.leaving) return;
    this.host.log(level, `connection closed: ${reason}`, this.logFields());
    this.state = ConnectionState.closing;
    this.session.endReason = reason;
    this.stopReading();
    this.stopSending();
    this.engine.close(this.socket, false);
  }

  /**
   * As `close`; `wait` hears when connection and tasks are gone. `announced`: its initiator is told beforehand (§11.9.1). `recovers`: the tasks
   * may go on over another connection, and `wait` hears when only they are left.
   */
  closeThen(reason: string, wait: Countdown, { announced = false, recovers = false } = {}): void {
    wait.add();
    this.#closeWaits.push(wait);
    if (!recovers) {
      abandon(this);
      this.expendable = true;
    }
    if (announced && this.open) {
      announceSessionDrop(this);
      this.leave(reason);
    } else this.close(reason);
  }

  /** The engine has let go of the socket: nothing is being received, so every task can end. */
  socketClosed(): void {
    this.state = ConnectionState.closed;
    if (this.payloadKind === PayloadKind.candidate && this.payloadTask !== null) dropCommand(this);
    if (this.payloadTask !== null) this.payloadTask.receiving = false;
    this.payloadTask = null;
    this.dropPayloadSlot();
    if (!this.recoverable) {
      this.end();
      return;
    }
    keepLost(this);
    this.#endWaits();
  }

  /** Nothing is left of its transport: its tasks end, and it with them. */
  end(): void {
    this.state = ConnectionState.closed;
    this.session.abortConnection(this, () => {
      this.host.connectionClosed(this);
      this.#endWaits();
    });
  }

  #endWaits(): void {
    for (const wait of this.#closeWaits.splice(0)) wait.done();
  }

  /** A task has gone. */
  taskEnded(): void {
    if (this.finishing !== '' && this.firstTask === null) this.leave(this.finishing);
  }

  /** Whatever the peer still sends is dropped. */
  stopReading(): void {
    this.framer.kill();
    this.host.stalled.delete(this);
  }

  /**
   * The last answer is queued: close once it has left. Main hears before the peer does, who may log in anew at once; but a login waits for
   * tasks that have not ended, and then main hears when they have.
   */
  leave(reason: string): void {
    abandon(this);
    this.expendable = true;
    if (this.state !== ConnectionState.open) return;
    this.state = ConnectionState.leaving;
    this.#leftAt = this.engine.now();
    this.session.endReason = reason;
    this.stopReading();
    this.stopSending();
    if (this.firstTask === null) this.session.connectionGone(this);
    this.engine.close(this.socket, true);
  }

  /** About once a second: who is silent is asked, who answers nothing or takes nothing is given up. */
  tick(now: number, late: number): void {
    this.sent?.retransmission.pump(this);
    if (this.open) this.keepAlive.tick(this, now, late);
    else if (this.state === ConnectionState.leaving && now - this.#leftAt >= LEAVE_MS) {
      this.close('its last answers were not taken');
    }
  }

  logFields(): Record<string, unknown> {
    return {
      initiator: this.session.nexus.name.initiatorName,
      peer: this.peerAddress,
      tsih: this.session.tsih,
      cid: this.cid,
    };
  }
}
