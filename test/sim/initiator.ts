// A simulated initiator: one session at a time, over one connection or several, begun anew whenever it is lost.
// What it sends is workload.ts's, what answers it may get judgement.ts's, and how it recovers what a connection had under way, recovery.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { TaskFunction, TaskFunctionResponse } from '../../src/pdu/task-management.ts';
import { Attention } from './attention-model.ts';
import { Violation } from './clock.ts';
import { Connection } from './connection.ts';
import type { InitiatorWorld } from './initiator-world.ts';
import { judge } from './judgement.ts';
import type { Agreement } from './login.ts';
import type { Random } from './random.ts';
import { Recovery } from './recovery.ts';
import type { Requests } from './requests.ts';
import type { Answer, Command, SimTask } from './task.ts';
import type { SimUnit } from './unit.ts';

/** An initiator asks after a command that somebody may have aborted when nothing came in so many milliseconds. */
const PATIENCE_MS = 2000;
/** It gives a connection up that is silent for so long. */
const SILENCE_MS = 15_000;
/** What has not been answered after this long never will be. */
const STUCK_MS = 40_000;

/** See the file's head. */
export class Initiator {
  readonly initiatorName: string;
  readonly isid: Uint8Array;
  readonly world: InitiatorWorld;
  readonly random: Random;
  tsih = 0;
  cmdSN = 1;
  /** The first CmdSN that the target has not received, as far as is known. */
  expCmdSN = 1;
  connections: Connection[] = [];
  readonly recovery = new Recovery(this);
  /** What a lost session had under way: it may yet have effects, until the next session has begun. */
  #ghosts: (() => void)[] = [];
  #maxCmdSN = 0;
  #tag = 1;
  #links = 0;
  #leading: Connection | null = null;
  /** What the leading connection's login agreed on. */
  #agreement: Agreement | null = null;
  #nextLoginAt = 0;
  #cid = 0;
  #away = false;

  constructor(name: string, world: InitiatorWorld, random: Random) {
    this.initiatorName = `iqn.2026-11.io.lunaring:${name}`;
    this.isid = Uint8Array.of(0x80, 0, 0, 0, 0, name.charCodeAt(name.length - 1));
    this.world = world;
    this.random = random;
    this.#tag = random.between(1, 0xfffffff);
    this.cmdSN = random.chance(0.3) ? 0xfffffff0 : 1;
  }

  get up(): boolean {
    return this.connections.some(({ open }) => open);
  }

  get tasks(): SimTask[] {
    return this.holders.flatMap(({ tasks }) => [...tasks.values()]);
  }

  /** Connections that may have tasks: lost ones as well. */
  get holders(): Connection[] {
    return [...this.connections, ...this.recovery.lost];
  }

  /** Nothing is under way, nor may be. */
  get idle(): boolean {
    return (
      this.recovery.lost.length === 0 &&
      this.#ghosts.length === 0 &&
      this.#leading === null &&
      this.connections.every(({ idle, open, loggingOut, link }) => idle && open && !loggingOut && !link.crawls)
    );
  }

  /** Nothing is under way that may have to do with the unit. */
  leavesAlone(lun: number): boolean {
    const asks = this.connections.some(({ management }) => management.size !== 0);
    const lost = this.#ghosts.length !== 0 || this.recovery.lost.length !== 0;
    return !asks && !lost && this.tasks.every(({ command }) => command.lun !== lun);
  }

  /** What is under way, in a line. */
  get description(): string {
    const tasks = this.tasks.map(({ command, tag }) => `${command.name} ${tag.toString(16)}`);
    const states = this.connections.map(({ open, over }) => (open ? 'open' : over ? 'over' : 'logging in'));
    const functions = this.connections.flatMap(({ management }) => [...management.values()].map(({ name }) => name));
    const pings = this.connections.flatMap((each) => [...each.pings.keys()]).length;
    const lost = this.recovery.lost.length;
    return `${this.initiatorName}: ${this.#ghosts.length} of a lost session, connections ${states}, ${lost} lost, ${pings} pings, functions ${functions}, tasks ${tasks}`;
  }

  takeTag(): number {
    this.#tag = (this.#tag + 1) % 0xffffffff;
    return this.#tag;
  }

  takeCmdSN(): number {
    const { cmdSN } = this;
    this.cmdSN = (cmdSN + 1) >>> 0;
    return cmdSN;
  }

  /** Whether the target takes another command. */
  get windowOpen(): boolean {
    return !serialBefore(this.#maxCmdSN, this.cmdSN);
  }

  window(maxCmdSN: number): void {
    if (serialBefore(this.#maxCmdSN, maxCmdSN)) this.#maxCmdSN = maxCmdSN;
  }

  received(expCmdSN: number): void {
    if (serialBefore(this.expCmdSN, expCmdSN)) this.expCmdSN = expCmdSN;
  }

  // Sessions

  /** Begins a session when there is none; with one, begins another in its place. */
  logIn(): void {
    if (this.#leading !== null || this.world.clock.now < this.#nextLoginAt) return;
    this.#leading = this.#connect(0);
  }

  /** Logs out, and stays away. */
  leave(): void {
    this.#away = true;
    this.#leading?.drop();
    const connection = this.usable.at(0);
    if (connection !== undefined) this.logOut(connection);
  }

  /** Ends the session over this connection: what is under way on any of them may end without an answer. */
  logOut(connection: Connection): void {
    for (const task of this.tasks) task.excused = true;
    for (const each of this.connections) each.loggingOut = true;
    connection.logOut();
  }

  /** May log in again. */
  comeBack(): void {
    this.#away = false;
  }

  /** Adds a connection to the session. */
  join(): void {
    if (this.#leading === null && this.up && this.holders.length < 3) this.connections.push(this.#connect(this.tsih));
  }

  /** A connection in the place of one that was lost, with its CID or another; it is one of the session's once it has logged in. */
  replace(lost: Connection | null): Connection {
    const connection = this.#connect(this.tsih, lost);
    this.connections.push(connection);
    return connection;
  }

  #connect(tsih: number, lost: Connection | null = null): Connection {
    const name = `${this.initiatorName.split(':')[1]}.${this.#links++}`;
    if (lost === null) this.#cid = (this.#cid + 1) & 0xffff;
    const cid = lost?.cid ?? this.#cid;
    const connection = new Connection(this, this.world.connect(name), cid, this.world.clock, this.random);
    connection.logIn(tsih, lost);
    return connection;
  }

  /** A login has ended well: the connection's agreement includes the session's part. */
  loggedIn(connection: Connection, agreement: Agreement): void {
    if (connection !== this.#leading) {
      this.window(agreement.maxCmdSN);
      this.received(agreement.expCmdSN);
      const { initialR2T, immediateData, maxBurstLength, firstBurstLength } = this.#agreement!;
      const { errorRecoveryLevel, time2Wait, time2Retain } = this.#agreement!;
      const session = { initialR2T, immediateData, maxBurstLength, firstBurstLength };
      connection.agreement = { ...agreement, ...session, errorRecoveryLevel, time2Wait, time2Retain };
      this.recovery.loggedIn(connection);
      return;
    }
    this.#agreement = agreement;
    connection.agreement = agreement;
    this.#leading = null;
    // The target has ended what was before, and only then said yes.
    this.#loseSession();
    this.connections = [connection];
    for (const { attentions } of this.world.units) attentions.unheard(this.initiatorName);
    this.#layGhosts();
    this.tsih = agreement.tsih;
    this.cmdSN = agreement.expCmdSN;
    this.expCmdSN = agreement.expCmdSN;
    this.#maxCmdSN = agreement.maxCmdSN;
  }

  /** Nothing of the session is left but what may yet have effects. */
  #loseSession(): void {
    const before = this.connections;
    for (const each of this.holders) this.#abandon(each);
    this.connections = [];
    this.recovery.forget();
    for (const each of before) each.drop();
    this.#nexusLost();
  }

  /** Gives the session up: another is to be begun. */
  giveUp(): void {
    this.#loseSession();
    this.#nextLoginAt = this.world.clock.now + this.random.delay(50, 1000);
  }

  #layGhosts(): void {
    for (const over of this.#ghosts.splice(0)) over();
  }

  /** What was under way on a connection will not be answered, and may yet have effects. */
  #abandon(connection: Connection): void {
    for (const { command } of connection.tasks.values()) {
      this.unit(command.lun).attentions.unheard(this.initiatorName);
      this.#ghosts.push(() => command.over());
    }
    for (const each of connection.management.values()) this.#ghosts.push(() => each.over());
    connection.tasks.clear();
    connection.management.clear();
  }

  /** A connection has ended, or its login has: without ErrorRecoveryLevel 2 the session is lost with it. */
  connectionOver(connection: Connection): void {
    const { clock } = this.world;
    if (connection === this.#leading) {
      this.#leading = null;
      this.#nextLoginAt = clock.now + this.random.delay(50, 1000);
      return;
    }
    if (!this.connections.includes(connection)) return;
    this.connections = this.connections.filter((each) => each !== connection);
    if (connection.agreement === null || this.recovery.keep(connection)) return;
    this.#abandon(connection);
    this.giveUp();
  }

  #nexusLost(): void {
    for (const { reservations } of this.world.units) reservations.nexusLost(this.initiatorName);
  }

  /** The session was logged out: nothing of it is left. */
  loggedOut(): void {
    const left = this.world.tasksOf(this.tsih);
    if (left !== 0) throw new Violation('a logout ends all tasks', `${this.initiatorName}: ${left} are left`);
    for (const connection of this.holders) this.#abandon(connection);
    this.recovery.forget();
    this.#layGhosts();
  }

  /** The power of the target failed: nothing that was sent is heard any more. */
  cutOff(): void {
    this.#leading?.drop();
    this.giveUp();
  }

  // Commands

  /** Connections that take requests. */
  get usable(): Connection[] {
    return this.connections.filter((each) => each.open && !each.loggingOut);
  }

  /** Whether there is a connection, and the target takes another command. */
  get canSend(): boolean {
    return this.windowOpen && this.usable.length !== 0;
  }

  /** Sends a command over one of the connections. Only when it {@link canSend}. */
  send(command: Command): true {
    const { reservations, disturbances, clears, attentions } = this.unit(command.lun);
    if (clears !== 0) attentions.happens(Attention.COMMANDS_CLEARED, [this.initiatorName]);
    const alone = !this.tasks.some(({ command: other }) => other.lun === command.lun);
    const task = this.random.pick(this.usable).command(command, reservations.version);
    task.excused = disturbances !== 0;
    task.alone = alone;
    return true;
  }

  unit(lun: number): SimUnit {
    return this.world.units.find((unit) => unit.lun === lun)!;
  }

  answered(task: SimTask, answer: Answer): void {
    judge(this, task, answer);
  }

  // Task management

  /** Aborts a task, which is over when that is answered. */
  abort(connection: Connection, task: SimTask): void {
    task.aborting = true;
    if (this.random.chance(0.5)) task.abortedAt = this.world.clock.now;
    const then = (response: number): void => this.#aborted(connection, task, response);
    const management = { name: 'ABORT TASK', then, over: () => {} };
    connection.manage(management, TaskFunction.ABORT_TASK, task.command.lun, task);
  }

  #aborted(connection: Connection, task: SimTask, response: number): void {
    if (connection.tasks.get(task.tag) !== task) return;
    const who = `${this.initiatorName} ${task.command.name} ${task.tag.toString(16)}`;
    if (response === TaskFunctionResponse.TASK_DOES_NOT_EXIST && !task.excused) {
      throw new Violation('no task is lost', `${who}: the target does not know it`);
    }
    this.forget(connection, task);
  }

  /** A task has ended without an answer. */
  forget(connection: Requests, task: SimTask): void {
    if (!connection.tasks.delete(task.tag)) return;
    this.unit(task.command.lun).attentions.unheard(this.initiatorName);
    task.command.over();
  }

  #lookAfter(connection: Connection, task: SimTask): void {
    const { now } = this.world.clock;
    // What crawls over another connection may be the command before it.
    if (this.connections.some(({ link }) => link.crawls)) task.resumedAt = now;
    if (now - Math.max(task.sentAt, task.resumedAt) > STUCK_MS) {
      const who = `${this.initiatorName} ${task.command.name} ${task.tag.toString(16)} on LUN ${task.command.lun}`;
      throw new Violation('no task is stuck', `${who}, sent ${Math.round(now - task.sentAt)} ms ago`);
    }
    if (!task.excused || now - task.sentAt < PATIENCE_MS || now - task.askedAt < PATIENCE_MS) return;
    task.askedAt = now;
    this.abort(connection, task);
  }

  /** Looks after what takes long. */
  pulse(): void {
    const { clock } = this.world;
    if (!this.up && !this.#away && !this.recovery.underWay) this.logIn();
    for (const connection of this.connections) {
      const waits = !connection.idle || connection.loggingOut || connection.agreement === null;
      if (waits && clock.now - connection.heardAt > SILENCE_MS && connection.heardAt !== 0) {
        connection.drop();
        return;
      }
      if (!connection.open || !connection.healthy) continue;
      connection.declareNowAndThen();
      connection.lookAfterLosses();
      for (const task of connection.tasks.values()) this.#lookAfter(connection, task);
    }
  }
}
