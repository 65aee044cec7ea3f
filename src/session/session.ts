// A session on its worker: the CmdSN window, the connections, and the tasks of all of them (RFC 7143 §4.2, §6).
// One nexus for SCSI. Who may log in, and what was negotiated, was settled before it came here.

import { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import { serialBefore } from '../base/serial.ts';
import type { SessionParameters } from '../pdu/parameters.ts';
import { Counter } from '../ring/counters.ts';
import { Figure } from '../ring/figures.ts';
import type { SharedReset } from '../ring/messages.ts';
import type { Nexus } from '../scsi/nexus.ts';
import { Movement, Status } from '../scsi/task.ts';
import type { CmdWindow } from './cmd-window.ts';
import { releaseCommand } from './command.ts';
import { countAnswered } from './command-figures.ts';
import type { Connection } from './connection.ts';
import { dropControl, type HeldControl, releaseControl } from './control-pdu.ts';
import { sendReply } from './data-in.ts';
import { IscsiTask } from './iscsi-task.ts';
import { expireLost } from './lost-connection.ts';
import { tellWindow } from './nop.ts';
import { sendScsiResponse } from './response.ts';
import type { SessionHost } from './session-host.ts';

/** A session in full feature phase. */
export class Session {
  readonly host: SessionHost;
  readonly nexus: Nexus;
  readonly tsih: number;
  readonly parameters: SessionParameters;
  readonly window: CmdWindow;
  /** By CID. */
  readonly connections = new Map<number, Connection>();
  /** Connections whose transport is gone and whose tasks are not (ErrorRecoveryLevel 2). */
  lost: Connection[] = [];
  /** What is counted of it (ring/figures.ts). */
  readonly figures: Float64Array;
  /** Milliseconds; 0: no keep-alive. */
  readonly nopIntervalMs: number;
  /** Immediate commands in execution: they are outside the window. */
  immediateTasks = 0;
  /** Why the last connection that ended did. */
  endReason = '';
  /** A connection is on its way that takes the place of one that ended (RFC 7143 §6.3.4): the session outlives its last one. */
  awaited = false;
  /** It is being ended: no connection is added to it any more. */
  ending = false;
  /** The connection that was its last one. */
  #last: Connection | null = null;
  /** Main knows that it has ended. */
  #endTold = false;
  /** What came before its turn, by CmdSN; null stands for a command that was aborted before it came. */
  readonly #held = new Map<number, IscsiTask | HeldControl | null>();
  /** Who waits until all requests before a CmdSN have come. */
  #waiters: { readonly cmdSN: number; readonly then: () => void }[] = [];
  /** Resets that it asked for and that are not done everywhere yet: who waits for each. */
  readonly #resets = new Set<Countdown[]>();

  constructor(
    host: SessionHost,
    nexus: Nexus,
    window: CmdWindow,
    options: { parameters: SessionParameters; nopIntervalMs: number },
  ) {
    this.host = host;
    this.nexus = nexus;
    this.tsih = nexus.tsih;
    this.window = window;
    this.parameters = options.parameters;
    this.figures = nexus.figures;
    this.nopIntervalMs = options.nopIntervalMs;
  }

  /** No connection is left, not even a lost one, and none is to come. */
  get over(): boolean {
    return this.connections.size === 0 && this.lost.length === 0 && !this.awaited;
  }

  /** It is about to be ended, with the connections that it has now. */
  beginEnd(): void {
    this.ending = true;
    this.awaited = false;
  }

  /**
   * A connection takes no part in the session any more: its CID and its place are free. Main hears so once, and of the last one when the tasks
   * that lost connections left have ended as well: a login in place of the session waits for them.
   */
  connectionGone(connection: Connection): void {
    if (connection.reported) return;
    connection.reported = true;
    if (this.awaited || this.members.some(({ reported }) => !reported)) {
      this.#tellEnd(connection, false);
      return;
    }
    // Nobody can join the session any more to take those tasks up.
    this.beginEnd();
    this.#last = connection;
    const wait = new Countdown(() => this.closed());
    for (const lost of this.lost) lost.closeThen('the session has ended', wait);
    wait.seal();
  }

  /** Nothing is left of it. Main has not heard so when the last that it waited for was a connection that did not come. */
  closed(): void {
    if (!this.#endTold) this.#tellEnd(this.#last ?? { id: NONE, cid: NONE }, true);
  }

  #tellEnd({ id, cid }: { id: number; cid: number }, sessionEnded: boolean): void {
    this.#endTold ||= sessionEnded;
    const { tsih, endReason: reason } = this;
    this.host.uplink({ type: 'connectionEnded', id, tsih, cid, reason, sessionEnded });
  }

  /** All connections that may have tasks. */
  get members(): Connection[] {
    return [...this.connections.values(), ...this.lost];
  }

  /** A connection of the session, or one that was lost and whose tasks could be taken up: its CID is taken until then. */
  memberWith(cid: number): Connection | undefined {
    return this.connections.get(cid) ?? this.lost.find((lost) => lost.cid === cid && !lost.reported);
  }

  /** About once a second. */
  tick(now: number): void {
    tellWindow(this);
    expireLost(this.lost, now);
  }

  // CmdSN order over several connections

  /** Whether something waits for requests that are still on their way. */
  get holding(): boolean {
    return this.#held.size !== 0 || this.#waiters.length !== 0;
  }

  /** Keeps a request until the ones before it have come. */
  hold(cmdSN: number, request: IscsiTask | HeldControl | null): void {
    this.#held.set(cmdSN, request);
  }

  /** Runs `then` once every request before `cmdSN` has come, or can't come any more. */
  afterAllBefore(cmdSN: number, then: () => void): void {
    if (this.#allCameBefore(cmdSN)) then();
    else this.#waiters.push({ cmdSN, then });
  }

  /**
   * With a single connection that is read, a gap means that a request was refused, or was lost with another connection: to wait for it would
   * be in vain, except from ErrorRecoveryLevel 1 on, where it is sent again.
   */
  #allCameBefore(cmdSN: number): boolean {
    if (!serialBefore(this.window.expCmdSN, cmdSN)) return true;
    if (this.parameters.errorRecoveryLevel !== 0) return false;
    return [...this.connections.values()].filter(({ open }) => open).length <= 1;
  }

  /** Runs what was held and is due now: requests have come, or a connection that they could have come over has gone. */
  runHeld(): void {
    this.#runDue();
    const due = this.#waiters.filter(({ cmdSN }) => this.#allCameBefore(cmdSN));
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((each) => !due.includes(each));
    for (const { then } of due) then();
  }

  #runDue(): void {
    for (;;) {
      const due = this.window.expCmdSN;
      if (!this.window.recallEarly()) return;
      const request = this.#held.get(due) ?? null;
      this.#held.delete(due);
      if (request !== null && !(request instanceof IscsiTask)) {
        releaseControl(request);
        continue;
      }
      this.window.take(due);
      if (request === null) this.window.ended();
      else releaseCommand(request);
    }
  }

  /** The session has ended: what is held will never be due. Its tasks are gone by now. */
  dropHeld(): void {
    for (const request of this.#held.values()) {
      if (request !== null && !(request instanceof IscsiTask)) dropControl(request);
    }
    this.#held.clear();
  }

  // Tasks

  /** The task with that tag on any of the session's connections, or null. */
  findTask(initiatorTaskTag: number): IscsiTask | null {
    for (const connection of this.members) {
      for (let task = connection.lastTask; task !== null; task = task.previousInConnection) {
        if (task.initiatorTaskTag === initiatorTaskTag) return task;
      }
    }
    return null;
  }

  /** Aborts the session's tasks for which `concerned` holds; `wait`, where there is one, hears of the end of each. */
  abortTasks(concerned: (task: IscsiTask) => boolean, wait: Countdown | null): void {
    for (const connection of this.members) {
      // Aborting may end a task, and with it its place in the list. The newest first: an ORDERED task would start those behind it.
      const tasks: IscsiTask[] = [];
      for (let task = connection.lastTask; task !== null; task = task.previousInConnection) {
        if (concerned(task)) tasks.push(task);
      }
      // What one gives up, its turn at the unit for instance, may let another run to its end: that one is gone then.
      for (const task of tasks) if (task.connection === connection) this.abortTask(task, wait);
    }
  }

  /** Aborts one task. */
  abortTask(task: IscsiTask, wait: Countdown | null): void {
    if (wait !== null) {
      task.abortWaits ??= [];
      task.abortWaits.push(wait);
      wait.add();
    }
    task.connection!.forgetPayload(task);
    if (task.completed) {
      // Its response waits for data that nobody needs any more.
      task.unsolicitedOpen = false;
      task.aborted = true;
      this.forget(task);
      return;
    }
    // Its CmdSN stays in the queue, with nothing behind it.
    if (task.held) this.#held.set(task.cmdSN, null);
    this.host.counters[Counter.tasksAborted]!++;
    this.host.processor.abort(task);
  }

  /** Has a reset applied on every worker; `wait` hears when that is done. */
  requestReset(reset: SharedReset, wait: Countdown): void {
    const waits: Countdown[] = [];
    this.#resets.add(waits);
    this.#awaitReset(waits, wait);
    this.host.units.requestReset(reset, () => {
      this.#resets.delete(waits);
      for (const each of waits) each.done();
    });
  }

  #awaitReset(waits: Countdown[], wait: Countdown): void {
    wait.add();
    waits.push(wait);
  }

  /** Everything of one connection; `then` runs when it is gone. */
  abortConnection(connection: Connection, then: () => void): void {
    this.#abort((task) => task.connection === connection, then);
  }

  /** Everything of the session; `then` runs when it is gone. */
  abortAll(then: () => void): void {
    this.#abort(() => true, then);
  }

  /** A reset that is under way would otherwise reach tasks that others send once the session is known to be over. */
  #abort(concerned: (task: IscsiTask) => boolean, then: () => void): void {
    const wait = new Countdown(then);
    for (const waits of this.#resets) this.#awaitReset(waits, wait);
    this.abortTasks(concerned, wait);
    wait.seal();
  }

  /** SCSI is done with the task: it is answered, unless it was aborted or data that belongs to it is still on its way, either way. */
  complete(task: IscsiTask): void {
    if (task.aborted) this.forget(task);
    else if (!task.unsolicitedOpen && !task.heldBack) this.respond(task);
  }

  /** Sends the status of a completed task, and forgets it. Allocates nothing. */
  respond(task: IscsiTask): void {
    const connection = task.connection!;
    if (connection.answering && !task.aborted && !task.statusSent) {
      if (task.movement === Movement.replyIn && task.status === Status.GOOD && task.slot !== NONE) {
        task.moveLength = task.reads ? Math.min(task.dataLength, task.expectedDataTransferLength) : 0;
        if (task.moveLength !== 0) sendReply(connection, task);
      }
      if (!task.statusSent) {
        connection.commandEnds(task);
        task.statusSent = true;
        sendScsiResponse(connection, task);
      }
    }
    countAnswered(this, task);
    this.forget(task);
  }

  /** The task is over, answered or not. Allocates nothing. */
  forget(task: IscsiTask): void {
    const connection = task.connection!;
    this.figures[Figure.inFlight]!--;
    if (task.unit !== null) task.unit.figures[Figure.inFlight]!--;
    if (task.immediate) this.immediateTasks--;
    else if (!task.statusSent && !task.held) this.window.ended();
    if (!task.statusSent && connection.sent !== null) connection.sent.left(task);
    const waits = task.abortWaits;
    connection.unlink(task);
    this.host.processor.releaseReply(task);
    this.host.tasks.give(task);
    if (waits !== null) for (const wait of waits) wait.done();
    connection.taskEnded();
  }
}
