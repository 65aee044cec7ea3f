// One connection of a simulated initiator: login, then commands and their data, task management, pings, logout.
// Checks StatSN, and that each request is answered once. The session, and what commands are for, is initiator.ts's and workload.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode, opcodeName } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskManagementRequest, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { decode, lunField } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { type SimClock, Violation } from './clock.ts';
import type { Initiator } from './initiator.ts';
import { type Agreement, SimLogin } from './login.ts';
import type { Link } from './network.ts';
import type { Random } from './random.ts';
import { type Answer, type Command, SimTask } from './task.ts';
import { Wire } from './wire.ts';

/** A function under way; `then` hears the response. */
export interface Management {
  readonly name: string;
  readonly then: (response: number) => void;
  /** It will not be answered, and does nothing from now on. */
  readonly over: () => void;
}

/** See the file's head. */
export class Connection {
  readonly cid: number;
  readonly link: Link;
  readonly tasks = new Map<number, SimTask>();
  /** Aborted, with the answer perhaps on its way over this connection: tags whose answers are dropped. */
  readonly gone = new Set<number>();
  agreement: Agreement | null = null;
  over = false;
  loggingOut = false;
  readonly #initiator: Initiator;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #wire: Wire;
  readonly management = new Map<number, Management>();
  readonly #pings = new Set<number>();
  #login: SimLogin | null = null;
  #statSN = 0;
  #maxCmdSN = 0;
  heardAt = 0;
  #readSoon = false;

  constructor(initiator: Initiator, link: Link, cid: number, clock: SimClock, random: Random) {
    this.#initiator = initiator;
    this.link = link;
    this.cid = cid;
    this.#clock = clock;
    this.#random = random;
    const soon = (): void => this.#soon();
    this.#wire = new Wire(link.initiator, random, soon, soon);
  }

  get open(): boolean {
    return this.agreement !== null && !this.over;
  }

  /** Nothing is outstanding. */
  get idle(): boolean {
    return this.tasks.size === 0 && this.management.size === 0 && this.#pings.size === 0;
  }

  get healthy(): boolean {
    return !this.over && !this.link.broken && !this.link.silent;
  }

  /** Logs in: to a session that there is, or with TSIH 0 to a new one. */
  logIn(tsih: number): void {
    const { initiatorName, isid, cmdSN } = this.#initiator;
    this.#login = new SimLogin(this.#wire, { initiatorName, isid, tsih, cid: this.cid, cmdSN }, this.#random);
    this.#login.begin();
  }

  /** Reads nothing for a while. */
  turnDeaf(milliseconds: number): void {
    this.#wire.deaf = true;
    this.#clock.after(milliseconds, () => {
      this.#wire.deaf = false;
      this.#soon();
    });
  }

  /** Closes it without a word. */
  drop(): void {
    if (this.#random.chance(0.5)) this.link.initiator.abort();
    else this.link.initiator.close();
    this.#ended();
  }

  #ended(): void {
    if (this.over) return;
    this.over = true;
    this.link.initiator.close();
    this.#initiator.connectionOver(this);
  }

  // Receiving

  #soon(): void {
    if (this.#readSoon || this.over) return;
    this.#readSoon = true;
    this.#clock.after(this.#random.delay(0.02, 1), () => {
      this.#readSoon = false;
      this.#read();
    });
  }

  #read(): void {
    for (let pdu = this.#wire.next(); pdu !== null && !this.over; pdu = this.#wire.next()) this.#take(pdu);
    const { outcome, received } = this.link.initiator;
    if (this.over || this.#wire.deaf) return;
    if (received.length !== 0) this.#soon();
    else if (outcome !== null) this.#ended();
  }

  #take(pdu: Pdu): void {
    if (this.#login !== null) {
      this.#takeLogin(this.#login, pdu);
      return;
    }
    const { header } = pdu;
    this.#clock.note(
      `${this.link.initiator.name} hears ${opcodeName(pdu.opcode)} ${header.readUInt32BE(16).toString(16)}`,
    );
    this.heardAt = this.#clock.now;
    const maxCmdSN = header.readUInt32BE(32);
    if (serialBefore(maxCmdSN, this.#maxCmdSN)) {
      throw new Violation('MaxCmdSN does not retreat', `${maxCmdSN} after ${this.#maxCmdSN}`);
    }
    this.#maxCmdSN = maxCmdSN;
    this.#initiator.window(maxCmdSN);
    const tag = header.readUInt32BE(16);
    switch (pdu.opcode) {
      case Opcode.SCSI_RESPONSE:
        this.#count(header);
        this.#status(tag, (task) => task.response(pdu));
        return;
      case Opcode.DATA_IN:
        if ((header[1]! & 1) !== 0) this.#count(header);
        this.#status(tag, (task) => task.dataIn(pdu, this.agreement!.maxBurstLength));
        return;
      case Opcode.R2T:
        this.#asked(pdu);
        return;
      case Opcode.TASK_MANAGEMENT_RESPONSE:
        this.#count(header);
        this.#managed(tag, decode(TaskManagementResponse, header).response);
        return;
      case Opcode.NOP_IN:
        this.#pinged(header);
        return;
      case Opcode.ASYNC_MESSAGE:
        this.#count(header);
        return;
      case Opcode.LOGOUT_RESPONSE:
        this.#count(header);
        this.#initiator.loggedOut();
        this.#ended();
        return;
      default:
        throw new Violation(
          'nothing of an initiator is rejected',
          `${opcodeName(pdu.opcode)} ${pdu.data.toString('hex')}`,
        );
    }
  }

  #takeLogin(login: SimLogin, pdu: Pdu): void {
    const end = login.take(pdu);
    if (end === null) return;
    this.#login = null;
    if ('status' in end) {
      this.#clock.note(`${this.link.initiator.name} refused ${end.status.toString(16)}`);
      this.#ended();
      return;
    }
    this.agreement = this.#initiator.loggedIn(this, end.agreement);
    this.#statSN = end.agreement.statSN;
    this.#maxCmdSN = end.agreement.maxCmdSN;
    this.heardAt = this.#clock.now;
    this.#wire.headerDigest = end.agreement.headerDigest;
    this.#wire.dataDigest = end.agreement.dataDigest;
  }

  /** A status: StatSN counts by one. */
  #count(header: Buffer): void {
    const statSN = header.readUInt32BE(24);
    if (statSN !== this.#statSN) throw new Violation('StatSN counts', `${statSN} instead of ${this.#statSN}`);
    this.#statSN = (statSN + 1) >>> 0;
  }

  #status(tag: number, judge: (task: SimTask) => Answer | null): void {
    const task = this.tasks.get(tag);
    if (task === undefined) {
      if (this.gone.has(tag)) return;
      throw new Violation('a command is answered once', `${this.link.initiator.name} tag ${tag.toString(16)}`);
    }
    const answer = judge(task);
    if (answer === null) return;
    this.tasks.delete(tag);
    this.#initiator.answered(task, answer);
    task.command.answered(answer);
  }

  #managed(tag: number, response: number): void {
    const management = this.management.get(tag);
    if (management === undefined) throw new Violation('a function is answered once', tag.toString(16));
    this.management.delete(tag);
    this.#clock.note(`${this.link.initiator.name} ${management.name} answered ${response}`);
    management.then(response);
  }

  #pinged(header: Buffer): void {
    const { initiatorTaskTag, targetTransferTag, lun } = decode(NopIn, header);
    if (initiatorTaskTag !== RESERVED_TAG) {
      this.#count(header);
      if (!this.#pings.delete(initiatorTaskTag)) throw new Violation('a ping is answered once', `${initiatorTaskTag}`);
      return;
    }
    if (targetTransferTag === RESERVED_TAG) return;
    const { cmdSN } = this.#initiator;
    const values = { initiatorTaskTag: RESERVED_TAG, targetTransferTag, lun, cmdSN, expStatSN: this.#statSN };
    this.#wire.send(NopOut, values, { immediate: true });
  }

  // Sending

  /** Sends a command, its immediate data and what follows unasked. */
  command(command: Command, reservations: number): SimTask {
    const { agreement } = this;
    const { immediateData, initialR2T, firstBurstLength, maxSegment } = agreement!;
    const initiator = this.#initiator;
    const cmdSN = initiator.takeCmdSN();
    const task = new SimTask(initiator.takeTag(), command, cmdSN, this.#clock.now, reservations);
    const { data } = command;
    const first = Math.min(data?.length ?? 0, firstBurstLength);
    const immediate = immediateData ? Math.min(first, maxSegment, this.#random.chance(0.8) ? first : 0) : 0;
    const unasked = data === null || initialR2T || first <= immediate ? immediate : first;
    task.unsolicited = unasked;
    this.tasks.set(task.tag, task);
    this.#clock.note(
      `${this.link.initiator.name} sends ${command.name} on LUN ${command.lun} ${task.tag.toString(16)} cmdSN ${cmdSN}`,
    );
    const flags =
      (unasked > immediate ? 0 : FINAL_BIT) | (command.read > 0 ? READ_BIT : 0) | (data === null ? 0 : WRITE_BIT);
    const cdb = Buffer.alloc(16);
    cdb.set(command.cdb);
    const values = {
      flags,
      lun: lunField(command.lun),
      initiatorTaskTag: task.tag,
      expectedDataTransferLength: data?.length ?? command.read,
      cmdSN,
      expStatSN: this.#statSN,
      cdb,
    };
    this.#wire.send(ScsiCommand, values, { data: data?.subarray(0, immediate) ?? Buffer.alloc(0) });
    if (unasked > immediate) this.#burst(task, immediate, unasked, RESERVED_TAG);
    return task;
  }

  #asked(pdu: Pdu): void {
    const header = decode(R2T, pdu.header);
    const task = this.tasks.get(header.initiatorTaskTag);
    if (task === undefined) {
      if (this.gone.has(header.initiatorTaskTag)) return;
      throw new Violation('an R2T belongs to a task', `tag ${header.initiatorTaskTag.toString(16)}`);
    }
    task.asked(header, this.agreement!.maxBurstLength);
    const { bufferOffset, desiredDataTransferLength, targetTransferTag } = header;
    this.#burst(task, bufferOffset, bufferOffset + desiredDataTransferLength, targetTransferTag);
  }

  /** Sends a sequence of Data-Out PDUs, with pauses between them. */
  #burst(task: SimTask, from: number, to: number, targetTransferTag: number, dataSN = 0): void {
    const gone = this.tasks.get(task.tag) !== task || task.abortedAt < this.#clock.now;
    if (this.over || gone) return;
    const length = Math.min(
      to - from,
      this.#random.chance(0.7) ? this.agreement!.maxSegment : this.#random.between(1, 4) * 128,
    );
    const ends = from + length === to;
    const values = {
      flags: ends ? FINAL_BIT : 0,
      lun: lunField(task.command.lun),
      initiatorTaskTag: task.tag,
      targetTransferTag,
      expStatSN: this.#statSN,
      dataSN,
      bufferOffset: from,
    };
    this.#wire.send(DataOut, values, { data: task.command.data!.subarray(from, from + length) });
    if (ends) return;
    const next = (): void => this.#burst(task, from + length, to, targetTransferTag, dataSN + 1);
    if (targetTransferTag === RESERVED_TAG) next();
    else this.#clock.after(this.#random.delay(0.05, 20), next);
  }

  /** Sends a task management function; what it refers to is for the caller to know. */
  manage(management: Management, taskFunction: number, lun: number, about: SimTask | null): void {
    const tag = this.#initiator.takeTag();
    this.management.set(tag, management);
    this.#clock.note(
      `${this.link.initiator.name} sends ${management.name} on LUN ${lun} ${tag.toString(16)} ${about?.tag.toString(16) ?? ''}`,
    );
    const values = {
      flags: FINAL_BIT | taskFunction,
      lun: lunField(lun),
      initiatorTaskTag: tag,
      referencedTaskTag: about?.tag ?? RESERVED_TAG,
      cmdSN: this.#initiator.cmdSN,
      expStatSN: this.#statSN,
      refCmdSN: about?.cmdSN ?? 0,
    };
    this.#wire.send(TaskManagementRequest, values, { immediate: true });
  }

  ping(): void {
    const tag = this.#initiator.takeTag();
    this.#pings.add(tag);
    const values = { initiatorTaskTag: tag, cmdSN: this.#initiator.takeCmdSN(), expStatSN: this.#statSN };
    this.#wire.send(NopOut, values, { data: Buffer.from('ping') });
  }

  /** Logs the whole session out. */
  logOut(): void {
    const flags = FINAL_BIT | LogoutReason.CLOSE_SESSION;
    const { cmdSN } = this.#initiator;
    const values = {
      flags,
      initiatorTaskTag: this.#initiator.takeTag(),
      cid: this.cid,
      cmdSN,
      expStatSN: this.#statSN,
    };
    this.#wire.send(LogoutRequest, values, { immediate: true });
  }
}
