// Runs SCSI commands: decides whether one may run, moves READ and WRITE data in pieces, ends each task once.
// Hears of requests from the session layer and answers through TaskEvents; the other commands run in command-runner.ts.

import { assert } from '../base/assert.ts';
import type { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import type { Engine } from '../engine/engine.ts';
import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { countLatencyTwice, Figure } from '../ring/figures.ts';
import type { Meters } from '../ring/meters.ts';
import { isOccupied, type UnitState } from '../ring/unit-state.ts';
import { checkAccess } from './access-state.ts';
import { controlAt, NACA, OperationCode } from './cdb.ts';
import { CommandRunner, type TaskControl } from './command-runner.ts';
import { commandFor } from './commands.ts';
import { checkCondition } from './condition.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { Pacer } from './pacer.ts';
import { PiecePool } from './piece-pool.ts';
import { Quiescence } from './quiescence.ts';
import { checkLength32, checkMedium, decodeReadWrite, failMoving } from './read-write.ts';
import { AdditionalSense, fail, failField, failListLength, failOperationCode, SenseKey, setBusy } from './sense.ts';
import { Attribute, type BlockOperation, isWhole, Movement, type Piece, Status, type Task } from './task.ts';
import type { Orders, TaskEvents } from './task-events.ts';
import { TaskMemory } from './task-memory.ts';

/** Pieces of one READ that may hold memory at a time: enough to keep disk and network busy, few enough that one command can't take it all. */
const PIECES_PER_TASK = 4;

/** SCSI command execution for one worker. */
export class Processor implements TaskControl {
  /** Operations that backends have not answered: while there are any, memory is certain to come back. */
  operationsInFlight = 0;
  /** Where tasks get their I/O memory from. */
  readonly memory: TaskMemory;
  readonly #engine: Engine;
  readonly #events: TaskEvents;
  readonly #pieces: PiecePool;
  readonly #runner: CommandRunner;
  readonly quiescence: Quiescence;
  /** Where tasks wait that are over a limit. */
  readonly pacer: Pacer;

  constructor(engine: Engine, events: TaskEvents & Orders, meters: Meters) {
    this.#engine = engine;
    this.#events = events;
    this.#pieces = new PiecePool(engine.slab);
    this.memory = new TaskMemory(engine.slab, this.#pieces, (task) => this.#goOn(task));
    this.pacer = new Pacer(engine, meters, (task) => this.start(task));
    this.#runner = new CommandRunner(engine, this.#pieces, this, events);
    this.quiescence = new Quiescence(this.#runner.detached, (task) => this.finishWhenIdle(task));
  }

  /** Reads the CDB: what moves, which way, how much. Looks at nothing that may change before the task's turn comes. */
  decode(task: Task): void {
    // As the initiator gave it: SANITIZE has its own.
    const { attribute } = task;
    if (!decodeReadWrite(task)) this.#decodeCommand(task);
    const opcode = task.cdb.getUint8(0);
    if (opcode === OperationCode.VARIABLE_LENGTH) checkLength32(task);
    const control = controlAt(opcode);
    // SAM-5: without an auto contingent allegiance there is no command with the ACA attribute; the numbers behind it are reserved.
    if (attribute >= Attribute.ACA) fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_MESSAGE_ERROR);
    // NORMACA is 0 in our INQUIRY data: no auto contingent allegiance can be asked for (SAM-5).
    if (control > 0 && (task.cdb.getUint8(control) & NACA) !== 0) failField(task, control);
  }

  #decodeCommand(task: Task): void {
    task.command = commandFor(task);
    if (task.command === null) return;
    task.movement = task.command.movement;
    task.transferLength = task.command.decode(task);
    if (task.transferLength <= SLOT_BYTES_MAX || task.movement === Movement.streamOut) return;
    if (task.movement === Movement.listOut && task.status === Status.GOOD) {
      failListLength(task);
    }
    // An ALLOCATION LENGTH is an upper bound; no reply is longer than a slot.
    task.transferLength = SLOT_BYTES_MAX;
  }

  /** Judges the task in its turn, in CmdSN order. False: it has failed, and the caller calls {@link finishWhenIdle} instead of {@link start}. */
  admit(task: Task): boolean {
    const { unit, command } = task;
    if (unit === null) {
      // Of any other answer initiators would conclude that the unit is gone for good. What units there are is known all the same.
      const isReport = task.cdb.getUint8(0) === OperationCode.REPORT_LUNS;
      if (!isReport && task.nexus!.awaits(task.lun)) return setBusy(task);
      if (command === null || !command.anyLun) {
        fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
      }
      return task.status === Status.GOOD;
    }
    if (unit.attentions.size !== 0 && (command === null || !command.beforeAttention)) {
      const attention = unit.takeAttention(task.nexus!);
      if (attention !== 0) fail(task, SenseKey.UNIT_ATTENTION, attention);
    }
    if (task.status !== Status.GOOD) return false;
    if (unit.accessLimited && !checkAccess(task, unit)) return false;
    if (unit.restriction !== null && !unit.restriction.permits(task)) {
      task.status = Status.RESERVATION_CONFLICT;
      return false;
    }
    if (command === null) {
      if (task.movement === Movement.none) return failOperationCode(task);
      if (!checkMedium(task, unit)) return false;
    } else if (!unit.ready && !checkCondition(task, unit)) {
      return false;
    }
    unit.enter(task);
    return true;
  }

  /** Runs an admitted task, or leaves it in the set until the ORDERED tasks before it have ended and limits let it start. */
  start(task: Task): void {
    const unit = task.unit;
    if (unit !== null && !unit.mayStart(task)) return;
    if (unit !== null && task.status === Status.GOOD && this.pacer.holds(task)) return;
    task.started = true;
    if (unit !== null) {
      const micros = (this.#engine.now() - task.arrivedAt) * 1000;
      countLatencyTwice(unit.figures, task.nexus!.figures, Figure.queueMicros, Figure.queueLatency, micros);
    }
    if (task.status !== Status.GOOD) {
      // It was interrupted while it waited.
      this.finishWhenIdle(task);
      return;
    }
    switch (task.movement) {
      case Movement.streamIn:
        if (task.moveLength === 0) this.finish(task);
        else this.#pumpRead(task, unit!);
        return;
      case Movement.streamOut:
        // A command that takes its data in pieces looks at the rest first.
        if (task.command !== null) task.command.run(task, unit!, this.#runner);
        if (task.moveLength === 0 || task.status !== Status.GOOD) this.finishWhenIdle(task);
        else this.#wantData(task);
        return;
      case Movement.listOut:
        if (task.moveLength === 0) this.#runner.run(task);
        else this.#wantData(task);
        return;
      case Movement.replyIn:
        if (this.memory.takeReplySlot(task)) this.#runner.run(task);
        return;
      default:
        this.#runner.run(task);
    }
  }

  /** A task that waited for memory tries again. */
  #goOn(task: Task): void {
    if (task.movement === Movement.streamIn) this.#pumpRead(task, task.unit!);
    else if (task.movement === Movement.replyIn) this.start(task);
    else this.#events.dataWanted(task);
  }

  /** Asking comes first: a piece that is full may end the task here and now. */
  #wantData(task: Task): void {
    const first = task.firstPiece;
    this.#events.dataWanted(task);
    if (first !== null) this.pieceFilled(first);
  }

  /** The piece with that index, which the caller checks to be in use for what it thinks; undefined if there never was one. */
  pieceAt(index: number): Piece | undefined {
    return this.#pieces.at(index);
  }

  /** streamOut, listOut: more of the piece has arrived; once {@link isWhole}, it is written, or the command runs. Allocates nothing. */
  pieceFilled(piece: Piece): void {
    const task = piece.task!;
    if (!task.started || !isWhole(piece) || piece.inFlight || task.status !== Status.GOOD) return;
    if (task.command === null) {
      this.dispatch(task, piece, 'write');
      task.unit!.backend.write(piece);
    } else if (task.command.movement === Movement.streamOut) {
      this.#runner.takePieces(task, task.command);
    } else if (task.steps === null) {
      // Only once: an empty Data-Out PDU may come behind the last byte while the command waits.
      task.at = piece.at;
      task.dataLength = piece.length;
      this.#runner.run(task);
    }
  }

  /** streamIn: the piece's bytes are queued for sending; its slot comes back through the engine. Allocates nothing. */
  pieceSent(piece: Piece): void {
    const task = piece.task!;
    assert(task.firstPiece === piece && piece.done, 'processor: pieces leave in order');
    piece.slot = NONE;
    this.#pieces.dropFirst(task);
  }

  /** streamIn: nobody is there to take the piece's bytes. */
  pieceUnwanted(piece: Piece): void {
    this.#pieces.drop(piece);
  }

  /** Notes that a backend is about to be asked. Allocates nothing. */
  dispatch(task: Task, piece: Piece, operation: BlockOperation): void {
    piece.asked = operation;
    piece.inFlight = true;
    piece.done = false;
    piece.progress = 0;
    piece.askedAt = this.#engine.now();
    task.piecesInFlight++;
    this.operationsInFlight++;
    if (task.share !== null) task.share.underWay++;
  }

  /** The unit's turn for read-modify-write has come to a task that waited for it. */
  turnCame(task: Task): void {
    this.#runner.stepDone(task, 0);
  }

  /** The engine's answer for one of our operations. Allocates nothing. */
  fileDone(token: number, result: number): void {
    const piece = this.pieceAt(token)!;
    piece.unit!.backend.fileDone(piece, result);
  }

  /** A backend finished `piece`: the `complete` that it got at construction. Allocates nothing. */
  readonly pieceDone = (piece: Piece, errno: number): void => {
    const task = piece.task!;
    piece.inFlight = false;
    piece.done = true;
    const micros = (this.#engine.now() - piece.askedAt) * 1000;
    const { figures } = piece.unit!;
    countLatencyTwice(figures, task.nexus!.figures, Figure.deviceMicros, Figure.deviceLatency, micros);
    task.piecesInFlight--;
    this.operationsInFlight--;
    if (task.share !== null) task.share.underWay--;
    if (task.command !== null) {
      if (piece.unit !== task.unit) this.#guestLeaves(piece.unit!, piece);
      this.#runner.stepDone(task, errno);
      return;
    }
    if (errno !== 0) failMoving(task, piece, errno);
    if (task.pumping) return;
    if (task.aborted || task.status !== Status.GOOD) this.finishWhenIdle(task);
    else if (task.movement === Movement.streamIn) this.#pumpRead(task, task.unit!);
    else this.#pieceWritten(task, piece);
  };

  /** Ends a task that is done with, aborted or failed once nobody works on its memory. RFC 7143 §11.4.2: a failure waits for data that was asked for, an abort for none. */
  finishWhenIdle(task: Task): void {
    if (task.completed || task.piecesInFlight !== 0) return;
    task.over = task.receiving;
    if (!task.receiving && (task.aborted || task.burstsOutstanding === 0)) this.finish(task);
    else if (task.inSet && task.unit!.whenIdle !== null) this.quiescence.check(task.unit!);
  }

  /** Ends the task: gives its pieces back, takes it out of the task set, reports it, and starts what it held back. */
  finish(task: Task): void {
    assert(!task.completed, 'processor: a task ends once');
    assert(task.piecesInFlight === 0, 'processor: a task ends after its operations');
    if (task.lane !== null) this.pacer.leave(task);
    else this.memory.stopWaiting(task);
    this.memory.giveBack(task);
    task.completed = true;
    const unit = task.unit;
    if (task.excludes) this.#runner.unlock(task);
    if (!task.inSet || unit === null) {
      this.#events.complete(task);
      return;
    }
    const held = unit.orderedCount !== 0;
    unit.leave(task);
    this.#events.complete(task);
    if (held) this.#startHeld(unit);
    if (unit.whenIdle !== null) this.quiescence.check(unit);
  }

  /** Gives the memory of a reply or a list back, unless the engine has it (`task.slot` is then NONE). */
  releaseReply(task: Task): void {
    if (task.slot !== NONE) this.#engine.slab.release(task.slot);
    task.slot = NONE;
  }

  /** Forgets a task that was decoded and not admitted, with its memory. */
  discard(task: Task): void {
    this.#pieces.dropAll(task);
  }

  /** Ends the task without a status as soon as the backend lets go of it. May come again, when data are not coming in any more. */
  abort(task: Task): void {
    if (task.completed) return;
    task.aborted = true;
    this.finishWhenIdle(task);
  }

  /** Takes over what initiators have made of a unit. `then` runs when nothing is under way any more that the state rules out: mostly at once. */
  takeState(unit: LogicalUnit, state: UnitState, then: () => void): void {
    const begins = isOccupied(state) && !isOccupied(unit.state);
    unit.setState(state);
    if (begins) this.quiescence.begin(unit, then);
    else then();
  }

  /** A task goes on without its unit, which was removed. */
  disown(task: Task): void {
    if (task.lane !== null) this.pacer.leave(task);
    if (task.excludes) this.#runner.unlock(task);
    if (task.inSet) task.unit!.leave(task);
    task.unit!.figures[Figure.inFlight]!--;
    task.unit = null;
  }

  /** An operation of another unit's task has ended. */
  #guestLeaves(unit: LogicalUnit, piece: Piece): void {
    unit.guestLeaves(piece);
    if (unit.whenIdle !== null) this.quiescence.check(unit);
  }

  /** Ends work that no command waits for, at `unit` (null: everywhere), when the operations under way have ended. */
  stopWork(unit: LogicalUnit | null, wait: Countdown | null): void {
    this.#runner.detached.stop(unit, wait);
  }

  /** Reads ahead as far as memory and {@link PIECES_PER_TASK} allow, and reports what is done. Allocates nothing. */
  #pumpRead(task: Task, unit: LogicalUnit): void {
    if (task.readsAnew && !this.memory.giveUpPieces(task)) return;
    task.pumping = true;
    for (;;) {
      while (task.assigned < task.moveLength && task.pieceCount < PIECES_PER_TASK && task.status === Status.GOOD) {
        const piece = this.memory.readPiece(task, unit);
        if (piece === null) break;
        this.dispatch(task, piece, 'read');
        unit.backend.read(piece);
      }
      if (task.aborted || task.status !== Status.GOOD || task.firstPiece === null || !task.firstPiece.done) break;
      this.#events.dataReady(task);
      if (task.firstPiece === null && task.assigned === task.moveLength) break;
    }
    task.pumping = false;
    const moved = task.firstPiece === null && task.assigned === task.moveLength;
    if (moved || task.aborted || task.status !== Status.GOOD) this.finishWhenIdle(task);
  }

  #pieceWritten(task: Task, piece: Piece): void {
    this.#pieces.drop(piece);
    if (task.firstPiece === null && task.assigned === task.moveLength) this.finish(task);
  }

  /** Starts what an ORDERED task held back. From the front each time: a task that starts may end at once, and others with it. */
  #startHeld(unit: LogicalUnit): void {
    for (let task = unit.nextToStart(); task !== null; task = unit.nextToStart()) this.start(task);
  }
}
