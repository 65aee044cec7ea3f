// The parameter list of EXTENDED COPY, in its two forms (SPC-4): which units, which blocks of them, from where to where.
// What can be told wrong before a block is touched is refused here; the copying is extended-copy.ts's.

import { bytes, layout, reserved, u8, u16, u24, u32, u64 } from '../base/layout.ts';
import { COPY_LIST_BYTES_MAX, COPY_SEGMENTS_MAX, COPY_TARGETS_MAX } from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { Nexus } from './nexus.ts';
import { AdditionalSense, failListLength, failParameter } from './sense.ts';
import { Status, type Task } from './task.ts';

/** A copy source or destination: the unit, or why it can't be had. */
export interface CopyTarget {
  readonly unit: LogicalUnit | null;
  readonly fault: AdditionalSense;
  /** Where its descriptor is in the list. */
  readonly offset: number;
}

/** Blocks to be copied. */
export interface CopySegment {
  readonly sourceId: number;
  readonly destinationId: number;
  readonly blockCount: number;
  /** The count is of blocks of the destination (DC). */
  readonly countsDestination: boolean;
  readonly sourceLba: number;
  readonly destinationLba: number;
  /** Where its descriptor is in the list. */
  readonly offset: number;
}

export interface CopyList {
  /** -1: there is none, and nobody can ask how the copy goes. */
  readonly listIdentifier: number;
  readonly targets: readonly CopyTarget[];
  readonly segments: readonly CopySegment[];
}

const Header1 = layout(16, {
  listIdentifier: u8(0),
  usage: u8(1),
  targetsLength: u16(2),
  reserved4: reserved(4, 4),
  segmentsLength: u32(8),
  inlineLength: u32(12),
});

const Header4 = layout(48, {
  format: u8(0),
  usage: u8(1),
  headerLength: u16(2),
  reserved4: reserved(4, 11),
  flags: u8(15),
  headerType: u8(16),
  reserved17: reserved(17, 3),
  listIdentifier: u32(20),
  reserved24: reserved(24, 18),
  targetsLength: u16(42),
  segmentsLength: u16(44),
  inlineLength: u16(46),
});
const FORMAT = 0x01;
const HEADER_LENGTH = 0x20;
const HEADER_TYPE = 0xff;
/** G_SENSE and IMMED: sense data with GOOD, and GOOD before the copy. */
const G_SENSE_IMMED = 0x03;

/** LIST ID USAGE, in bits 4-3. */
const Usage = { hold: 0b00, reserved: 0b01, mayDiscard: 0b10, none: 0b11 } as const;

/** Identification descriptor target (CSCD) descriptor. LU ID TYPE, in the flags, means nothing in this one. */
const Target = layout(32, {
  type: u8(0),
  flags: u8(1),
  relativePort: u16(2),
  codeSet: u8(4),
  designatorType: u8(5),
  reserved6: reserved(6, 1),
  designatorLength: u8(7),
  designator: bytes(8, 20),
  pad: u8(28),
  blockLength: u24(29),
});
/** NUL, obsolete since SPC-4: a device that is none. */
const NUL = 0x20;
const DEVICE_TYPE = 0x1f;
const BINARY = 0x01;
const DESIGNATOR_OF_UNIT_NAA = 0x03;
const CODE_SET_MASK = 0x0f;
const ASSOCIATION_AND_TYPE = 0x3f;

/** Block device to block device segment descriptor. */
const Segment = layout(28, {
  type: u8(0),
  flags: u8(1),
  length: u16(2),
  sourceId: u16(4),
  destinationId: u16(6),
  reserved8: reserved(8, 2),
  blockCount: u16(10),
  sourceLba: u64(12),
  destinationLba: u64(20),
});
const DC = 0x02;

/** The descriptors that are understood. */
export const DescriptorType = { blockToBlock: 0x02, identification: 0xe4 } as const;
/** CSCD DESCRIPTOR ID of the unit that the command was sent to. */
export const OWN_UNIT = 0xffff;

/** Offsets of a segment descriptor's fields, for those who find fault with them. */
export const SegmentField = {
  sourceId: Segment.sourceId.offset,
  destinationId: Segment.destinationId.offset,
  blockCount: Segment.blockCount.offset,
  sourceLba: Segment.sourceLba.offset,
  destinationLba: Segment.destinationLba.offset,
} as const;

type Header = typeof Header1 | typeof Header4;

/** ILLEGAL REQUEST with a pointer into the list. */
function refuse(task: Task, additionalSense: AdditionalSense, offset: number): null {
  failParameter(task, offset);
  task.additionalSense = additionalSense;
  return null;
}

/** The list of an EXTENDED COPY, or null when it was refused; `long`: of the form with list identifiers of four bytes. */
export function readCopyList(task: Task, view: DataView, long: boolean): CopyList | null {
  const header: Header = long ? Header4 : Header1;
  if (task.dataLength < Math.max(task.transferLength, header.size)) return tooShort(task);
  if (long) checkLongHeader(task, view);
  const usage = (header.usage.get(view, task.at) >>> 3) & 0b11;
  const listIdentifier = header.listIdentifier.get(view, task.at);
  if (usage === Usage.reserved) failParameter(task, header.usage.offset);
  else if (usage === Usage.none && listIdentifier !== 0) failParameter(task, header.listIdentifier.offset);
  if (task.status !== Status.GOOD || !checkLengths(task, view, header)) return null;
  const targetsEnd = header.size + header.targetsLength.get(view, task.at);
  const segmentsEnd = targetsEnd + header.segmentsLength.get(view, task.at);
  const targets = readTargets(task, view, header.size, targetsEnd);
  const segments = targets === null ? null : readSegments(task, view, targetsEnd, segmentsEnd);
  if (targets === null || segments === null) return null;
  return { listIdentifier: usage === Usage.none ? -1 : listIdentifier, targets, segments };
}

function tooShort(task: Task): null {
  failListLength(task);
  return null;
}

/** A copy that goes on behind its status, or has sense data with GOOD, is nothing that anybody asks for. */
function checkLongHeader(task: Task, view: DataView): void {
  if (Header4.format.get(view, task.at) !== FORMAT) failParameter(task, Header4.format.offset);
  else if (Header4.headerLength.get(view, task.at) !== HEADER_LENGTH) failParameter(task, Header4.headerLength.offset);
  else if ((Header4.flags.get(view, task.at) & G_SENSE_IMMED) !== 0) failParameter(task, Header4.flags.offset);
  else if (Header4.headerType.get(view, task.at) !== HEADER_TYPE) failParameter(task, Header4.headerType.offset);
}

function checkLengths(task: Task, view: DataView, header: Header): boolean {
  const targets = header.targetsLength.get(view, task.at);
  const segments = header.segmentsLength.get(view, task.at);
  const inline = header.inlineLength.get(view, task.at);
  if (header.size + targets + segments + inline > task.dataLength || targets + segments > COPY_LIST_BYTES_MAX) {
    tooShort(task);
  } else if (targets % Target.size !== 0) {
    failParameter(task, header.targetsLength.offset);
  } else if (targets / Target.size > COPY_TARGETS_MAX) {
    refuse(task, AdditionalSense.TOO_MANY_TARGET_DESCRIPTORS, header.targetsLength.offset);
  } else if (inline !== 0) {
    refuse(task, AdditionalSense.INLINE_DATA_LENGTH_EXCEEDED, header.inlineLength.offset);
  }
  return task.status === Status.GOOD;
}

function readTargets(task: Task, view: DataView, start: number, end: number): CopyTarget[] | null {
  const targets: CopyTarget[] = [];
  for (let offset = start; offset < end; offset += Target.size) {
    const target = readTarget(task, view, offset);
    if (target === null) return null;
    targets.push(target);
  }
  return targets;
}

function readTarget(task: Task, view: DataView, offset: number): CopyTarget | null {
  const at = task.at + offset;
  const flags = Target.flags.get(view, at);
  if (Target.type.get(view, at) !== DescriptorType.identification) {
    return refuse(task, AdditionalSense.UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE, offset);
  }
  const isNone = (flags & NUL) !== 0;
  if (!isNone && (flags & DEVICE_TYPE) !== 0) {
    return { unit: null, fault: AdditionalSense.INCORRECT_COPY_TARGET_DEVICE_TYPE, offset };
  }
  const unit = isNone ? null : unitOf(task.nexus!, view, at);
  if (unit === null) return { unit, fault: AdditionalSense.COPY_TARGET_DEVICE_NOT_REACHABLE, offset };
  const blockLength = Target.blockLength.get(view, at);
  if (blockLength === 0 || blockLength === unit.blockSize) return { unit, fault: 0, offset };
  return refuse(task, AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST, offset + Target.blockLength.offset);
}

/** The unit that the descriptor names, among those that the initiator sees. */
function unitOf(nexus: Nexus, view: DataView, at: number): LogicalUnit | null {
  const isNaa =
    (Target.codeSet.get(view, at) & CODE_SET_MASK) === BINARY &&
    (Target.designatorType.get(view, at) & ASSOCIATION_AND_TYPE) === DESIGNATOR_OF_UNIT_NAA;
  const length = Target.designatorLength.get(view, at);
  if (!isNaa || length > Target.designator.size) return null;
  const naa = Buffer.from(Target.designator.copy(view, at).subarray(0, length)).toString('hex');
  for (const unit of nexus.units.values()) if (unit.snapshot.naa.toLowerCase() === naa) return unit;
  return null;
}

function readSegments(task: Task, view: DataView, start: number, end: number): CopySegment[] | null {
  const segments: CopySegment[] = [];
  for (let offset = start; offset < end; offset += Segment.size) {
    const at = task.at + offset;
    if (Segment.type.get(view, at) !== DescriptorType.blockToBlock) {
      return refuse(task, AdditionalSense.UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE, offset);
    }
    if (offset + Segment.size > end) return tooShort(task);
    if (Segment.length.get(view, at) !== Segment.size - 4) {
      return refuse(task, AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST, offset + Segment.length.offset);
    }
    if (segments.length === COPY_SEGMENTS_MAX) {
      return refuse(task, AdditionalSense.TOO_MANY_SEGMENT_DESCRIPTORS, offset);
    }
    segments.push({
      sourceId: Segment.sourceId.get(view, at),
      destinationId: Segment.destinationId.get(view, at),
      blockCount: Segment.blockCount.get(view, at),
      countsDestination: (Segment.flags.get(view, at) & DC) !== 0,
      sourceLba: Segment.sourceLba.get(view, at),
      destinationLba: Segment.destinationLba.get(view, at),
      offset,
    });
  }
  return segments;
}
