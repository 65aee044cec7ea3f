// Work on all of a unit's medium: nobody else has it meanwhile, and it goes on whatever becomes of the command (SBC-4: sanitize and
// format operations). What is done to the blocks is sanitize.ts's and format-unit.ts's to choose.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import type { StateResult, UnitCondition } from '../ring/unit-state.ts';
import { type CommandServices, pauseInTurn, type Steps } from './cold-command.ts';
import { CUSTOM_CLEAR_BYTES_MAX, TURN_BYTES_MAX } from './limits.ts';
import { repeat } from './pattern.ts';
import {
  type AdditionalSense,
  fail,
  failField,
  failSaving,
  failWith,
  failWrite,
  progressSense,
  SenseKey,
} from './sense.ts';
import { type Piece, Status, type Task } from './task.ts';

/** What is to become of all blocks. */
export interface Overhaul {
  readonly condition: typeof UnitCondition.sanitizing | typeof UnitCondition.formatting;
  /** See `UnitState.exitAllowed`. */
  readonly exitAllowed: boolean;
  /** GOOD once it has begun (IMMED). */
  readonly immediate: boolean;
  /** What others hear meanwhile, and what the initiator hears when it fails. */
  readonly inProgress: AdditionalSense;
  readonly failure: AdditionalSense;
  /** One after the other. */
  readonly passes: readonly Pass[];
}

/** Each block gets these bytes, repeated to its end; or blocks are cleared to zeroes, their space given back if it can be. */
export type Pass = { readonly pattern: Uint8Array } | { readonly deallocate: boolean };

/** At most so much of a file is cleared at a time: nothing can be stopped in between. */
const CLEAR_BYTES_MAX = 2 ** 30;
const PROGRESS_WHOLE = 65_536;

/** The command's part: has the work begin, and mostly waits for its end. */
export function* overhaul(task: Task, services: CommandServices, order: Overhaul): Steps {
  const course: Course = { begun: null, failed: false, over: false };
  services.detach(task, (own, wake) => carryOut(own, services, order, course, wake));
  while (course.begun === null) yield;
  if (course.begun === 'exitRefused') {
    failField(task, 1);
    return;
  }
  if (course.begun === 'notSaved') {
    failSaving(task);
    return;
  }
  if (course.begun !== 'good') {
    // Somebody else was faster, on another worker.
    failWith(task, progressSense(order.inProgress, -1));
    return;
  }
  if (order.immediate) return;
  while (!course.over) yield;
  if (course.failed) fail(task, SenseKey.MEDIUM_ERROR, order.failure);
}

/** How it went, for the command. */
interface Course {
  begun: StateResult | null;
  failed: boolean;
  over: boolean;
}

/** The work itself: the medium is taken from everybody, and given back at the end. */
function* carryOut(own: Task, services: CommandServices, order: Overhaul, course: Course, wake: () => void): Steps {
  const unit = own.unit!;
  const { condition, exitAllowed } = order;
  // A null unit keeps nothing: there is nothing to do, whatever its size.
  const passes = unit.backend.kind === 'null' ? [] : order.passes;
  services.changeState(own, { kind: 'occupy', condition, exitAllowed });
  yield;
  course.begun = own.stateResult;
  if (course.begun !== 'good') return;
  unit.progress = 0;
  wake();
  for (const [index, pass] of passes.entries()) {
    const progress = (share: number): void => {
      unit.progress = Math.min(Math.floor((PROGRESS_WHOLE * (index + share)) / passes.length), PROGRESS_WHOLE - 1);
    };
    if ('pattern' in pass) yield* fill(own, services, pass.pattern, progress);
    else yield* clear(own, services, pass.deallocate, progress);
    if (own.status !== Status.GOOD) break;
  }
  course.failed = own.status !== Status.GOOD;
  services.changeState(own, { kind: 'release', failed: course.failed });
  yield;
  unit.progress = -1;
  course.over = true;
}

type Report = (share: number) => void;

/** Clears all blocks, a stretch at a time. */
function* clear(own: Task, services: CommandServices, deallocate: boolean, progress: Report): Steps {
  const unit = own.unit!;
  const piece = services.barePiece(own);
  const end = unit.blockCount * unit.blockSize;
  const atOnce = unit.backend.kind === 'custom' ? CUSTOM_CLEAR_BYTES_MAX : CLEAR_BYTES_MAX;
  const stretch = unit.backend.immediate ? TURN_BYTES_MAX : atOnce;
  for (piece.offset = 0; piece.offset < end && own.status === Status.GOOD; piece.offset += piece.length) {
    piece.length = Math.min(stretch, end - piece.offset);
    services.clear(piece, unit, deallocate);
    const errno = yield;
    if (errno !== 0) failWrite(own, errno, piece.offset / unit.blockSize);
    progress((piece.offset + piece.length) / end);
    if (unit.backend.immediate) yield* pause(piece, services);
  }
  yield* sync(own, piece, services);
}

/** Writes all blocks, a slot at a time. */
function* fill(own: Task, services: CommandServices, pattern: Uint8Array, progress: Report): Steps {
  const unit = own.unit!;
  const end = unit.blockCount * unit.blockSize;
  const piece = yield* waitForPiece(own, services, Math.min(SLOT_BYTES_MAX, end));
  const { blockSize } = unit;
  services.bytes.set(pattern, piece.at);
  repeat(services.bytes, piece.at, pattern.length, piece.at, blockSize);
  repeat(services.bytes, piece.at, blockSize, piece.at, piece.length);
  for (piece.offset = 0; piece.offset < end && own.status === Status.GOOD; piece.offset += piece.length) {
    piece.length = Math.min(piece.length, end - piece.offset);
    services.write(piece, unit);
    const errno = yield;
    if (errno !== 0) failWrite(own, errno, piece.offset / blockSize);
    progress((piece.offset + piece.length) / end);
    if (unit.backend.immediate) yield* pauseInTurn(piece, unit, services, piece.offset + piece.length);
  }
  yield* sync(own, piece, services);
  services.freePiece(piece);
}

/** Nobody waits for an answer: memory comes when others need less of it. */
function* waitForPiece(own: Task, services: CommandServices, length: number): Generator<void, Piece, number> {
  const waiting = services.barePiece(own);
  for (;;) {
    const piece = services.tryPiece(own, length);
    if (piece !== null) {
      services.freePiece(waiting);
      return piece;
    }
    yield* pause(waiting, services);
  }
}

function* pause(piece: Piece, services: CommandServices): Steps {
  services.pause(piece, piece.task!.unit!);
  yield;
}

/** What was written must not come back from before a power failure. */
function* sync(own: Task, piece: Piece, services: CommandServices): Steps {
  if (own.status !== Status.GOOD) return;
  services.sync(piece, own.unit!);
  const errno = yield;
  if (errno !== 0) failWrite(own, errno, -1);
}
