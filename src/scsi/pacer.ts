// Keeps commands to the limits of their unit and of their initiator (ring/meters.ts): who has had enough waits here until its time comes.
// Only READ, WRITE and the commands that carry blocks like them count: paths are checked, and clusters fenced, at any rate.

import { NONE } from '../base/free-list.ts';
import { ALARM_MS_MAX, type Engine } from '../engine/engine.ts';
import type { Meters } from '../ring/meters.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { Movement, type Task } from './task.ts';
import { TaskQueue } from './task-queue.ts';

/** What one nexus waits for at one unit, in its order: a slow initiator holds up nobody else. */
export class Lane {
  readonly queue = new TaskQueue();
  /** When the first may start: its time is booked with the meters. */
  startAt = 0;
  /** Among those that the next alarm looks at. */
  watched = false;
}

/** The commands of one worker that wait. */
export class Pacer {
  readonly #engine: Engine;
  readonly #meters: Meters;
  readonly #start: (task: Task) => void;
  #watched: Lane[] = [];
  /** When the alarms are due that have been set, the next one first. */
  readonly #alarms: number[] = [];

  /** `start` starts a task whose time has come. */
  constructor(engine: Engine, meters: Meters, start: (task: Task) => void) {
    this.#engine = engine;
    this.#meters = meters;
    this.#start = start;
  }

  /** Whether a task that is about to start has to wait; then it is started later. Allocates nothing, unless it has to. */
  holds(task: Task): boolean {
    const unit = task.unit!;
    const nexus = task.nexus!;
    if (task.paid || (unit.meter === NONE && nexus.meter === NONE)) return false;
    if (task.movement !== Movement.streamIn && task.movement !== Movement.streamOut) return false;
    let lane = nexus.lanes.get(unit);
    if (lane === undefined || lane.queue.empty) {
      const startAt = this.#book(task, unit);
      if (startAt <= this.#engine.now()) {
        task.paid = true;
        return false;
      }
      if (lane === undefined) {
        lane = new Lane();
        nexus.lanes.set(unit, lane);
      }
      this.#watch(lane, startAt);
    }
    task.lane = lane;
    lane.queue.push(task);
    return true;
  }

  /** The task waits no longer. If it was first, what was booked for it is its successor's. */
  leave(task: Task): void {
    task.lane!.queue.remove(task);
    task.lane = null;
  }

  /** The engine's alarm: starts what is due. */
  alarmed(): void {
    for (const lane of [...this.#watched]) this.#run(lane);
    // Not before: while it is there, those that begin to wait set none of their own.
    this.#alarms.shift();
    this.#settle();
  }

  /** Limits have changed: what was booked under the old ones is booked anew. */
  review(): void {
    for (const lane of [...this.#watched]) {
      const { first } = lane.queue;
      if (first !== null) lane.startAt = this.#book(first, first.unit!);
      this.#run(lane);
    }
    this.#settle();
  }

  #book(task: Task, unit: LogicalUnit): number {
    const now = this.#engine.now();
    const { meter } = task.nexus!;
    const bytes = task.moveLength;
    const byUnit = unit.meter === NONE ? now : this.#meters.book(unit.meter, now, bytes);
    const byInitiator = meter === NONE ? now : this.#meters.book(meter, now, bytes);
    return Math.max(byUnit, byInitiator);
  }

  #run(lane: Lane): void {
    for (let task = lane.queue.first; task !== null && lane.startAt <= this.#engine.now(); task = lane.queue.first) {
      this.leave(task);
      task.paid = true;
      // Before it starts: what that brings about queues behind those who wait.
      const next = lane.queue.first;
      if (next !== null) lane.startAt = this.#book(next, next.unit!);
      this.#start(task);
    }
  }

  #watch(lane: Lane, startAt: number): void {
    lane.startAt = startAt;
    if (!lane.watched) this.#watched.push(lane);
    lane.watched = true;
    this.#wakeAt(startAt);
  }

  /** Forgets lanes that are empty, and sets one alarm for the others: each that sets another when it is over would have them multiply. */
  #settle(): void {
    const lanes = this.#watched;
    this.#watched = [];
    let next = Number.POSITIVE_INFINITY;
    for (const lane of lanes) {
      lane.watched = !lane.queue.empty;
      if (!lane.watched) continue;
      this.#watched.push(lane);
      next = Math.min(next, lane.startAt);
    }
    if (this.#watched.length !== 0) this.#wakeAt(next);
  }

  #wakeAt(at: number): void {
    const now = this.#engine.now();
    const delay = Math.min(Math.max(Math.ceil(at - now), 1), ALARM_MS_MAX);
    const [first = Number.POSITIVE_INFINITY] = this.#alarms;
    if (now + delay >= first) return;
    this.#alarms.unshift(now + delay);
    this.#engine.alarm(delay);
  }
}
