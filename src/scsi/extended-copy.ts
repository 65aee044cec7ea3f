// EXTENDED COPY (SPC-4) with list identifiers of one byte and of four: blocks copied from unit to unit without passing by the initiator.
// Reading the list is copy-list.ts's; telling afterwards how it went, copy-results.ts's.

import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import { Cdb16 } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, pauseInTurn, type Steps } from './cold-command.ts';
import { type CopyList, type CopySegment, OWN_UNIT, readCopyList, SegmentField } from './copy-list.ts';
import { type CopyRecord, recordOf, startRecord } from './copy-results.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { AdditionalSense, fail, SenseKey } from './sense.ts';
import { type Piece, Status, type Task } from './task.ts';

/** A segment whose units are known, in bytes. */
interface Stretch {
  readonly source: LogicalUnit;
  readonly destination: LogicalUnit;
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Ends the copy: `byteInList` is what is at fault, a segment's field or a unit's descriptor. */
function abortCopy(task: Task, additionalSense: AdditionalSense, byteInList: number): null {
  fail(task, SenseKey.COPY_ABORTED, additionalSense);
  task.fieldPointer = byteInList;
  task.fieldInData = true;
  return null;
}

/** The unit that a segment names by `id`; null when the copy has ended for want of it. */
function unitOf(task: Task, list: CopyList, id: number, fieldOffset: number): LogicalUnit | null {
  if (id === OWN_UNIT) return task.unit;
  const target = list.targets[id];
  if (target === undefined) return abortCopy(task, AdditionalSense.UNREACHABLE_COPY_TARGET, fieldOffset);
  return target.unit ?? abortCopy(task, target.fault, target.offset);
}

/** What a segment means, in bytes; null when it can't be done. */
function stretchOf(task: Task, list: CopyList, segment: CopySegment): Stretch | null {
  const { offset, blockCount, sourceLba, destinationLba } = segment;
  const source = unitOf(task, list, segment.sourceId, offset + SegmentField.sourceId);
  const destination =
    source === null ? null : unitOf(task, list, segment.destinationId, offset + SegmentField.destinationId);
  if (source === null || destination === null) return null;
  const length = blockCount * (segment.countsDestination ? destination.blockSize : source.blockSize);
  if (length % source.blockSize !== 0 || length % destination.blockSize !== 0) {
    // Half a block would have to be kept for the next segment, or filled up: CAT and PAD, which nobody uses between disks.
    return abortCopy(task, AdditionalSense.UNEXPECTED_INEXACT_SEGMENT, offset + SegmentField.blockCount);
  }
  const from = sourceLba * source.blockSize;
  const to = destinationLba * destination.blockSize;
  if (from + length > source.blockCount * source.blockSize) {
    return abortCopy(task, AdditionalSense.NO_ADDITIONAL_SENSE_INFORMATION, offset + SegmentField.sourceLba);
  }
  if (to + length > destination.blockCount * destination.blockSize) {
    return abortCopy(task, AdditionalSense.NO_ADDITIONAL_SENSE_INFORMATION, offset + SegmentField.destinationLba);
  }
  return { source, destination, from, to, length };
}

/** Whether the initiator could read, or write, the unit's blocks itself, now. */
function isOpen(task: Task, unit: LogicalUnit, writing: boolean): boolean {
  // Not any more, if the unit has been removed since the list was read.
  if (!task.nexus!.sees(unit)) return false;
  if (!unit.ready || (writing && unit.readOnly)) return false;
  return unit.restriction === null || unit.restriction.permitsBlocks(task.nexus!, writing);
}

/** Copies the stretch a piece at a time. True: all of it; false: one of the units has failed. */
function* copyStretch(
  task: Task,
  services: CommandServices,
  piece: Piece,
  stretch: Stretch,
  record: CopyRecord,
): Generator<void, boolean, number> {
  const { source, destination, from, to, length } = stretch;
  // Within a unit, blocks that are still to be read must not be written before.
  const backwards = source === destination && to > from && to < from + length;
  const atOnce = source.backend.immediate && destination.backend.immediate;
  for (let done = 0; done < length; done += piece.length) {
    piece.length = Math.min(SLOT_BYTES_MAX, length - done);
    const start = backwards ? length - done - piece.length : done;
    if (!isOpen(task, source, false) || !isOpen(task, destination, true)) return false;
    piece.offset = from + start;
    services.read(piece, source);
    if ((yield) !== 0 || !isOpen(task, destination, true)) return false;
    piece.offset = to + start;
    services.write(piece, destination);
    if ((yield) !== 0) return false;
    record.bytes += piece.length;
    // Over all segments: there may be many that are shorter than that.
    if (atOnce) yield* pauseInTurn(piece, destination, services, record.bytes);
  }
  return true;
}

/** Copies segment after segment, and says of the first that fails which one it was and what of it is left. */
function* copySegments(task: Task, services: CommandServices, list: CopyList, piece: Piece, record: CopyRecord): Steps {
  for (const [index, segment] of list.segments.entries()) {
    record.segments = index + 1;
    const before = record.bytes;
    const stretch = stretchOf(task, list, segment);
    if (stretch !== null && !(yield* copyStretch(task, services, piece, stretch, record))) {
      abortCopy(task, AdditionalSense.THIRD_PARTY_DEVICE_FAILURE, segment.offset);
      const left = stretch.length - (record.bytes - before);
      // The blocks that were not written, if any were.
      if (record.bytes !== before) task.information = left / stretch.destination.blockSize;
    }
    if (task.status !== Status.GOOD) {
      task.commandSpecific = index;
      return;
    }
  }
}

function* copy(task: Task, unit: LogicalUnit, services: CommandServices, long: boolean): Steps {
  // No list, nothing to do; and no error (SPC-4).
  if (task.transferLength === 0) return;
  const list = readCopyList(task, services.view, long);
  if (list === null) return;
  if (recordOf(task, unit, list.listIdentifier)?.underWay === true) {
    fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.OPERATION_IN_PROGRESS);
    return;
  }
  const piece = services.keepPiece(task, SLOT_BYTES_MAX);
  if (piece === null) return;
  const record = startRecord(task, unit, list.listIdentifier);
  yield* copySegments(task, services, list, piece, record);
  record.end(task);
}

function extendedCopy(name: string, long: boolean): ColdCommand {
  return {
    ...LIST,
    name,
    decode: ({ cdb }) => Cdb16.transferLength.get(cdb, 0),
    run: (task, unit, services) => copy(task, unit, services, long),
  };
}

export const extendedCopy1 = extendedCopy('EXTENDED COPY(LID1)', false);
export const extendedCopy4 = extendedCopy('EXTENDED COPY(LID4)', true);
