// Runs the commands off the fast path: their generators, and the services they ask for.
// READ and WRITE, and when any task may start or has ended, are processor.ts's.

import { NONE } from '../base/free-list.ts';
import type { Engine } from '../engine/engine.ts';
import type { ReserveOrder } from '../ring/reservations.ts';
import type { StateChange } from '../ring/unit-state.ts';
import type { CommandServices, Steps, StreamCommand } from './cold-command.ts';
import { DetachedWork } from './detached-work.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { PiecePool } from './piece-pool.ts';
import { setBusy } from './sense.ts';
import { type BlockOperation, isWhole, Movement, type Piece, Status, type Task } from './task.ts';
import type { Orders } from './task-events.ts';

/** A step of a command has not ended yet. */
const PENDING = -1;

/** What the runner needs of the processor. */
export interface TaskControl {
  /** Notes that a backend is about to be asked. */
  dispatch(task: Task, piece: Piece, operation: BlockOperation): void;
  finish(task: Task): void;
  finishWhenIdle(task: Task): void;
}

/** The commands off the fast path of one worker. */
export class CommandRunner implements CommandServices {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly #engine: Engine;
  readonly #pieces: PiecePool;
  readonly #control: TaskControl;
  readonly #orders: Orders;
  readonly detached = new DetachedWork();

  constructor(engine: Engine, pieces: PiecePool, control: TaskControl, orders: Orders) {
    this.#engine = engine;
    this.#pieces = pieces;
    this.#control = control;
    this.#orders = orders;
    this.view = engine.slab.view;
    this.bytes = engine.slab.bytes;
  }

  /** The task's turn: its list is there, or there is none. */
  run(task: Task): void {
    const steps = task.command!.run(task, task.unit!, this);
    if (steps === undefined) {
      this.#control.finish(task);
      return;
    }
    task.steps = steps;
    if (this.#resume(task, 0)) this.#control.finish(task);
  }

  /** streamOut: hands the command the pieces that are whole, in order and one at a time. */
  takePieces(task: Task, command: StreamCommand): void {
    while (task.steps === null) {
      const piece = task.firstPiece;
      if (task.aborted || task.status !== Status.GOOD || (piece === null && task.assigned === task.moveLength)) {
        this.#control.finishWhenIdle(task);
        return;
      }
      if (piece === null || !isWhole(piece)) return;
      task.steps = command.piece(task, task.unit!, piece, this);
      if (this.#resume(task, 0)) this.#pieceTaken(task);
    }
  }

  #pieceTaken(task: Task): void {
    task.steps = null;
    this.#pieces.dropFirst(task);
  }

  /**
   * Runs the command up to its next wait; true when it has ended. An operation may end before the command has yielded:
   * `stepErrno` remembers it.
   */
  #resume(task: Task, errno: number): boolean {
    const steps = task.steps!;
    let result = errno;
    task.pumping = true;
    for (;;) {
      task.stepErrno = PENDING;
      const { done } = steps.next(result);
      if (done === true || task.stepErrno === PENDING) {
        task.pumping = false;
        return done === true;
      }
      result = task.stepErrno;
    }
  }

  /** An operation of the command has ended, or its turn at the unit has come. */
  stepDone(task: Task, errno: number): void {
    if (task.pumping) {
      task.stepErrno = errno;
      return;
    }
    if (this.detached.has(task)) {
      this.#workOn(task, errno);
    } else if (task.aborted || task.steps === null) {
      // It was ended meanwhile, or its unit removed.
      this.#control.finishWhenIdle(task);
    } else if (this.#resume(task, errno)) {
      const { command } = task;
      if (command?.movement !== Movement.streamOut) {
        this.#control.finish(task);
        return;
      }
      this.#pieceTaken(task);
      this.takePieces(task, command);
    }
  }

  /** Goes on with detached work, or ends it. */
  #workOn(task: Task, errno: number): void {
    if (!task.aborted && !this.#resume(task, errno)) return;
    const asker = this.detached.askerOf(task);
    this.#pieces.dropAll(task);
    this.detached.end(task);
    if (asker !== null) this.stepDone(asker, 0);
  }

  // CommandServices

  now(): number {
    return this.#engine.now();
  }

  barePiece(task: Task): Piece {
    return this.#pieces.takeOwn(task, NONE, 0);
  }

  tryPiece(task: Task, length: number): Piece | null {
    const slot = this.#engine.slab.takeSlot(length);
    return slot === NONE ? null : this.#pieces.takeOwn(task, slot, length);
  }

  takePiece(task: Task, length: number): Piece | null {
    const piece = this.tryPiece(task, length);
    if (piece === null) setBusy(task);
    return piece;
  }

  keepPiece(task: Task, length: number): Piece | null {
    const piece = task.share?.hasRoomToKeep(length) === false ? null : this.tryPiece(task, length);
    if (piece === null) setBusy(task);
    else this.#pieces.keep(piece);
    return piece;
  }

  freePiece(piece: Piece): void {
    this.#pieces.freeOwn(piece);
  }

  lock(task: Task): boolean {
    return task.unit!.exclusion.enter(task);
  }

  unlock(task: Task): void {
    const next = task.unit!.exclusion.leave(task);
    if (next !== null) this.stepDone(next, 0);
  }

  reserve(task: Task, order: ReserveOrder): void {
    // The task stays while main is asked, as if a backend had it.
    task.piecesInFlight++;
    this.#orders.reserve(order, (result) => {
      task.piecesInFlight--;
      task.reserveResult = result;
      this.stepDone(task, 0);
    });
  }

  changeState(task: Task, change: StateChange): void {
    const order = { unit: task.unit!.snapshot.id, by: task.nexus!.name, change };
    task.piecesInFlight++;
    this.#orders.changeState(order, (result) => {
      task.piecesInFlight--;
      task.stateResult = result;
      this.stepDone(task, 0);
    });
  }

  detach(task: Task, work: (own: Task, wake: () => void) => Steps): void {
    const own = this.detached.begin(task);
    own.steps = work(own, () => {
      const asker = this.detached.askerOf(own);
      if (asker !== null) this.stepDone(asker, 0);
    });
    this.#workOn(own, 0);
  }

  pause(piece: Piece, unit: LogicalUnit): void {
    this.#dispatch(piece, unit, 'pause');
    unit.backend.pause(piece);
  }

  /** A unit that is not the task's has a guest for so long. */
  #dispatch(piece: Piece, unit: LogicalUnit, operation: BlockOperation): void {
    const task = piece.task!;
    piece.unit = unit;
    if (unit !== task.unit) unit.guests.set(piece, []);
    this.#control.dispatch(task, piece, operation);
  }

  read(piece: Piece, unit: LogicalUnit): void {
    this.#dispatch(piece, unit, 'read');
    unit.backend.read(piece);
  }

  write(piece: Piece, unit: LogicalUnit): void {
    this.#dispatch(piece, unit, 'write');
    unit.backend.write(piece);
  }

  sync(piece: Piece, unit: LogicalUnit): void {
    this.#dispatch(piece, unit, 'sync');
    unit.backend.sync(piece);
  }

  clear(piece: Piece, unit: LogicalUnit, deallocate: boolean): void {
    this.#dispatch(piece, unit, 'clear');
    unit.backend.clear(piece, deallocate);
  }
}
