// A logical unit as one worker sees it: its geometry and identity (main's snapshot), its storage, its task set.
// Main is the authority over everything but the task set; a changed snapshot arrives through `update`.

import type { Backend } from '../backend/backend.ts';
import type { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import type { UnitSnapshot } from '../ring/messages.ts';
import { NO_RESERVATIONS, type ReservationSnapshot } from '../ring/reservations.ts';
import { AccessState, FRESH_STATE, UnitCondition, type UnitState } from '../ring/unit-state.ts';
import { Exclusion, type SharedTurn } from './exclusion.ts';
import type { Nexus } from './nexus.ts';
import { type Restriction, restrictionOf } from './reservation.ts';
import { type AdditionalSense, SenseFormat } from './sense.ts';
import { Attribute, type Piece, type Task } from './task.ts';

/** The figures of a unit: a worker's own block, and the sum of all workers'. */
export interface UnitCounts {
  readonly own: Float64Array;
  readonly total: () => Float64Array;
}

/** A logical unit. */
export class LogicalUnit {
  snapshot: UnitSnapshot;
  readonly backend: Backend<Piece>;
  // Copies of what the data path asks for on every command.
  blockSize: number;
  blockCount: number;
  readOnly: boolean;
  /** Its meter (ring/meters.ts), if it is limited. */
  meter: number;
  /** The medium is in, and usable: false after START STOP UNIT has ejected it, and while SANITIZE or FORMAT UNIT is at work. Why: condition.ts. */
  ready = true;
  /** Some port is not active: what came through it may have to be refused. */
  accessLimited = false;
  /** How far the command is that works on all of the medium, of 65,536; -1: none does, or another worker runs it. */
  progress = -1;
  /** Operations under way of tasks of other units, which copy from or to this one; who waits for the end of each. */
  readonly guests = new Map<Piece, Countdown[]>();
  /** Somebody waits for the task set to run empty, and the guests to leave. */
  whenIdle: (() => void) | null = null;
  /** The format that initiators want sense data in. */
  senseFormat: SenseFormat = SenseFormat.fixed;
  /** Main's word on what initiators have made of the unit; `ready`, `readOnly` and `senseFormat` are copies. */
  state: UnitState = FRESH_STATE;
  /** Tasks accepted and not yet ended, in order of arrival. */
  firstTask: Task | null = null;
  lastTask: Task | null = null;
  taskCount = 0;
  /** ORDERED tasks in the set: while there are none, every task may start at once. */
  orderedCount = 0;
  /** Unit attention conditions waiting to be reported, by nexus, oldest first. Empty on the fast path. */
  readonly attentions = new Map<Nexus, AdditionalSense[]>();
  /** Main's word on who is registered and who has reserved. */
  reservations: ReservationSnapshot = NO_RESERVATIONS;
  /** What the reservation forbids; null: nothing, as there is none. */
  restriction: Restriction | null = null;
  /** Whose turn it is to read, change and write back. */
  readonly exclusion: Exclusion;

  /** What this worker counts of it (ring/figures.ts), and what all workers have counted. */
  readonly figures: Float64Array;
  readonly totalFigures: () => Float64Array;

  constructor(snapshot: UnitSnapshot, backend: Backend<Piece>, turn: SharedTurn, { own, total }: UnitCounts) {
    this.figures = own;
    this.totalFigures = total;
    this.snapshot = snapshot;
    this.backend = backend;
    this.exclusion = new Exclusion(turn);
    this.blockSize = snapshot.blockSize;
    this.blockCount = snapshot.blockCount;
    this.readOnly = snapshot.readOnly;
    this.meter = snapshot.meter;
  }

  /** Takes over a newer snapshot of the same unit. */
  update(snapshot: UnitSnapshot): void {
    this.snapshot = snapshot;
    this.blockSize = snapshot.blockSize;
    this.blockCount = snapshot.blockCount;
    this.readOnly = snapshot.readOnly || this.state.writeProtected;
    this.meter = snapshot.meter;
  }

  /** Takes over what initiators have made of it. */
  setState(state: UnitState): void {
    this.state = state;
    this.ready = state.loaded && state.condition === UnitCondition.usable;
    this.accessLimited = state.portGroups.some(({ state: access }) => access >= AccessState.standby);
    this.readOnly = this.snapshot.readOnly || state.writeProtected;
    this.senseFormat = state.descriptorSense ? SenseFormat.descriptor : SenseFormat.fixed;
  }

  /** Has `then` called when the task set has run empty, after those who asked before. */
  callWhenIdle(then: () => void): void {
    const before = this.whenIdle;
    this.whenIdle = () => {
      before?.();
      then();
    };
  }

  /** Has `wait` hear of the end of each operation that is under way here for another unit's task for which `concerned` holds. */
  awaitGuests(concerned: (task: Task) => boolean, wait: Countdown): void {
    for (const [piece, waits] of this.guests) {
      if (!concerned(piece.task!)) continue;
      wait.add();
      waits.push(wait);
    }
  }

  /** An operation of another unit's task has ended. */
  guestLeaves(piece: Piece): void {
    const waits = this.guests.get(piece)!;
    this.guests.delete(piece);
    for (const wait of waits) wait.done();
  }

  /** Takes over reservations that have changed. */
  reserve(reservations: ReservationSnapshot): void {
    this.reservations = reservations;
    this.restriction = restrictionOf(reservations);
  }

  /** Puts a task at the end of the task set. Allocates nothing. */
  enter(task: Task): void {
    task.previousInSet = this.lastTask;
    if (this.lastTask === null) this.firstTask = task;
    else this.lastTask.nextInSet = task;
    this.lastTask = task;
    this.taskCount++;
    if (task.attribute === Attribute.ORDERED) this.orderedCount++;
    task.inSet = true;
  }

  /** SAM-5 §8: an ORDERED task starts when all older ones have ended, a SIMPLE one when no older ORDERED one is left. */
  mayStart(task: Task): boolean {
    if (task.attribute === Attribute.ORDERED) return this.firstTask === task;
    if (this.orderedCount === 0 || task.attribute === Attribute.HEAD_OF_QUEUE) return true;
    for (let older = task.previousInSet; older !== null; older = older.previousInSet) {
      if (older.attribute === Attribute.ORDERED) return false;
    }
    return true;
  }

  /**
   * Whether a READ of blocks that exist, with the SIMPLE attribute, may start as soon as it comes through `nexus`: nothing about the unit
   * forbids it, holds it back, or has to be reported first. Allocates nothing.
   */
  isFreeToRead(nexus: Nexus): boolean {
    const limited = this.meter !== NONE || nexus.meter !== NONE;
    const restricted = !this.ready || this.accessLimited || this.restriction !== null;
    // What others have yet to hear is theirs alone: one that logs in and sends nothing never hears it.
    const told = this.attentions.size === 0 || !this.attentions.has(nexus);
    return !limited && !restricted && told && this.orderedCount === 0;
  }

  /** The oldest task that waits for nothing but its turn, which has come; null: there is none. Allocates nothing. */
  nextToStart(): Task | null {
    for (let task = this.firstTask; task !== null; task = task.nextInSet) {
      const waits = !task.started && !task.aborted && !task.arriving && task.waitsIn === null;
      if (waits && this.mayStart(task)) return task;
      // All behind it wait for it, but for HEAD OF QUEUE tasks, which never wait for a turn.
      if (task.attribute === Attribute.ORDERED) return null;
    }
    return null;
  }

  /** Takes a task out of the task set. Allocates nothing. */
  leave(task: Task): void {
    if (task.previousInSet === null) this.firstTask = task.nextInSet;
    else task.previousInSet.nextInSet = task.nextInSet;
    if (task.nextInSet === null) this.lastTask = task.previousInSet;
    else task.nextInSet.previousInSet = task.previousInSet;
    task.previousInSet = null;
    task.nextInSet = null;
    task.inSet = false;
    this.taskCount--;
    if (task.attribute === Attribute.ORDERED) this.orderedCount--;
  }

  /** A unit attention for `nexus`; the same condition waits once only. */
  attention(nexus: Nexus, additionalSense: AdditionalSense): void {
    const waiting = this.attentions.get(nexus);
    if (waiting === undefined) this.attentions.set(nexus, [additionalSense]);
    else if (!waiting.includes(additionalSense)) waiting.push(additionalSense);
  }

  /** Forgets a unit attention of `nexus` that it has learned of in another way. */
  dropAttention(nexus: Nexus, additionalSense: AdditionalSense): void {
    const left = this.attentions.get(nexus)?.filter((waiting) => waiting !== additionalSense);
    if (left === undefined) return;
    if (left.length === 0) this.attentions.delete(nexus);
    else this.attentions.set(nexus, left);
  }

  /** An I_T nexus is gone, and what it left behind goes with it. */
  forget(nexus: Nexus): void {
    this.attentions.delete(nexus);
    nexus.lanes.delete(this);
  }

  /** The oldest unit attention of `nexus`, which is thereby reported; 0: there is none. */
  takeAttention(nexus: Nexus): AdditionalSense {
    const waiting = this.attentions.get(nexus);
    if (waiting === undefined) return 0;
    const attention = waiting.shift()!;
    if (waiting.length === 0) this.attentions.delete(nexus);
    return attention;
  }
}
