// A simulated initiator: one session at a time, over one connection or several, begun anew whenever it is lost.
// Judges each answer by what the unit's reservations and the disk's faults allow; what it sends is workload.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { TaskFunction, TaskFunctionResponse } from '../../src/pdu/task-management.ts';
import { type SimClock, Violation } from './clock.ts';
import { Connection } from './connection.ts';
import type { Agreement } from './login.ts';
import type { Link } from './network.ts';
import type { Random } from './random.ts';
import { type Answer, type Command, type SimTask, Status } from './task.ts';
import type { SimUnit } from './unit.ts';

/** What an initiator lives in. */
export interface InitiatorWorld {
  readonly clock: SimClock;
  readonly units: readonly SimUnit[];
  connect(name: string): Link;
  /** When the disk behind a unit failed last. */
  diskFailedAt(unit: SimUnit): number;
  /** Whether the target has not ended the session. */
  isServed(this: void, tsih: number): boolean;
}

const SenseKey = {
  NOT_READY: 2,
  MEDIUM_ERROR: 3,
  HARDWARE_ERROR: 4,
  ILLEGAL_REQUEST: 5,
  UNIT_ATTENTION: 6,
  MISCOMPARE: 0xe,
} as const;
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
  connections: Connection[] = [];
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
    return this.connections.flatMap(({ tasks }) => [...tasks.values()]);
  }

  /** Nothing is under way, nor may be. */
  get idle(): boolean {
    return (
      this.#ghosts.length === 0 && this.#leading === null && this.connections.every(({ idle, open }) => idle && open)
    );
  }

  /** What is under way, in a line. */
  get description(): string {
    const tasks = this.tasks.map(({ command, tag }) => `${command.name} ${tag.toString(16)}`);
    const states = this.connections.map(({ open, over }) => (open ? 'open' : over ? 'over' : 'logging in'));
    return `${this.initiatorName}: ${this.#ghosts.length} of a lost session, connections ${states}, tasks ${tasks}`;
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
    const connection = this.#usable.at(0);
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
    if (this.#leading === null && this.up && this.connections.length < 3)
      this.connections.push(this.#connect(this.tsih));
  }

  #connect(tsih: number): Connection {
    const name = `${this.initiatorName.split(':')[1]}.${this.#links++}`;
    this.#cid = (this.#cid + 1) & 0xffff;
    const connection = new Connection(this, this.world.connect(name), this.#cid, this.world.clock, this.random);
    connection.logIn(tsih);
    return connection;
  }

  /** A login has ended well; answers what holds for its connection, the session's part of it included. */
  loggedIn(connection: Connection, agreement: Agreement): Agreement {
    if (connection !== this.#leading) {
      this.window(agreement.maxCmdSN);
      const { initialR2T, immediateData, maxBurstLength, firstBurstLength } = this.#agreement!;
      return { ...agreement, initialR2T, immediateData, maxBurstLength, firstBurstLength };
    }
    this.#agreement = agreement;
    // The target has ended what was before, and only then said yes.
    const before = this.connections;
    this.connections = [connection];
    for (const each of before) this.#abandon(each);
    for (const each of before) each.drop();
    this.#nexusLost();
    this.#leading = null;
    this.#layGhosts();
    this.tsih = agreement.tsih;
    this.cmdSN = agreement.expCmdSN;
    this.#maxCmdSN = agreement.maxCmdSN;
    return agreement;
  }

  #layGhosts(): void {
    for (const over of this.#ghosts.splice(0)) over();
  }

  /** What was under way on a connection will not be answered, and may yet have effects. */
  #abandon(connection: Connection): void {
    for (const { command } of connection.tasks.values()) this.#ghosts.push(() => command.over());
    for (const each of connection.management.values()) this.#ghosts.push(() => each.over());
    connection.tasks.clear();
    connection.management.clear();
  }

  /** A connection has ended, or its login has: with ErrorRecoveryLevel 0 the session is lost with it. */
  connectionOver(connection: Connection): void {
    const { clock } = this.world;
    if (connection === this.#leading) {
      this.#leading = null;
      this.#nextLoginAt = clock.now + this.random.delay(50, 1000);
      return;
    }
    if (!this.connections.includes(connection)) return;
    this.connections = this.connections.filter((each) => each !== connection);
    const served = connection.agreement !== null;
    this.#abandon(connection);
    if (!served) return;
    for (const other of [...this.connections]) other.drop();
    if (this.connections.length !== 0) return;
    this.#nexusLost();
    this.#nextLoginAt = clock.now + this.random.delay(50, 1000);
  }

  #nexusLost(): void {
    for (const { reservations } of this.world.units) reservations.nexusLost(this.initiatorName);
  }

  /** The session was logged out: nothing of it is left. */
  loggedOut(): void {
    for (const connection of this.connections) this.#abandon(connection);
    this.#layGhosts();
  }

  /** The power of the target failed: nothing that was sent is heard any more. */
  cutOff(): void {
    this.#leading?.drop();
    for (const connection of [...this.connections]) connection.drop();
  }

  // Commands

  get #usable(): Connection[] {
    return this.connections.filter((each) => each.open && !each.loggingOut);
  }

  /** Whether there is a connection, and the target takes another command. */
  get canSend(): boolean {
    return this.windowOpen && this.#usable.length !== 0;
  }

  /** Sends a command over one of the connections. Only when it {@link canSend}. */
  send(command: Command): true {
    const { reservations, disturbances } = this.unit(command.lun);
    const task = this.random.pick(this.#usable).command(command, reservations.version);
    task.excused = disturbances !== 0;
    return true;
  }

  unit(lun: number): SimUnit {
    return this.world.units[lun]!;
  }

  answered(task: SimTask, { status, senseKey }: Answer): void {
    const { command } = task;
    const unit = this.unit(command.lun);
    const { reservations } = unit;
    const who = `${this.initiatorName} ${command.name} on LUN ${command.lun}`;
    reservations.heed(this.world.isServed);
    const constant = reservations.known && !reservations.busy && reservations.version === task.reservations;
    if (command.access !== 'order' && constant) {
      const permitted = reservations.permits(this.initiatorName, command.access);
      const ran = status === Status.GOOD || senseKey === SenseKey.MISCOMPARE;
      if (ran && !permitted) throw new Violation('reservations are obeyed', who);
      if (permitted && status === Status.RESERVATION_CONFLICT) throw new Violation('only reservations conflict', who);
    }
    if (status !== Status.CHECK_CONDITION || senseKey === SenseKey.UNIT_ATTENTION) {
      const known: readonly number[] = Object.values(Status);
      if (!known.includes(status) || status === Status.TASK_ABORTED)
        throw new Violation('a status that exists', `${who}: ${status}`);
      return;
    }
    if (senseKey === SenseKey.MISCOMPARE || (senseKey === SenseKey.ILLEGAL_REQUEST && unit.wasAway(task.sentAt)))
      return;
    const diskMayFail = senseKey === SenseKey.MEDIUM_ERROR || senseKey === SenseKey.HARDWARE_ERROR;
    if (diskMayFail && this.world.diskFailedAt(unit) >= task.sentAt) return;
    if (command.access === 'order' && senseKey === SenseKey.ILLEGAL_REQUEST) return;
    throw new Violation('a command fails for a reason', `${who}: sense key ${senseKey}`);
  }

  // Task management

  /** Aborts a task, which is over when that is answered. */
  abort(connection: Connection, task: SimTask): void {
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
  forget(connection: Connection, task: SimTask): void {
    if (!connection.tasks.delete(task.tag)) return;
    task.command.over();
  }

  #lookAfter(connection: Connection, task: SimTask): void {
    const { now } = this.world.clock;
    if (now - task.sentAt > STUCK_MS) {
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
    if (!this.up && !this.#away) this.logIn();
    for (const connection of this.connections) {
      const waits = !connection.idle || connection.loggingOut || connection.agreement === null;
      if (waits && clock.now - connection.heardAt > SILENCE_MS && connection.heardAt !== 0) {
        connection.drop();
        return;
      }
      if (!connection.open || !connection.healthy) continue;
      for (const task of connection.tasks.values()) this.#lookAfter(connection, task);
    }
  }
}
