// How a simulated initiator recovers lost connections at ErrorRecoveryLevel 2 (RFC 7143 §7.2.2, §7.5): another connection takes their
// tasks up. What the tasks are, and the sessions, is initiator.ts's.

import { serialBefore } from '../../src/base/serial.ts';
import { TaskFunctionResponse } from '../../src/pdu/task-management.ts';
import { Violation } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Initiator } from './initiator.ts';
import { IMMEDIATE, type Requests } from './requests.ts';
import type { SimTask } from './task.ts';

/** An attempt that has led nowhere after so many milliseconds is followed by another. */
const ATTEMPT_MS = 4000;
const ATTEMPTS_MAX = 5;
/** The target may notice the end of a connection so much earlier than what it sent before was heard. */
const SLACK_MS = 1500;

/** See the file's head. */
export class Recovery {
  /** Connections that are over, and whose tasks are not. */
  lost: Connection[] = [];
  readonly #initiator: Initiator;
  /** Changes with the session. */
  #era = 0;
  #waiting = false;
  #attempts = 0;
  /** A connection on its way that is to take the tasks up. */
  #via: Connection | null = null;

  constructor(initiator: Initiator) {
    this.#initiator = initiator;
  }

  get underWay(): boolean {
    return this.lost.length !== 0;
  }

  /** Keeps a connection that has ended for another to take its tasks up. False: nothing of it can be recovered. */
  keep(connection: Connection): boolean {
    const { errorRecoveryLevel, time2Retain, time2Wait } = connection.agreement!;
    const { clock } = this.#initiator.world;
    const functions = [...connection.management.values()].some(({ name }) => name !== 'TASK REASSIGN');
    if (errorRecoveryLevel !== 2 || time2Retain === 0 || connection.loggingOut || functions) return false;
    connection.management.clear();
    for (const task of connection.tasks.values()) task.lostAt ??= connection.link.hasCrawled ? 0 : connection.heardAt;
    this.lost.push(connection);
    this.#attemptIn(time2Wait * 1000 + this.#initiator.random.delay(200, 4000));
    clock.note(`${connection.link.initiator.name} is to be recovered`);
    return true;
  }

  /** The session is over. */
  forget(): void {
    this.#era++;
    this.lost = [];
    this.#attempts = 0;
    this.#via = null;
    this.#waiting = false;
  }

  #attemptIn(milliseconds: number): void {
    if (this.#waiting) return;
    this.#waiting = true;
    const era = this.#era;
    this.#initiator.world.clock.after(milliseconds, () => {
      if (this.#era !== era) return;
      this.#waiting = false;
      this.#attempt();
    });
  }

  #attempt(): void {
    const [first] = this.lost;
    if (first === undefined) return;
    const { random, usable, holders, world } = this.#initiator;
    if (++this.#attempts > ATTEMPTS_MAX) {
      world.clock.note(`${this.#initiator.initiatorName} gives its session up`);
      this.#initiator.giveUp();
      return;
    }
    this.#attemptIn(ATTEMPT_MS);
    if (usable.length !== 0 && random.chance(0.5)) {
      this.#takeOver(random.pick(usable));
      return;
    }
    // In the place of the lost one, or beside it as long as there is a place.
    const inPlace = holders.length >= 3 || random.chance(0.5);
    this.#via?.drop();
    this.#via = this.#initiator.replace(inPlace ? this.#latest(first.cid) : null);
  }

  /** Of those with a CID the one that was lost last: it is that one which a login with the CID restarts. */
  #latest(cid: number): Connection {
    return this.lost.findLast((lost) => lost.cid === cid)!;
  }

  /** A connection has been added to the session. */
  loggedIn(connection: Connection): void {
    if (connection !== this.#via) return;
    this.#via = null;
    this.#takeOver(connection);
  }

  /** Has the tasks of all lost connections go on over this one. */
  #takeOver(connection: Connection): void {
    // The latest first: a logout is of that one, if there are several with its CID.
    for (const lost of this.lost.toReversed()) {
      // Its own CID's is gone: the login was in its place.
      if (lost.cid === connection.cid) this.#reassign(lost, connection);
      else
        connection.removeForRecovery(lost, () => {
          if (this.lost.includes(lost)) this.#reassign(lost, connection);
        });
    }
  }

  #reassign(lost: Connection, connection: Connection): void {
    this.lost = this.lost.filter((each) => each !== lost);
    if (!this.underWay) this.#attempts = 0;
    connection.resumes = true;
    for (const task of [...lost.tasks.values()]) {
      lost.tasks.delete(task.tag);
      connection.reassign(task, (response, expCmdSN) => this.#reassigned(connection, task, response, expCmdSN));
    }
    // A declaration was the lost connection's own: a ping has its CmdSN now.
    const { pending } = lost.declaration;
    if (pending !== null) lost.pings.set(pending.tag, pending.cmdSN);
    for (const [tag, cmdSN] of lost.pings) {
      if (cmdSN !== IMMEDIATE && !serialBefore(cmdSN, this.#initiator.expCmdSN)) connection.repeatPing(tag, cmdSN);
    }
    lost.pings.clear();
  }

  #reassigned(connection: Requests, task: SimTask, response: number, expCmdSN: number): void {
    const { now } = this.#initiator.world.clock;
    const { time2Wait, time2Retain } = connection.agreement!;
    if (connection.tasks.get(task.tag) !== task) return;
    const expired = now - task.lostAt! > (time2Wait + time2Retain) * 1000 - SLACK_MS;
    task.lostAt = null;
    task.resumedAt = now;
    task.attendedAt = now;
    if (response === TaskFunctionResponse.FUNCTION_COMPLETE) return;
    const absent = response === TaskFunctionResponse.TASK_DOES_NOT_EXIST;
    if (absent && !serialBefore(task.cmdSN, expCmdSN)) {
      connection.send(task);
      return;
    }
    if (absent && task.excused) {
      this.#initiator.forget(connection, task);
      return;
    }
    if (!expired) {
      const who = `${this.#initiator.initiatorName} ${task.command.name} ${task.tag.toString(16)}`;
      throw new Violation('the tasks of a lost connection go on', `${who}: response ${response}`);
    }
    this.#initiator.giveUp();
  }
}
