// One connection of a simulated initiator, as far as it hears: login, answers, data, what is damaged or lacks, and the end.
// Checks that each request is answered once, in the order of StatSN (answers.ts). What it sends is requests.ts's; the session is initiator.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { STATUS_BIT } from '../../src/pdu/data-in.ts';
import { OPCODE_MASK, Opcode, opcodeName } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { Reject, RejectReason } from '../../src/pdu/reject.ts';
import { TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Answers } from './answers.ts';
import { Violation } from './clock.ts';
import { DataRecovery } from './data-recovery.ts';
import { SimLogin } from './login.ts';
import { IMMEDIATE, Requests } from './requests.ts';
import type { SimTask } from './task.ts';
import type { Arrival } from './wire.ts';

/** Where these are in every header. */
const TAG_AT = 16;
const EXP_CMD_SN_AT = 28;
const MAX_CMD_SN_AT = 32;
/** What may lack because nothing comes is asked for after so many milliseconds. */
const PROBE_MS = 1000;
/** How likely a connection with a READ under way is to declare another MaxRecvDataSegmentLength, each time its initiator looks after it. */
const DECLARES = 0.02;
const SEGMENT_LENGTHS = [512, 1024, 3001, 8192, 65_536];

/** See the file's head. */
export class Connection extends Requests {
  #login: SimLogin | null = null;
  #maxCmdSN = 0;
  heardAt = 0;
  #readSoon = false;
  // At ErrorRecoveryLevel 1 and 2.
  /** PDUs that were damaged on their way here, and dropped. */
  #dropped = 0;
  /** It has taken tasks of another connection up: their data may come in any order. */
  resumes = false;
  readonly #answers = new Answers({
    now: () => this.clock.now,
    perform: (pdu) => this.#perform(pdu),
    ask: (run) => this.snackStatus(run),
  });
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly #data = new DataRecovery(this, this.#answers, this.clock, this.initiator.world.declarations);

  get expStatSN(): number {
    return this.#answers.expStatSN;
  }

  get open(): boolean {
    return this.agreement !== null && !this.over;
  }

  get healthy(): boolean {
    return !this.over && !this.link.broken && !this.link.silent;
  }

  get #mayLack(): boolean {
    return this.level > 0 && (this.#dropped !== 0 || this.resumes || this.#data.hasCut);
  }

  /** Logs in: to a session that there is, or with TSIH 0 to a new one; in the place of a connection that was lost, or of none. */
  logIn(tsih: number, lost: Connection | null): void {
    const { initiatorName, isid, cmdSN, world } = this.initiator;
    const claim = { initiatorName, isid, tsih, cid: this.cid, cmdSN, expStatSN: lost?.expStatSN ?? 0 };
    const { now } = this.clock;
    this.#login = new SimLogin(this.wire, claim, this.random, world.recovers, () => world.goneUntil() >= now);
    this.#login.begin();
  }

  /** Reads nothing for a while. */
  turnDeaf(milliseconds: number): void {
    this.wire.deaf = true;
    this.clock.after(milliseconds, () => {
      this.wire.deaf = false;
      this.soon();
    });
  }

  /** Closes it without a word. */
  drop(): void {
    if (this.random.chance(0.5)) this.link.initiator.abort();
    else this.link.initiator.close();
    this.#ended();
  }

  #ended(): void {
    if (this.over) return;
    this.over = true;
    this.link.initiator.close();
    this.initiator.connectionOver(this);
  }

  // Receiving

  protected soon(): void {
    if (this.#readSoon || this.over) return;
    this.#readSoon = true;
    this.clock.after(this.random.delay(0.02, 1), () => {
      this.#readSoon = false;
      this.#read();
    });
  }

  #read(): void {
    for (let pdu = this.wire.next(); pdu !== null; pdu = this.wire.next()) {
      this.#take(pdu);
      if (this.over) return;
    }
    const { outcome, received } = this.link.initiator;
    if (this.wire.deaf) return;
    if (received.length !== 0) this.soon();
    else if (outcome !== null) this.#ended();
  }

  #take(pdu: Arrival): void {
    if (this.#login !== null) {
      this.#takeLogin(this.#login, pdu);
      return;
    }
    const { header, opcode } = pdu;
    const tag = header.readUInt32BE(TAG_AT);
    if (pdu.damaged !== null) {
      this.#lose(pdu);
      return;
    }
    this.note(`hears ${opcodeName(opcode)} ${tag.toString(16)}`);
    this.heardAt = this.clock.now;
    this.declaration.check(pdu);
    this.#hearWindow(header);
    switch (opcode) {
      case Opcode.R2T:
        this.#asked(pdu);
        return;
      case Opcode.DATA_IN:
        this.#dataIn(pdu, tag);
        return;
      case Opcode.NOP_IN:
        if (tag === RESERVED_TAG) this.answerPing(header);
        else this.#numbered(pdu);
        return;
      case Opcode.TEXT_RESPONSE:
        this.declaration.heard(tag);
        this.#numbered(pdu);
        return;
      default:
        this.#numbered(pdu);
    }
  }

  /** Without recovery the connection is given up (§7.8); with it, what lacks is found out by numbers. */
  #lose({ opcode, damaged }: Arrival): void {
    this.note(`drops ${opcodeName(opcode)}: ${damaged} damaged`);
    this.#dropped++;
    if (this.level === 0 || (damaged === 'header' && this.random.chance(0.1))) this.drop();
  }

  #hearWindow(header: Buffer): void {
    const maxCmdSN = header.readUInt32BE(MAX_CMD_SN_AT);
    if (serialBefore(maxCmdSN, this.#maxCmdSN)) {
      throw new Violation('MaxCmdSN does not retreat', `${maxCmdSN} after ${this.#maxCmdSN}`);
    }
    this.#maxCmdSN = maxCmdSN;
    this.initiator.window(maxCmdSN);
    this.initiator.received(header.readUInt32BE(EXP_CMD_SN_AT));
  }

  #takeLogin(login: SimLogin, pdu: Pdu): void {
    const end = login.take(pdu);
    if (end === null) return;
    this.#login = null;
    if ('status' in end) {
      this.note(`refused ${end.status.toString(16)}`);
      this.#ended();
      return;
    }
    const { agreement } = end;
    this.#answers.expStatSN = agreement.statSN;
    this.#maxCmdSN = agreement.maxCmdSN;
    this.heardAt = this.clock.now;
    this.declaration.inForce = agreement.maxRecvSegment;
    this.wire.headerDigest = agreement.headerDigest;
    this.wire.dataDigest = agreement.dataDigest;
    this.initiator.loggedIn(this, agreement);
  }

  // Answers

  #numbered(pdu: Pdu): void {
    const tag = pdu.header.readUInt32BE(TAG_AT);
    const task = this.tasks.get(tag);
    const isStatus = pdu.opcode === Opcode.DATA_IN || pdu.opcode === Opcode.SCSI_RESPONSE;
    // Another is to come once its data have been cut anew.
    if (isStatus && task?.incoming.isEndedBy(pdu) === false) return;
    if (pdu.opcode === Opcode.NOP_IN) this.#data.marked(tag);
    // Its data were asked for again, and the last carries the status; or were to be cut anew when it was given up.
    const onData = pdu.opcode === Opcode.DATA_IN && (this.gone.has(tag) || task?.wasAskedAgain === true);
    const mayRepeat = onData || (isStatus && task === undefined && this.#data.mayAnswerTwice(tag));
    this.#answers.take(pdu, { mayRepeat, mayLack: this.#mayLack });
  }

  /** Acts on an answer. False: data that came before it lack. */
  #perform(pdu: Pdu): boolean {
    const { header } = pdu;
    const tag = header.readUInt32BE(TAG_AT);
    switch (pdu.opcode) {
      case Opcode.SCSI_RESPONSE:
      case Opcode.DATA_IN:
        return this.#answered(pdu, tag);
      case Opcode.TASK_MANAGEMENT_RESPONSE:
        this.#managed(header, tag);
        return true;
      case Opcode.NOP_IN:
        if (!this.pings.delete(tag)) throw new Violation('a ping is answered once', tag.toString(16));
        return true;
      case Opcode.ASYNC_MESSAGE:
        return true;
      case Opcode.TEXT_RESPONSE:
        if (!this.declaration.answered(tag) || pdu.data.length !== 0)
          throw new Violation('a declaration is answered once, with nothing', `${tag.toString(16)}: ${pdu.data}`);
        return true;
      case Opcode.LOGOUT_RESPONSE:
        this.#loggedOut(header, tag);
        return true;
      case Opcode.REJECT:
        this.#rejected(pdu);
        return true;
      default:
        throw new Violation('a target sends what targets send', opcodeName(pdu.opcode));
    }
  }

  #findTask(tag: number): SimTask | null {
    const task = this.tasks.get(tag);
    if (task === undefined && !this.gone.has(tag))
      throw new Violation('a command is answered once', `${this.link.initiator.name} tag ${tag.toString(16)}`);
    return task ?? null;
  }

  #answered(pdu: Pdu, tag: number): boolean {
    const task = this.#findTask(tag);
    if (task === null) return true;
    const answer = task.answer(pdu);
    if (answer === null) {
      if (!this.#mayLack) throw new Violation('DataSN counts', `status of ${tag.toString(16)} without its data`);
      this.#data.ask(task, task.lacking(pdu)!);
      return false;
    }
    this.tasks.delete(tag);
    this.#data.answered(tag);
    if (task.wasAskedAgain || this.#answers.wereAskedFor) this.gone.add(tag);
    this.initiator.answered(task, answer);
    task.command.answered(answer);
    return true;
  }

  #managed(header: Buffer, tag: number): void {
    const management = this.management.get(tag);
    if (management === undefined) throw new Violation('a function is answered once', tag.toString(16));
    this.management.delete(tag);
    const { response, expCmdSN } = decode(TaskManagementResponse, header);
    this.note(`${management.name} answered ${response}`);
    management.then(response, expCmdSN);
  }

  #loggedOut(header: Buffer, tag: number): void {
    const then = this.removals.get(tag);
    if (then === undefined) {
      this.initiator.loggedOut();
      this.#ended();
      return;
    }
    this.note(`Logout answered ${header[2]}`);
    this.removals.delete(tag);
    then();
  }

  /** A request was refused: because its data were damaged, or a SNACK because its command had ended meanwhile. */
  #rejected(pdu: Pdu): void {
    const { reason } = decode(Reject, pdu.header);
    const opcode = pdu.data[0]! & OPCODE_MASK;
    const tag = pdu.data.readUInt32BE(TAG_AT);
    this.note(`hears that ${opcodeName(opcode)} ${tag.toString(16)} is rejected: ${reason}`);
    const damaged = reason === RejectReason.DATA_DIGEST_ERROR && this.wire.damaged !== 0;
    const late = opcode === Opcode.SNACK_REQUEST && this.#data.comesLate(pdu.data);
    if (!damaged && !late) {
      throw new Violation('nothing of an initiator is rejected', `${opcodeName(opcode)} for reason ${reason}`);
    }
    const task = this.tasks.get(tag);
    // §11.17.1: the CmdSN counts as not received. Without recovery the target gives the connection up when that was a command's.
    if (opcode === Opcode.SCSI_COMMAND && task !== undefined && this.level !== 0) this.send(task);
    const cmdSN = this.pings.get(tag);
    if (opcode === Opcode.NOP_OUT && cmdSN !== undefined && cmdSN !== IMMEDIATE) this.sendPing(tag, cmdSN);
    const { pending } = this.declaration;
    if (opcode === Opcode.TEXT_REQUEST && pending?.tag === tag) this.declare(pending);
  }

  // Data

  #dataIn(pdu: Pdu, tag: number): void {
    const task = this.#findTask(tag);
    if (task !== null) {
      task.attendedAt = this.clock.now;
      if (task.dataIn(pdu, this.agreement!.maxBurstLength, this.#mayLack)) this.#data.took(task, pdu.header);
    }
    if ((pdu.header[1]! & STATUS_BIT) !== 0) this.#numbered(pdu);
    else this.#answers.takeDue();
    const run = task !== null && this.tasks.get(tag) === task ? task.lacking() : null;
    if (run !== null) this.#data.ask(task!, run);
  }

  #asked(pdu: Pdu): void {
    const header = decode(R2T, pdu.header);
    const task = this.#findTask(header.initiatorTaskTag);
    if (task?.asked(header, this.agreement!.maxBurstLength)) this.burst(task, header);
  }

  /** Takes longer or shorter segments from now on, while a READ brings them. */
  declareNowAndThen(): void {
    const { declarations: random } = this.initiator.world;
    if (random === null || this.level === 0 || this.loggingOut || this.declaration.pending !== null) return;
    if (![...this.tasks.values()].some(({ command }) => command.read !== 0) || !random.chance(DECLARES)) return;
    const length = random.pick(SEGMENT_LENGTHS.filter((each) => each !== this.declaration.inForce));
    const { initiator } = this;
    const cmdSN = random.chance(0.5) && initiator.windowOpen ? initiator.takeCmdSN() : IMMEDIATE;
    this.declare({ tag: initiator.takeTag(), cmdSN, length });
  }

  /** Asks again for what lacks, and whether something does when nothing comes. */
  lookAfterLosses(): void {
    if (this.level === 0) return;
    const { now } = this.clock;
    this.#answers.lookAfter();
    for (const task of this.tasks.values()) {
      const run = task.lacking();
      if (run !== null) this.#data.ask(task, run);
      else if (!serialBefore(task.cmdSN, this.initiator.expCmdSN)) continue;
      else if (now - task.attendedAt > PROBE_MS || this.#data.isImpatientFor(task))
        this.#data.ask(task, { begRun: 0, runLength: 0 });
    }
    const waits = !this.idle && now - this.heardAt > PROBE_MS / 2 && now - this.#probedAt > PROBE_MS;
    if (!waits || !this.#mayLack) return;
    this.#probedAt = now;
    this.probe();
  }
}
