// The SCSI Command PDU (RFC 7143 §11.3): from header to running task, immediate data included.
// What the CDB means is scsi/'s; data that follows in PDUs of its own is data-out.ts's.

import { BHS_SIZE } from '../pdu/bhs.ts';
import { FINAL_BIT, IMMEDIATE_BIT } from '../pdu/opcode.ts';
import { AHS_HEADER_SIZE, AhsType, ATTRIBUTE_MASK, READ_BIT, ScsiCommand, WRITE_BIT } from '../pdu/scsi-command.ts';
import { Counter } from '../ring/counters.ts';
import { Figure } from '../ring/figures.ts';
import { readLun } from '../scsi/lun.ts';
import { AdditionalSense, fail, SenseKey } from '../scsi/sense.ts';
import { CDB_BYTES_MAX, Movement, Status, takesData } from '../scsi/task.ts';
import { Arrival } from './cmd-window.ts';
import type { Connection } from './connection.ts';
import { readDirectly } from './direct-read.ts';
import { Fault } from './faults.ts';
import { NOWHERE, Verdict } from './framer.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { PayloadKind } from './payload-kind.ts';

/** CDB bytes in the header itself; longer CDBs go on in an additional header segment. */
const CDB_BYTES = 16;
const CDB_WORDS = CDB_BYTES >> 2;
/** Immediate commands of one session at a time; more are rejected (§4.2.2.1 lets the target choose). */
const IMMEDIATE_TASKS_MAX = 32;

/** Takes a SCSI Command's header at slab offset `at`. Allocates nothing. */
export function commandHeader(connection: Connection, at: number): Verdict {
  if (readDirectly(connection, at)) return Verdict.done;
  const view = connection.view;
  const session = connection.session;
  const opcode = ScsiCommand.opcode.get(view, at);
  const immediate = (opcode & IMMEDIATE_BIT) !== 0;
  const cmdSN = ScsiCommand.cmdSN.get(view, at);
  const arrival = immediate ? Arrival.now : session.window.judge(cmdSN);
  // §4.2.2.1: ignored silently, and its data with it.
  if (arrival === Arrival.ignore) return Verdict.accepted;
  const fault = judgeFlags(connection, at);
  if (fault !== null) {
    connection.reject(at, fault);
    return Verdict.accepted;
  }
  if (immediate && session.immediateTasks >= IMMEDIATE_TASKS_MAX) {
    connection.reject(at, Fault.tooManyImmediate);
    return Verdict.accepted;
  }
  const host = connection.host;
  const task = host.tasks.take();
  if (!fill(connection, task, at)) {
    host.tasks.give(task);
    connection.reject(at, Fault.badAhs);
    return Verdict.accepted;
  }
  task.immediate = immediate;
  task.cmdSN = cmdSN;
  host.processor.decode(task);
  limitMovement(task);
  if (!makeRoomUnasked(connection, task)) {
    host.tasks.give(task);
    return connection.stall();
  }
  if (connection.sent !== null && connection.payloadLength !== 0) {
    // §7.2.1: with damaged data, or when the connection breaks in their midst, the command counts as never received. So it is not ours before
    // they are in.
    connection.payloadKind = PayloadKind.candidate;
    connection.payloadTask = task;
    return Verdict.accepted;
  }
  accept(connection, task, arrival);
  return Verdict.accepted;
}

/** The data of a command that waited for them are in, and whole: now it is received. */
export function candidatePayload(connection: Connection): void {
  const task = connection.payloadTask!;
  const arrival = task.immediate ? Arrival.now : connection.session.window.judge(task.cmdSN);
  // ABORT TASK over another connection may have taken its number meanwhile.
  if (arrival === Arrival.ignore) return dropCommand(connection);
  // Its unit may have been removed meanwhile, when nobody knew of the command.
  if (task.unit !== null && task.nexus!.units.get(task.lun) !== task.unit) task.unit = null;
  accept(connection, task, arrival);
  connection.payload(true);
}

/** Forgets a command that was not received. */
export function dropCommand(connection: Connection): void {
  const { host, payloadTask } = connection;
  host.processor.discard(payloadTask!);
  host.tasks.give(payloadTask!);
  connection.payloadKind = PayloadKind.none;
  connection.payloadTask = null;
  connection.payloadPiece = null;
}

/** The command is ours now: it takes its number and, if it is due, its place in the task set. */
function accept(connection: Connection, task: IscsiTask, arrival: Arrival): void {
  const session = connection.session;
  connection.link(task);
  connection.host.counters[Counter.commands]!++;
  session.figures[Figure.inFlight]!++;
  if (task.unit !== null) task.unit.figures[Figure.inFlight]!++;
  connection.payloadKind = PayloadKind.command;
  connection.payloadTask = task;
  // Until `commandPayload`, even without data: what is held behind this command may abort it before.
  task.receiving = true;
  task.arriving = true;
  if (task.immediate) session.immediateTasks++;
  else session.window.take(task.cmdSN);
  if (arrival === Arrival.early) {
    task.held = true;
    session.hold(task.cmdSN, task);
    return;
  }
  admit(connection, task);
  if (session.holding && !task.immediate) session.runHeld();
}

/** §11.3.1, §13.10, §13.11: what the flags may say together with the keys negotiated; null when all is well. */
function judgeFlags(connection: Connection, at: number): Fault | null {
  const flags = ScsiCommand.flags.get(connection.view, at);
  const parameters = connection.session.parameters;
  if ((flags & WRITE_BIT) === 0) return connection.payloadLength === 0 ? null : Fault.dataWithoutWrite;
  if (connection.payloadLength !== 0 && !parameters.immediateData) return Fault.immediateDataOff;
  if ((flags & FINAL_BIT) === 0 && parameters.initialR2T) return Fault.unsolicitedOff;
  return null;
}

/** Copies what the header says into the task; false when its AHS makes no sense. Allocates nothing. */
function fill(connection: Connection, task: IscsiTask, at: number): boolean {
  const view = connection.view;
  const flags = ScsiCommand.flags.get(view, at);
  task.connection = connection;
  task.nexus = connection.session.nexus;
  task.share = connection.share;
  task.arrivedAt = connection.engine.now();
  task.segmentLength = connection.segmentLength;
  task.initiatorTaskTag = ScsiCommand.initiatorTaskTag.get(view, at);
  task.expectedDataTransferLength = ScsiCommand.expectedDataTransferLength.get(view, at);
  task.attribute = flags & ATTRIBUTE_MASK;
  task.reads = (flags & READ_BIT) !== 0;
  task.writes = (flags & WRITE_BIT) !== 0;
  task.unsolicitedOpen = task.writes && (flags & FINAL_BIT) === 0;
  task.ownMemory = connection.digestsData || connection.sent !== null;
  task.lun = readLun(view, at + ScsiCommand.lun.offset);
  task.unit = task.nexus.units.get(task.lun) ?? null;
  const cdb = at + ScsiCommand.cdb.offset;
  for (let word = 0; word < CDB_WORDS; word++) task.cdbWords[word] = view.getInt32(cdb + word * 4, true);
  const ahsLength = ScsiCommand.totalAHSLength.get(view, at) * 4;
  return ahsLength === 0 || fillExtended(connection, task, at + BHS_SIZE, ahsLength);
}

/** Low bits of the type byte; the two above are reserved (§11.2.2.1). */
const AHS_TYPE_MASK = 0x3f;
/** AHSLength of a bidirectional read length: a reserved byte and four of length (§11.2.2.4). */
const BIDIRECTIONAL_LENGTH = 5;

/**
 * The additional header segments: the rest of a long CDB (§11.2.2.3), and a bidirectional read length, which is passed over, as no command here
 * moves data both ways. Each comes once at most; the other types are reserved (§11.2.2.1), and what is in them nobody may guess.
 */
function fillExtended(connection: Connection, task: IscsiTask, start: number, length: number): boolean {
  const view = connection.view;
  let seen = 0;
  let at = start;
  while (at < start + length) {
    // AHSLength counts what follows the type byte; the segment is padded to whole words.
    const ahsLength = view.getUint16(at);
    const type = view.getUint8(at + 2) & AHS_TYPE_MASK;
    const next = at + ((ahsLength + 3 + 3) & ~3);
    if (next > start + length || (seen & (1 << type)) !== 0) return false;
    seen |= 1 << type;
    if (type === AhsType.EXTENDED_CDB) {
      if (!extendCdb(view, task, at + AHS_HEADER_SIZE, ahsLength - 1)) return false;
    } else if (type !== AhsType.BIDIRECTIONAL_READ_LENGTH || ahsLength !== BIDIRECTIONAL_LENGTH) {
      return false;
    }
    at = next;
  }
  return true;
}

/** `extra` bytes at `at` go behind the CDB's first 16; false when there are none, or more than any CDB has. */
function extendCdb(view: DataView, task: IscsiTask, at: number, extra: number): boolean {
  if (extra <= 0 || extra > CDB_BYTES_MAX - CDB_BYTES) return false;
  for (let index = 0; index < extra; index++) task.cdb.setUint8(CDB_BYTES + index, view.getUint8(at + index));
  task.cdbBytes = CDB_BYTES + extra;
  return true;
}

/**
 * How much data really moves: no more than the CDB says, and no more than the initiator is ready for (§11.4.5). A WRITE whose initiator expects
 * data to go the other way, or no way, fails: nobody may take it for written.
 */
function limitMovement(task: IscsiTask): void {
  const expected = task.expectedDataTransferLength;
  switch (task.movement) {
    case Movement.streamOut: {
      if (!task.writes && expected !== 0 && task.transferLength !== 0) {
        fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
      }
      const length = task.writes ? Math.min(task.transferLength, expected) : 0;
      const unit = task.unit;
      task.moveLength = unit === null ? 0 : length - (length % unit.blockSize);
      return;
    }
    case Movement.listOut:
      task.moveLength = task.writes ? Math.min(task.transferLength, expected) : 0;
      return;
    case Movement.streamIn:
      task.moveLength = task.reads ? Math.min(task.transferLength, expected) : 0;
      return;
    default:
      task.moveLength = 0;
  }
}

/**
 * Finds memory for data that comes unasked, now or in Data-Out PDUs. False: none now, but some is certain to come back. When nothing would bring it
 * back but this connection's own progress, waiting could last for ever; then the command gets TASK SET FULL (SAM-5 §5.3.1) and its data is dropped.
 */
function makeRoomUnasked(connection: Connection, task: IscsiTask): boolean {
  const length = connection.payloadLength;
  const { firstBurstLength } = connection.session.parameters;
  if (length > firstBurstLength || length > task.expectedDataTransferLength) {
    fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA);
    return true;
  }
  const unasked = task.unsolicitedOpen ? firstBurstLength : length;
  if (unasked === 0 || !takesData(task) || task.moveLength === 0 || task.status !== Status.GOOD) return true;
  const piece = connection.host.processor.memory.firstPiece(task, unasked);
  if (piece === null) {
    if (memoryComesBack(connection, connection.share.hasRoomUnasked(unasked))) return false;
    task.status = Status.TASK_SET_FULL;
    return true;
  }
  const kept = Math.min(length, piece.length);
  connection.payloadPiece = piece;
  connection.payloadKept = kept;
  connection.framer.expectPayload(kept === 0 ? NOWHERE : piece.at, kept);
  return true;
}

/**
 * Whether there will be memory for data that comes unasked, even if this connection is not read on. `inShare`: there is room in its share, and
 * only memory is lacking.
 */
export function memoryComesBack({ host, share }: Connection, inShare: boolean): boolean {
  if (!inShare) return share.underWay !== 0;
  return host.processor.operationsInFlight !== 0 || host.unsentTokens !== 0;
}

/** The task's turn in CmdSN order has come. */
function admit(connection: Connection, task: IscsiTask): void {
  task.refused = !connection.host.processor.admit(task);
}

/** The command's own PDU is in: run it, or keep it until its turn. Allocates nothing. */
export function commandPayload(connection: Connection): void {
  const task = connection.payloadTask!;
  const piece = connection.payloadPiece;
  task.receiving = false;
  task.arriving = false;
  task.dataOutReceived = connection.payloadLength;
  if (piece !== null) {
    piece.received += connection.payloadKept;
    piece.burstEnd = piece.received;
  }
  if (!task.held) runCommand(connection, task);
}

/** A held command's turn has come. */
export function releaseCommand(task: IscsiTask): void {
  task.held = false;
  const connection = task.connection!;
  if (task.aborted) {
    connection.host.processor.finishWhenIdle(task);
    return;
  }
  admit(connection, task);
  // Its own PDU may still be coming in; then it runs as soon as that is here.
  const comingIn = connection.payloadTask === task && connection.payloadKind === PayloadKind.command;
  if (!comingIn) runCommand(connection, task);
}

function runCommand(connection: Connection, task: IscsiTask): void {
  const processor = connection.host.processor;
  if (task.completed) return;
  if (task.aborted || task.refused) processor.finishWhenIdle(task);
  else processor.start(task);
}
