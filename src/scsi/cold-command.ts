// The shape of every command off the fast path, and the services it may use.
// A command that needs several backend operations is a generator: it starts one, yields, and is resumed with its errno.

import type { ReserveOrder } from '../ring/reservations.ts';
import type { StateChange } from '../ring/unit-state.ts';
import { TURN_BYTES_MAX } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { Movement, type Piece, type Task } from './task.ts';

/** The steps of a command: each `yield` waits for one thing, and answers its errno. */
export type Steps = Generator<void, void, number>;

/** What a running command may ask for. */
export interface CommandServices {
  /** The slab: a reply is written, a parameter list read, at `task.at`. */
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** Milliseconds, monotonic. */
  now(): number;
  /** A piece for an operation of the command's own, without memory. It goes back with `freePiece`. */
  barePiece(task: Task): Piece;
  /** The same with `length` bytes of slab memory. Null when there is none: the task has ended with BUSY, and the command does nothing more. */
  takePiece(task: Task, length: number): Piece | null;
  /** The same, but null changes nothing: for work that can wait. */
  tryPiece(task: Task, length: number): Piece | null;
  /**
   * As `takePiece`, for a command that works its way through any number of blocks with it. Of one connection only so many such commands run
   * at a time: otherwise they could have all memory for minutes, and others none.
   */
  keepPiece(task: Task, length: number): Piece | null;
  freePiece(piece: Piece): void;
  /** Start an operation, then `const errno = yield;`. One at a time. Offsets and lengths in bytes are set on the piece. */
  read(piece: Piece, unit: LogicalUnit): void;
  write(piece: Piece, unit: LogicalUnit): void;
  sync(piece: Piece, unit: LogicalUnit): void;
  clear(piece: Piece, unit: LogicalUnit, deallocate: boolean): void;
  /**
   * The unit's turn for commands that read, change and write back blocks. False: it is another's; then `yield`, and it is this task's
   * when the command is resumed. It ends with `unlock`, or with the task.
   */
  lock(task: Task): boolean;
  unlock(task: Task): void;
  /** Has main carry out a reservation order, then `yield`; what came of it is in `task.reserveResult`. */
  reserve(task: Task, order: ReserveOrder): void;
  /** Has main change the unit's state, then `yield`; what came of it is in `task.stateResult`. */
  changeState(task: Task, change: StateChange): void;
  /** Lets everybody else have a turn, then `yield`: for long work on a backend that is `immediate`. */
  pause(piece: Piece, unit: LogicalUnit): void;
  /**
   * Has `work` done on a task of its own, which goes on whatever becomes of this one. This one may `yield`, and is resumed when the
   * work calls `wake`, and when it ends.
   */
  detach(task: Task, work: (own: Task, wake: () => void) => Steps): void;
}

/**
 * Lets everybody else have a turn each time that another {@link TURN_BYTES_MAX} bytes are done, for long work on a backend that is
 * `immediate`. `done`: the bytes so far, those of `piece` among them.
 */
export function* pauseInTurn(piece: Piece, unit: LogicalUnit, services: CommandServices, done: number): Steps {
  if (done % TURN_BYTES_MAX >= piece.length) return;
  services.pause(piece, unit);
  yield;
}

interface Command {
  readonly name: string;
  /** Whether it runs without a unit: INQUIRY, REPORT LUNS and REQUEST SENSE answer for any LUN (SAM-5). */
  readonly anyLun: boolean;
  /** Whether it is served before a pending unit attention is reported: the same three (SAM-5 §5.14). */
  readonly beforeAttention: boolean;
  /**
   * Reads the CDB, before the task's turn: sets what `run` needs of it, or fails the task with `fail`; then `run` is not called. Answers the
   * bytes of data that the CDB asks to move, mostly its ALLOCATION LENGTH or PARAMETER LIST LENGTH: memory for them is taken next.
   */
  decode(task: Task): number;
  /**
   * Does the work. replyIn: answers through `reply` (reply.ts), which cuts to `task.transferLength` and sets `task.dataLength`. listOut: the
   * list is at `task.at`, `task.dataLength` bytes of it. Ends by returning; a failure is set with `fail(task, …)` from sense.ts first.
   * `unit` is the task's. A command with `anyLun` looks at `task.unit` instead, as there may be none.
   */
  run(task: Task, unit: LogicalUnit, services: CommandServices): Generator<void, void, number> | void;
}

/** A command that takes its data in pieces. Its `run` comes first and just judges. */
export interface StreamCommand extends Command {
  readonly movement: typeof Movement.streamOut;
  /**
   * Takes one piece of the data, whole, in order and one at a time. The bytes are at `piece.at`, the place they are for is `piece.offset`;
   * own pieces have been given back when it ends.
   */
  piece(task: Task, unit: LogicalUnit, piece: Piece, services: CommandServices): Steps;
  /** The data is stored, so that the command is a WRITE to who counts. */
  readonly stores?: true;
}

/** A command whose data are in one slot, if it has any. */
interface SlotCommand extends Command {
  readonly movement: typeof Movement.none | typeof Movement.replyIn | typeof Movement.listOut;
}

/** A command off the fast path. */
export type ColdCommand = StreamCommand | SlotCommand;

const ORDINARY = { anyLun: false, beforeAttention: false } as const;

/** Defaults of a command that moves no data, and runs on a unit that has no attention to report, as all but three do. */
export const NO_DATA = {
  ...ORDINARY,
  movement: Movement.none,
  decode: () => 0,
} as const satisfies Partial<ColdCommand>;
/** The same of a command that answers with data. */
export const REPLY = { ...ORDINARY, movement: Movement.replyIn } as const satisfies Partial<ColdCommand>;
/** The same of one that gets a parameter list. */
export const LIST = { ...ORDINARY, movement: Movement.listOut } as const satisfies Partial<ColdCommand>;
/** The same of one that takes its data in pieces. */
export const STREAM = { ...ORDINARY, movement: Movement.streamOut } as const satisfies Partial<ColdCommand>;
