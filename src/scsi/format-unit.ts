// FORMAT UNIT (SBC-4): all blocks as new, with zeroes or a pattern in them. A unit without protection information and defects has one format.
// Keeping others away meanwhile is whole-unit.ts's.

import { layout, reserved, u8, u16, u32 } from '../base/layout.ts';
import { UnitCondition } from '../ring/unit-state.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkWritable } from './medium.ts';
import { AdditionalSense, failField, failListLength, failParameter } from './sense.ts';
import { Status, type Task } from './task.ts';
import { overhaul, type Pass } from './whole-unit.ts';

/** Byte 1 of the CDB. */
const FMTPINFO = 0xc0;
const LONGLIST = 0x20;
const FMTDATA = 0x10;

/** The list's header in its two lengths. PROTECTION FIELDS USAGE and what goes with it must be 0. */
const ShortHeader = layout(4, { protection: u8(0), flags: u8(1), defectListLength: u16(2) });
const LongHeader = layout(8, {
  protection: u8(0),
  flags: u8(1),
  reserved2: reserved(2, 1),
  protectionInterval: u8(3),
  defectListLength: u32(4),
});
/** FOV: the four bits behind it mean something. */
const FOV = 0x80;
const DPRY_DCRT_STPF_IP = 0x78;
const IP = 0x08;
const IMMED = 0x02;

/** The initialization pattern descriptor, before its pattern. */
const Pattern = layout(4, { modifier: u8(0), type: u8(1), length: u16(2) });
/** SECURITY INITIALIZE: also what initiators can't reach. Nothing of ours is that. */
const SI = 0x20;
const PatternType = { default: 0, repeated: 1 } as const;

interface Format {
  readonly immediate: boolean;
  readonly pattern: Uint8Array | null;
}

/** The CDB has no length for the list: what comes is what there is. */
function decode(task: Task): number {
  const flags = task.cdb.getUint8(1);
  if ((flags & FMTPINFO) !== 0) failField(task, 1);
  return (flags & FMTDATA) === 0 ? 0 : task.expectedDataTransferLength;
}

/** What the list asks for; null when it was refused. */
function readList(task: Task, unit: LogicalUnit, services: CommandServices): Format | null {
  const { view } = services;
  if ((task.cdb.getUint8(1) & FMTDATA) === 0) return { immediate: false, pattern: null };
  const long = (task.cdb.getUint8(1) & LONGLIST) !== 0;
  const header = long ? LongHeader : ShortHeader;
  if (task.dataLength < header.size) return tooShort(task);
  const flags = header.flags.get(view, task.at);
  const { defectListLength } = header;
  if (header.protection.get(view, task.at) !== 0) failParameter(task, header.protection.offset);
  else if ((flags & FOV) === 0 && (flags & DPRY_DCRT_STPF_IP) !== 0) failParameter(task, header.flags.offset);
  else if (long && LongHeader.protectionInterval.get(view, task.at) !== 0) {
    failParameter(task, LongHeader.protectionInterval.offset);
  } else if (defectListLength.get(view, task.at) !== 0) {
    // There are no defects, and blocks can't be made defective by saying so.
    failParameter(task, defectListLength.offset);
  }
  if (task.status !== Status.GOOD) return null;
  const pattern = (flags & IP) === 0 ? null : readPattern(task, unit, services, header.size);
  return task.status === Status.GOOD ? { immediate: (flags & IMMED) !== 0, pattern } : null;
}

/** The pattern at `offset` in the list; null for the default, zeroes, and when it was refused. */
function readPattern(task: Task, unit: LogicalUnit, services: CommandServices, offset: number): Uint8Array | null {
  const { view } = services;
  if (task.dataLength < offset + Pattern.size) return tooShort(task);
  const at = task.at + offset;
  const length = Pattern.length.get(view, at);
  const type = Pattern.type.get(view, at);
  const repeated = type === PatternType.repeated;
  if ((Pattern.modifier.get(view, at) & ~SI) !== 0) failParameter(task, offset + Pattern.modifier.offset);
  else if (!repeated && type !== PatternType.default) failParameter(task, offset + Pattern.type.offset);
  else if (repeated ? length === 0 || length > unit.blockSize : length !== 0) {
    failParameter(task, offset + Pattern.length.offset);
  } else if (task.dataLength < offset + Pattern.size + length) tooShort(task);
  if (task.status !== Status.GOOD || !repeated) return null;
  return services.bytes.slice(at + Pattern.size, at + Pattern.size + length);
}

function tooShort(task: Task): null {
  failListLength(task);
  return null;
}

function* format(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  if (!checkWritable(task, unit)) return;
  const list = readList(task, unit, services);
  if (list === null) return;
  const pass: Pass = list.pattern === null ? { deallocate: unit.snapshot.thin } : { pattern: list.pattern };
  yield* overhaul(task, services, {
    condition: UnitCondition.formatting,
    exitAllowed: false,
    immediate: list.immediate,
    inProgress: AdditionalSense.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS,
    failure: AdditionalSense.FORMAT_COMMAND_FAILED,
    passes: [pass],
  });
}

export const formatUnit: ColdCommand = {
  ...LIST,
  name: 'FORMAT UNIT',
  decode,
  run: format,
};
