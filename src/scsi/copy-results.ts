// RECEIVE COPY RESULTS (SPC-4): what the copy manager can do, and how an initiator's copies went.
// The copying is extended-copy.ts's; the limits are limits.ts's.

import { layout, reserved, u8, u16, u32, u64 } from '../base/layout.ts';
import { Cdb16, serviceActionOf } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { DescriptorType } from './copy-list.ts';
import {
  CONCURRENT_COPIES,
  COPY_LIST_BYTES_MAX,
  COPY_SEGMENTS_MAX,
  COPY_TARGETS_MAX,
  copySegmentBytesMax,
} from './limits.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { Nexus } from './nexus.ts';
import { blank, joined, reply } from './reply.ts';
import { failField, SENSE_BYTES_MAX, writeSense } from './sense.ts';
import { Status, type Task } from './task.ts';

/** Results that are kept for one I_T nexus: as many as list identifiers of one byte can ask for. */
const RECORDS_MAX = 256;

/** How a copy is going, or went. */
export class CopyRecord {
  /** Segments begun. */
  segments = 0;
  /** Bytes written. */
  bytes = 0;
  readonly serviceAction: number;
  /** The command's status; null until there is one. */
  status: number | null = null;
  sense: Uint8Array = new Uint8Array();
  /** RECEIVE COPY STATUS(LID1) tells of a copy that has ended once. */
  toldOf = false;
  readonly #task: Task;
  /** While they are the task's steps it still runs this copy: afterwards it serves other commands. */
  readonly #steps: Task['steps'];

  constructor(task: Task) {
    this.serviceAction = serviceActionOf(task.cdb);
    this.#task = task;
    this.#steps = task.steps;
  }

  /** Whether it goes on. A copy that was aborted ends without having said so. */
  get underWay(): boolean {
    return this.status === null && !this.#task.completed && this.#task.steps === this.#steps;
  }

  /** The copy has ended as its task says. */
  end(task: Task): void {
    this.status = task.status;
    if (task.status !== Status.CHECK_CONDITION) return;
    const { bytes, view } = blank(SENSE_BYTES_MAX);
    this.sense = bytes.subarray(0, writeSense(view, 0, task, task.unit!.senseFormat));
  }
}

/** By unit and list identifier; they go with the nexus. */
const records = new WeakMap<Nexus, Map<string, CopyRecord>>();

function keyOf(unit: LogicalUnit, listIdentifier: number): string {
  return `${unit.snapshot.id} ${listIdentifier}`;
}

/** What is known of the copy with that list identifier, of the task's nexus and of `unit`. */
export function recordOf(task: Task, unit: LogicalUnit, listIdentifier: number): CopyRecord | undefined {
  return records.get(task.nexus!)?.get(keyOf(unit, listIdentifier));
}

/** The record of the copy that `task` begins; kept unless its list identifier is none (-1). */
export function startRecord(task: Task, unit: LogicalUnit, listIdentifier: number): CopyRecord {
  const record = new CopyRecord(task);
  if (listIdentifier < 0) return record;
  const nexus = task.nexus!;
  const known = records.get(nexus) ?? new Map<string, CopyRecord>();
  records.set(nexus, known);
  const key = keyOf(unit, listIdentifier);
  known.delete(key);
  for (const [oldest, { underWay }] of known) {
    if (known.size < RECORDS_MAX) break;
    if (!underWay) known.delete(oldest);
  }
  known.set(key, record);
  return record;
}

const OperatingParameters = layout(44, {
  availableData: u32(0),
  snlid: u8(4),
  reserved5: reserved(5, 3),
  targetsMax: u16(8),
  segmentsMax: u16(10),
  descriptorListMax: u32(12),
  segmentLengthMax: u32(16),
  inlineLengthMax: u32(20),
  heldDataLimit: u32(24),
  streamTransferMax: u32(28),
  reserved32: reserved(32, 2),
  totalConcurrent: u16(34),
  concurrentMax: u8(36),
  dataGranularity: u8(37),
  inlineGranularity: u8(38),
  heldGranularity: u8(39),
  reserved40: reserved(40, 3),
  implementedLength: u8(43),
});
/** A list identifier is not needed. */
const SNLID = 0x01;

function operatingParameters(unit: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(OperatingParameters.size);
  const implemented = Uint8Array.from(Object.values(DescriptorType));
  OperatingParameters.availableData.set(view, 0, bytes.length + implemented.length - 4);
  OperatingParameters.snlid.set(view, 0, SNLID);
  OperatingParameters.targetsMax.set(view, 0, COPY_TARGETS_MAX);
  OperatingParameters.segmentsMax.set(view, 0, COPY_SEGMENTS_MAX);
  OperatingParameters.descriptorListMax.set(view, 0, COPY_LIST_BYTES_MAX);
  OperatingParameters.segmentLengthMax.set(view, 0, copySegmentBytesMax(unit));
  OperatingParameters.totalConcurrent.set(view, 0, CONCURRENT_COPIES);
  OperatingParameters.concurrentMax.set(view, 0, CONCURRENT_COPIES);
  OperatingParameters.dataGranularity.set(view, 0, Math.log2(unit.blockSize));
  OperatingParameters.implementedLength.set(view, 0, implemented.length);
  return joined([bytes, implemented]);
}

const Status1 = layout(12, {
  availableData: u32(0),
  status: u8(4),
  segments: u16(5),
  countUnits: u8(7),
  count: u32(8),
});
const Status4 = layout(32, {
  availableData: u32(0),
  serviceAction: u8(4),
  status: u8(5),
  operations: u16(6),
  updateDelay: u32(8),
  completionStatus: u8(12),
  senseFieldLength: u8(13),
  senseLength: u8(14),
  countUnits: u8(15),
  count: u64(16),
  segments: u16(24),
  reserved26: reserved(26, 6),
});
const FailureDetails = layout(60, {
  availableData: u32(0),
  reserved4: reserved(4, 52),
  status: u8(56),
  reserved57: reserved(57, 1),
  senseLength: u16(58),
});

/** COPY COMMAND STATUS of the short form; COPY OPERATION STATUS of the long one. */
const CopyStatus = { inProgress: 0x00, good: 0x01, failed: 0x02, inForeground: 0x11, terminated: 0x60 } as const;
/** TRANSFER COUNT UNITS. */
const CountUnits = { bytes: 0x00, mebibytes: 0x02 } as const;
/** ESTIMATED STATUS UPDATE DELAY: it has ended; nobody knows. */
const ENDED = 0xffff_fffe;
const UNKNOWN_DELAY = 0xffff_ffff;

function statusOf({ status, underWay }: CopyRecord): number {
  if (underWay) return CopyStatus.inProgress;
  return status === Status.GOOD ? CopyStatus.good : CopyStatus.failed;
}

function copyStatus1(record: CopyRecord): Uint8Array | null {
  if (record.toldOf) return null;
  record.toldOf = !record.underWay;
  const { bytes, view } = blank(Status1.size);
  const inBytes = record.bytes <= 0xffff_ffff;
  Status1.availableData.set(view, 0, bytes.length - 4);
  Status1.status.set(view, 0, statusOf(record));
  Status1.segments.set(view, 0, record.segments);
  Status1.countUnits.set(view, 0, inBytes ? CountUnits.bytes : CountUnits.mebibytes);
  Status1.count.set(view, 0, inBytes ? record.bytes : Math.floor(record.bytes / 2 ** 20));
  return bytes;
}

function copyStatus4(record: CopyRecord): Uint8Array {
  const { status, sense, underWay } = record;
  const { bytes, view } = blank(Status4.size + Math.ceil(sense.length / 4) * 4);
  const aborted = status === null && !underWay;
  Status4.availableData.set(view, 0, bytes.length - 4);
  Status4.serviceAction.set(view, 0, record.serviceAction);
  Status4.status.set(view, 0, underWay ? CopyStatus.inForeground : aborted ? CopyStatus.terminated : statusOf(record));
  Status4.updateDelay.set(view, 0, underWay ? UNKNOWN_DELAY : ENDED);
  Status4.completionStatus.set(view, 0, aborted ? Status.TASK_ABORTED : (status ?? 0));
  Status4.senseFieldLength.set(view, 0, bytes.length - Status4.size);
  Status4.senseLength.set(view, 0, sense.length);
  Status4.count.set(view, 0, record.bytes);
  Status4.segments.set(view, 0, record.segments);
  bytes.set(sense, Status4.size);
  return bytes;
}

function failureDetails(record: CopyRecord): Uint8Array | null {
  const { status, sense } = record;
  if (record.underWay) return null;
  if (sense.length === 0) return new Uint8Array(4);
  record.sense = new Uint8Array();
  const { bytes, view } = blank(FailureDetails.size);
  FailureDetails.availableData.set(view, 0, bytes.length + sense.length - 4);
  FailureDetails.status.set(view, 0, status ?? 0);
  FailureDetails.senseLength.set(view, 0, sense.length);
  return joined([bytes, sense]);
}

/** A command that asks about the copy whose list identifier is in byte 2 of the CDB, and on. `data` is null when there is nothing to tell. */
function resultsCommand(name: string, long: boolean, data: (record: CopyRecord) => Uint8Array | null): ColdCommand {
  return {
    ...REPLY,
    name,
    decode: ({ cdb }) => Cdb16.transferLength.get(cdb, 0),
    run: (task, unit, services) => {
      const listIdentifier = long ? task.cdb.getUint32(2) : task.cdb.getUint8(2);
      const record = recordOf(task, unit, listIdentifier);
      const answer = record === undefined ? null : data(record);
      if (answer === null) failField(task, 2);
      else reply(task, services, answer);
    },
  };
}

export const receiveCopyStatus1 = resultsCommand('RECEIVE COPY STATUS(LID1)', false, copyStatus1);
export const receiveCopyFailureDetails = resultsCommand('RECEIVE COPY FAILURE DETAILS(LID1)', false, failureDetails);
export const receiveCopyStatus4 = resultsCommand('RECEIVE COPY STATUS(LID4)', true, copyStatus4);

export const receiveCopyOperatingParameters: ColdCommand = {
  ...REPLY,
  name: 'RECEIVE COPY OPERATING PARAMETERS',
  decode: ({ cdb }) => Cdb16.transferLength.get(cdb, 0),
  run: (task, unit, services) => reply(task, services, operatingParameters(unit)),
};
