// What a connection of a simulated initiator sends: commands and their data, task management, pings, SNACKs, logouts.
// What comes back is connection.ts's; what the commands are for, workload.ts's.

import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import type { R2T } from '../../src/pdu/r2t.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { TaskFunction, TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { encodePairs } from '../../src/pdu/text.ts';
import { TextRequest } from '../../src/pdu/text-pdu.ts';
import { decode, type HeaderValues, lunField } from '../support/header-values.ts';
import type { SimClock } from './clock.ts';
import { Declaration, type Declaring } from './declaration.ts';
import type { Run } from './incoming-data.ts';
import type { Initiator } from './initiator.ts';
import type { Agreement } from './login.ts';
import type { Link } from './network.ts';
import type { Random } from './random.ts';
import { type Command, SimTask } from './task.ts';
import { Wire } from './wire.ts';

/** A function under way; `then` hears the response, and the ExpCmdSN that came with it. */
export interface Management {
  readonly name: string;
  readonly then: (response: number, expCmdSN: number) => void;
  /** It will not be answered, and does nothing from now on. */
  readonly over: () => void;
}

/** The CmdSN of a ping or Text Request that needs none. */
export const IMMEDIATE = -1;

/** How likely a Data-Out PDU is to be one without data, and the end of a sequence to be left to one. */
const EMPTY = 0.05;

/** See the file's head. */
export abstract class Requests {
  readonly cid: number;
  readonly link: Link;
  readonly tasks = new Map<number, SimTask>();
  /** Aborted, or answered, with PDUs perhaps on their way over this connection: tags whose PDUs are dropped. */
  readonly gone = new Set<number>();
  readonly management = new Map<number, Management>();
  /** Pings by tag: their CmdSN, or {@link IMMEDIATE}. */
  readonly pings = new Map<number, number>();
  /** Pings that were sent before over another connection: the target may have dropped the answer with that one. */
  readonly #repeated = new Set<number>();
  agreement: Agreement | null = null;
  readonly declaration = new Declaration();
  over = false;
  loggingOut = false;
  protected readonly initiator: Initiator;
  protected readonly clock: SimClock;
  protected readonly random: Random;
  protected readonly wire: Wire;
  /** Who waits for the end of another connection, by tag. */
  protected readonly removals = new Map<number, () => void>();

  constructor(initiator: Initiator, link: Link, cid: number, clock: SimClock, random: Random) {
    this.initiator = initiator;
    this.link = link;
    this.cid = cid;
    this.clock = clock;
    this.random = random;
    const soon = (): void => this.soon();
    this.wire = new Wire(link.initiator, random, () => link.faults.damage, { heard: soon, ended: soon });
  }

  protected abstract soon(): void;
  /** The StatSN of the next answer that is taken: what came before it is acknowledged. */
  abstract get expStatSN(): number;

  /** ErrorRecoveryLevel. */
  get level(): number {
    return this.agreement?.errorRecoveryLevel ?? 0;
  }

  /** Nothing is outstanding. */
  get idle(): boolean {
    const pings = [...this.pings.keys()].some((tag) => !this.#repeated.has(tag));
    const asks = this.management.size !== 0 || pings || this.declaration.pending !== null;
    return this.tasks.size === 0 && !asks && this.removals.size === 0;
  }

  protected note(line: string): void {
    this.clock.note(`${this.link.initiator.name} ${line}`);
  }

  /** Sends a command, its immediate data and what follows unasked. */
  command(command: Command, reservations: number): SimTask {
    const { initiator } = this;
    const task = new SimTask(initiator.takeTag(), command, initiator.takeCmdSN(), this.clock.now, reservations);
    this.send(task);
    return task;
  }

  /** Sends a task, for the first time or because the target has not received it. */
  send(task: SimTask): void {
    const { command, tag, cmdSN } = task;
    const { immediateData, initialR2T, firstBurstLength, maxSegment } = this.agreement!;
    const { data } = command;
    const first = Math.min(data?.length ?? 0, firstBurstLength);
    const immediate = immediateData ? Math.min(first, maxSegment, this.random.chance(0.8) ? first : 0) : 0;
    const unasked = data === null || initialR2T || first <= immediate ? immediate : first;
    const follows = unasked > immediate || (data !== null && !initialR2T && this.#sendsEmpty());
    task.begin(this.declaration.version);
    task.unsolicited = unasked;
    task.attendedAt = this.clock.now;
    this.tasks.set(tag, task);
    this.note(`sends ${command.name} on LUN ${command.lun} ${tag.toString(16)} cmdSN ${cmdSN}`);
    const reads = command.reads ?? command.read > 0;
    const flags = (follows ? 0 : FINAL_BIT) | (reads ? READ_BIT : 0) | (data === null ? 0 : WRITE_BIT);
    const cdb = Buffer.alloc(16);
    cdb.set(command.cdb);
    const values = {
      flags,
      lun: lunField(command.lun),
      initiatorTaskTag: tag,
      expectedDataTransferLength: task.expected,
      cmdSN,
      expStatSN: this.expStatSN,
      cdb,
    };
    this.wire.send(ScsiCommand, values, { data: data?.subarray(0, immediate) ?? Buffer.alloc(0) });
    if (follows) this.#burst(task, immediate, unasked, RESERVED_TAG);
  }

  /** Sends what an R2T asks for. */
  protected burst(task: SimTask, r2t: HeaderValues<typeof R2T>): void {
    const { bufferOffset, desiredDataTransferLength, targetTransferTag } = r2t;
    this.#burst(task, bufferOffset, bufferOffset + desiredDataTransferLength, targetTransferTag);
  }

  /** Initiators should avoid PDUs without data, and may send them (RFC 7143 §11.7.7). */
  #sendsEmpty(): boolean {
    return this.initiator.world.emptyData?.chance(EMPTY) ?? false;
  }

  /** Sends a sequence of Data-Out PDUs, with pauses between them. */
  #burst(task: SimTask, from: number, to: number, targetTransferTag: number, dataSN = 0): void {
    const gone = this.tasks.get(task.tag) !== task || task.abortedAt < this.clock.now;
    if (this.over || gone) return;
    const segment = this.random.chance(0.7) ? this.agreement!.maxSegment : this.random.between(1, 4) * 128;
    const length = this.#sendsEmpty() ? 0 : Math.min(to - from, segment);
    const ends = from + length === to && !this.#sendsEmpty();
    const values = {
      flags: ends ? FINAL_BIT : 0,
      lun: lunField(task.command.lun),
      initiatorTaskTag: task.tag,
      targetTransferTag,
      expStatSN: this.expStatSN,
      dataSN,
      bufferOffset: from,
    };
    task.attendedAt = this.clock.now;
    const damaged = this.wire.send(DataOut, values, { data: task.command.data!.subarray(from, from + length) });
    if (damaged) task.damagedFrom = Math.min(task.damagedFrom, from);
    if (ends) return;
    const next = (): void => this.#burst(task, from + length, to, targetTransferTag, dataSN + 1);
    if (targetTransferTag === RESERVED_TAG) next();
    else this.clock.after(this.random.delay(0.05, 20), next);
  }

  /** Sends a task management function; what it refers to is for the caller to know. */
  manage(
    management: Management,
    taskFunction: number,
    lun: number,
    about: SimTask | null,
    values: Partial<HeaderValues<typeof TaskManagementRequest>> = {},
  ): void {
    const tag = this.initiator.takeTag();
    this.management.set(tag, management);
    this.note(`sends ${management.name} on LUN ${lun} ${tag.toString(16)} ${about?.tag.toString(16) ?? ''}`);
    const all = {
      flags: FINAL_BIT | taskFunction,
      lun: lunField(lun),
      initiatorTaskTag: tag,
      referencedTaskTag: about?.tag ?? RESERVED_TAG,
      cmdSN: this.initiator.cmdSN,
      expStatSN: this.expStatSN,
      refCmdSN: about?.cmdSN ?? 0,
      ...values,
    };
    this.wire.send(TaskManagementRequest, all, { immediate: true });
  }

  /** Takes a task of a lost connection up; `then` hears what the target says to that. */
  reassign(task: SimTask, then: Management['then']): void {
    task.resume(this.declaration.version);
    this.tasks.set(task.tag, task);
    const management = { name: 'TASK REASSIGN', then, over: () => {} };
    const expDataSN = task.command.read === 0 ? 0 : task.incoming.expDataSN;
    this.manage(management, TaskFunction.TASK_REASSIGN, task.command.lun, task, { refCmdSN: 0, expDataSN });
  }

  ping(): void {
    this.sendPing(this.initiator.takeTag(), this.initiator.takeCmdSN());
  }

  /** A ping that comes whatever the CmdSN: its answer tells of what was lost. Returns its tag. */
  probe(): number {
    const tag = this.initiator.takeTag();
    this.sendPing(tag, IMMEDIATE);
    return tag;
  }

  /** Sends a ping, for the first time or because the target has not received it. */
  sendPing(tag: number, cmdSN: number): void {
    this.pings.set(tag, cmdSN);
    const immediate = cmdSN === IMMEDIATE;
    const values = {
      initiatorTaskTag: tag,
      cmdSN: immediate ? this.initiator.cmdSN : cmdSN,
      expStatSN: this.expStatSN,
    };
    this.wire.send(NopOut, values, immediate ? { immediate } : { data: Buffer.from('ping') });
  }

  /** Sends a ping of a lost connection, in case the target has not received it: its CmdSN is not to lack. */
  repeatPing(tag: number, cmdSN: number): void {
    this.#repeated.add(tag);
    this.sendPing(tag, cmdSN);
  }

  /** Declares a new MaxRecvDataSegmentLength, for the first time or because the target has not received it. */
  protected declare(declaring: Declaring): void {
    const { tag, cmdSN, length } = declaring;
    this.declaration.declare(declaring);
    this.note(`declares ${length} ${tag.toString(16)} cmdSN ${cmdSN}`);
    const immediate = cmdSN === IMMEDIATE;
    const values = {
      initiatorTaskTag: tag,
      cmdSN: immediate ? this.initiator.cmdSN : cmdSN,
      expStatSN: this.expStatSN,
    };
    const data = encodePairs([['MaxRecvDataSegmentLength', `${length}`]]);
    this.wire.send(TextRequest, values, { data, immediate });
  }

  /** Answers a ping of the target's, if it wants that. */
  protected answerPing(header: Buffer): void {
    const { targetTransferTag, lun } = decode(NopIn, header);
    if (targetTransferTag === RESERVED_TAG) return;
    const { cmdSN } = this.initiator;
    const values = { initiatorTaskTag: RESERVED_TAG, targetTransferTag, lun, cmdSN, expStatSN: this.expStatSN };
    this.wire.send(NopOut, values, { immediate: true });
  }

  /** Asks for answers again. */
  protected snackStatus({ begRun, runLength }: Run): void {
    this.#snack(SnackType.STATUS, RESERVED_TAG, { begRun, runLength });
  }

  /** Asks for a command's data or R2Ts again; a run of nothing is all that is not acknowledged. */
  snackData(task: SimTask, { begRun, runLength }: Run): void {
    task.incoming.repeat();
    this.#snackTask(SnackType.DATA_OR_R2T, task, { begRun, runLength });
  }

  /** Asks for a command's data to be cut anew, and sent with a status that carries the tag that this returns. */
  snackRData(task: SimTask): number {
    const targetTransferTag = this.initiator.takeTag() || this.initiator.takeTag();
    this.#snackTask(SnackType.R_DATA, task, { targetTransferTag, begRun: 0, runLength: 0 });
    return targetTransferTag;
  }

  #snackTask(type: number, task: SimTask, values: Partial<HeaderValues<typeof SnackRequest>>): void {
    task.snackedAt = this.clock.now;
    task.attendedAt = this.clock.now;
    this.#snack(type, task.tag, { lun: lunField(task.command.lun), ...values });
  }

  /** Says that all data before `begRun` has come. */
  acknowledgeData(lun: Uint8Array, targetTransferTag: number, begRun: number): void {
    this.#snack(SnackType.DATA_ACK, RESERVED_TAG, { lun, targetTransferTag, begRun });
  }

  #snack(type: number, initiatorTaskTag: number, values: Partial<HeaderValues<typeof SnackRequest>>): void {
    this.note(`sends SNACK ${type} ${initiatorTaskTag.toString(16)} ${values.begRun}+${values.runLength ?? 0}`);
    this.wire.send(SnackRequest, { flags: FINAL_BIT | type, initiatorTaskTag, expStatSN: this.expStatSN, ...values });
  }

  /** Logs the whole session out. */
  logOut(): void {
    this.#logOut(LogoutReason.CLOSE_SESSION, this);
  }

  /** Logs another connection of the session out, for its tasks to be reassigned; `then` hears when they can be. */
  removeForRecovery(lost: Requests, then: () => void): void {
    this.removals.set(this.#logOut(LogoutReason.REMOVE_FOR_RECOVERY, lost), then);
  }

  #logOut(reason: LogoutReason, { cid, expStatSN }: Requests): number {
    const initiatorTaskTag = this.initiator.takeTag();
    const { cmdSN } = this.initiator;
    const values = { flags: FINAL_BIT | reason, initiatorTaskTag, cid, cmdSN, expStatSN };
    this.note(`sends Logout ${reason} of ${cid}`);
    this.wire.send(LogoutRequest, values, { immediate: true });
    return initiatorTaskTag;
  }
}
