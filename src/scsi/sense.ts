// Sense data: how a command that failed says why (SPC-5), and the one table from errno to sense.
// A failure is a value in the task's fields; sending it in a SCSI Response is the session's.

import { Errno } from '../kernel/errno.ts';
import { Status, type Task } from './task.ts';

/** Sense keys, SPC-5. */
export const SenseKey = {
  NO_SENSE: 0x0,
  RECOVERED_ERROR: 0x1,
  NOT_READY: 0x2,
  MEDIUM_ERROR: 0x3,
  HARDWARE_ERROR: 0x4,
  ILLEGAL_REQUEST: 0x5,
  UNIT_ATTENTION: 0x6,
  DATA_PROTECT: 0x7,
  COPY_ABORTED: 0xa,
  ABORTED_COMMAND: 0xb,
  MISCOMPARE: 0xe,
} as const;
export type SenseKey = (typeof SenseKey)[keyof typeof SenseKey];

/** Additional sense codes and their qualifiers as one number, `ASC << 8 | ASCQ`, under the names of SPC-5. */
export const AdditionalSense = {
  NO_ADDITIONAL_SENSE_INFORMATION: 0x0000,
  OPERATION_IN_PROGRESS: 0x0016,
  LOGICAL_UNIT_IS_IN_PROCESS_OF_BECOMING_READY: 0x0401,
  LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS: 0x0404,
  LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_STANDBY_STATE: 0x040b,
  LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_UNAVAILABLE_STATE: 0x040c,
  LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS: 0x041b,
  LOGICAL_UNIT_COMMUNICATION_TIME_OUT: 0x0801,
  UNREACHABLE_COPY_TARGET: 0x0804,
  WRITE_ERROR: 0x0c00,
  /** RFC 7143 §11.4.7.2: data came unasked where InitialR2T forbids it. */
  WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA: 0x0c0c,
  /** RFC 7143 §11.4.7.2: a sequence of unsolicited data ended early. */
  WRITE_ERROR_NOT_ENOUGH_UNSOLICITED_DATA: 0x0c0d,
  THIRD_PARTY_DEVICE_FAILURE: 0x0d01,
  COPY_TARGET_DEVICE_NOT_REACHABLE: 0x0d02,
  INCORRECT_COPY_TARGET_DEVICE_TYPE: 0x0d03,
  /** The data that came are more or less than the command's CDB asks for. */
  INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT: 0x0e03,
  UNRECOVERED_READ_ERROR: 0x1100,
  PARAMETER_LIST_LENGTH_ERROR: 0x1a00,
  MISCOMPARE_DURING_VERIFY_OPERATION: 0x1d00,
  INVALID_COMMAND_OPERATION_CODE: 0x2000,
  LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE: 0x2100,
  INVALID_FIELD_IN_CDB: 0x2400,
  LOGICAL_UNIT_NOT_SUPPORTED: 0x2500,
  INVALID_FIELD_IN_PARAMETER_LIST: 0x2600,
  INVALID_RELEASE_OF_PERSISTENT_RESERVATION: 0x2604,
  TOO_MANY_TARGET_DESCRIPTORS: 0x2606,
  UNSUPPORTED_TARGET_DESCRIPTOR_TYPE_CODE: 0x2607,
  TOO_MANY_SEGMENT_DESCRIPTORS: 0x2608,
  UNSUPPORTED_SEGMENT_DESCRIPTOR_TYPE_CODE: 0x2609,
  UNEXPECTED_INEXACT_SEGMENT: 0x260a,
  INLINE_DATA_LENGTH_EXCEEDED: 0x260b,
  WRITE_PROTECTED: 0x2700,
  SPACE_ALLOCATION_FAILED_WRITE_PROTECT: 0x2707,
  NOT_READY_TO_READY_CHANGE: 0x2800,
  POWER_ON_RESET_OR_BUS_DEVICE_RESET: 0x2900,
  BUS_DEVICE_RESET_FUNCTION_OCCURRED: 0x2903,
  NEXUS_LOSS_OCCURRED: 0x2907,
  MODE_PARAMETERS_CHANGED: 0x2a01,
  RESERVATIONS_PREEMPTED: 0x2a03,
  RESERVATIONS_RELEASED: 0x2a04,
  REGISTRATIONS_PREEMPTED: 0x2a05,
  ASYMMETRIC_ACCESS_STATE_CHANGED: 0x2a06,
  CAPACITY_DATA_HAS_CHANGED: 0x2a09,
  TIMESTAMP_CHANGED: 0x2a10,
  COMMAND_SEQUENCE_ERROR: 0x2c00,
  COMMANDS_CLEARED_BY_ANOTHER_INITIATOR: 0x2f00,
  COMMANDS_CLEARED_BY_DEVICE_SERVER: 0x2f02,
  FORMAT_COMMAND_FAILED: 0x3101,
  SANITIZE_COMMAND_FAILED: 0x3103,
  SAVING_PARAMETERS_NOT_SUPPORTED: 0x3900,
  MEDIUM_NOT_PRESENT: 0x3a00,
  LOGICAL_UNIT_FAILURE: 0x3e01,
  REPORTED_LUNS_DATA_HAS_CHANGED: 0x3f0e,
  INTERNAL_TARGET_FAILURE: 0x4400,
  /** RFC 7143 §11.4.7.2: a data digest error that cost the command its data. */
  PROTOCOL_SERVICE_CRC_ERROR: 0x4705,
  INVALID_MESSAGE_ERROR: 0x4900,
  MEDIUM_REMOVAL_PREVENTED: 0x5302,
  INSUFFICIENT_REGISTRATION_RESOURCES: 0x5504,
} as const;
export type AdditionalSense = (typeof AdditionalSense)[keyof typeof AdditionalSense];

/** Response codes of current errors, SPC-5. */
export const SenseFormat = { fixed: 0x70, descriptor: 0x72 } as const;
export type SenseFormat = (typeof SenseFormat)[keyof typeof SenseFormat];

/** What sense data are made from: a task that failed, or a condition of the unit. */
export type Sense = Pick<
  Task,
  'senseKey' | 'additionalSense' | 'information' | 'commandSpecific' | 'fieldPointer' | 'fieldInData'
>;

/** Sense that no command's failure is behind. */
export function senseOf(senseKey: SenseKey, additionalSense: AdditionalSense): Sense {
  return { senseKey, additionalSense, information: -1, commandSpecific: -1, fieldPointer: -1, fieldInData: false };
}

/** NOT READY, and how far it is: `progress` of 65,536, or -1 where nobody knows. It takes the field pointer's place. */
export function progressSense(additionalSense: AdditionalSense, progress: number): Sense {
  return { ...senseOf(SenseKey.NOT_READY, additionalSense), fieldPointer: progress, fieldInData: true };
}

/** The most {@link writeSense} writes: the descriptor format with information, command-specific and sense-key specific descriptors. */
export const SENSE_BYTES_MAX = 8 + 12 + 12 + 8;

/**
 * Ends a task with CHECK CONDITION. `information` is what the command's standard puts there (mostly an LBA); -1: none.
 * Returns false, as all of this family do, so that a check that found a fault can end with it. Allocates nothing.
 */
export function fail(task: Task, senseKey: SenseKey, additionalSense: AdditionalSense, information = -1): false {
  task.status = Status.CHECK_CONDITION;
  task.senseKey = senseKey;
  task.additionalSense = additionalSense;
  task.information = information;
  task.commandSpecific = -1;
  task.fieldPointer = -1;
  task.fieldInData = false;
  return false;
}

/** Ends a task with CHECK CONDITION and these sense data. */
export function failWith(task: Task, sense: Sense): false {
  fail(task, sense.senseKey, sense.additionalSense, sense.information);
  task.commandSpecific = sense.commandSpecific;
  task.fieldPointer = sense.fieldPointer;
  task.fieldInData = sense.fieldInData;
  return false;
}

/** INVALID FIELD IN CDB, pointing at byte `byteInCdb`: the first byte of the field at fault. Allocates nothing. */
export function failField(task: Task, byteInCdb: number): false {
  fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_CDB);
  task.fieldPointer = byteInCdb;
  return false;
}

/** INVALID COMMAND OPERATION CODE, pointing at the operation code. Allocates nothing. */
export function failOperationCode(task: Task): false {
  fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_COMMAND_OPERATION_CODE);
  task.fieldPointer = 0;
  return false;
}

/** INVALID FIELD IN PARAMETER LIST, pointing at byte `byteInList` of what the initiator sent. Allocates nothing. */
export function failParameter(task: Task, byteInList: number): false {
  fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST);
  task.fieldPointer = byteInList;
  task.fieldInData = true;
  return false;
}

/** PARAMETER LIST LENGTH ERROR: less of the list came, or more, than the CDB or the list itself says. Allocates nothing. */
export function failListLength(task: Task): false {
  return fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
}

/** A backend's `errno` for a read as sense; `lba` is the first block of the operation that failed. Allocates nothing. */
export function failRead(task: Task, errno: number, lba: number): false {
  return failErrno(task, errno, lba, AdditionalSense.UNRECOVERED_READ_ERROR);
}

/** The same for what changes blocks, or brings them to stable storage; `lba` is -1 when the operation has none. Allocates nothing. */
export function failWrite(task: Task, errno: number, lba: number): false {
  return failErrno(task, errno, lba, AdditionalSense.WRITE_ERROR);
}

function failErrno(task: Task, errno: number, lba: number, ofMedium: AdditionalSense): false {
  switch (errno) {
    case Errno.EIO:
      return fail(task, SenseKey.MEDIUM_ERROR, ofMedium, lba);
    case Errno.ENOSPC:
    case Errno.EDQUOT:
      return fail(task, SenseKey.DATA_PROTECT, AdditionalSense.SPACE_ALLOCATION_FAILED_WRITE_PROTECT);
    case Errno.EROFS:
    case Errno.EPERM:
      return fail(task, SenseKey.DATA_PROTECT, AdditionalSense.WRITE_PROTECTED);
    case Errno.ENODEV:
    case Errno.ENXIO:
      // The device below is gone: it does not become ready by waiting, so initiators must not be told to retry.
      return fail(task, SenseKey.HARDWARE_ERROR, AdditionalSense.LOGICAL_UNIT_FAILURE);
    case Errno.ENOTRECOVERABLE:
      // Acknowledged writes are lost. A MEDIUM ERROR hosts would try again, hear GOOD once nothing is left to be written, and tell nobody;
      // LOGICAL UNIT FAILURE some take for a disk that is gone for good (ESXi: permanent device loss), and this one can be read.
      return fail(task, SenseKey.HARDWARE_ERROR, AdditionalSense.WRITE_ERROR);
    case Errno.EBUSY:
      return fail(task, SenseKey.NOT_READY, AdditionalSense.LOGICAL_UNIT_IS_IN_PROCESS_OF_BECOMING_READY);
    case Errno.ENOMEDIUM:
      return fail(task, SenseKey.NOT_READY, AdditionalSense.MEDIUM_NOT_PRESENT);
    case Errno.ECANCELED:
      return fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.NO_ADDITIONAL_SENSE_INFORMATION);
    case Errno.ETIMEDOUT:
      // Not COMMAND TIMEOUT DURING PROCESSING, 2Eh/02h: with 2Eh a duration limit (SPC-6) has expired, and Linux fails the I/O at once.
      // Here no limit was set, and the command should be tried again.
      return fail(task, SenseKey.ABORTED_COMMAND, AdditionalSense.LOGICAL_UNIT_COMMUNICATION_TIME_OUT);
    default:
      return fail(task, SenseKey.HARDWARE_ERROR, AdditionalSense.INTERNAL_TARGET_FAILURE);
  }
}

/** What a command was to make last could not be saved, and nothing has changed. */
export function failSaving(task: Task): false {
  return fail(task, SenseKey.HARDWARE_ERROR, AdditionalSense.INTERNAL_TARGET_FAILURE);
}

/** Ends a task with BUSY: what it needs is in use now, and the initiator tries again. Allocates nothing. */
export function setBusy(task: Task): false {
  fail(task, SenseKey.NO_SENSE, AdditionalSense.NO_ADDITIONAL_SENSE_INFORMATION);
  task.status = Status.BUSY;
  return false;
}

/**
 * Writes sense data at `at` and returns its length, at most {@link SENSE_BYTES_MAX} bytes. Which format an
 * initiator gets is the control mode page's D_SENSE bit, or REQUEST SENSE's DESC bit. Allocates nothing.
 */
export function writeSense(view: DataView, at: number, sense: Sense, format: SenseFormat = SenseFormat.fixed): number {
  return format === SenseFormat.fixed ? writeFixed(view, at, sense) : writeDescriptors(view, at, sense);
}

const FIXED_BYTES = 18;
const VALID = 0x80;

/** Fixed format, SPC-5. */
function writeFixed(view: DataView, at: number, sense: Sense): number {
  // An LBA that does not fit in four bytes is left out, and VALID says so.
  const valid = sense.information >= 0 && sense.information <= 0xffff_ffff;
  view.setUint8(at, valid ? SenseFormat.fixed | VALID : SenseFormat.fixed);
  view.setUint8(at + 1, 0);
  view.setUint8(at + 2, sense.senseKey);
  view.setUint32(at + 3, valid ? sense.information : 0);
  view.setUint8(at + 7, FIXED_BYTES - 8);
  view.setUint32(at + 8, Math.max(0, sense.commandSpecific));
  view.setUint16(at + 12, sense.additionalSense);
  view.setUint8(at + 14, 0);
  writeFieldPointer(view, at + 15, sense);
  return FIXED_BYTES;
}

/** Descriptor format, SPC-5. */
function writeDescriptors(view: DataView, at: number, sense: Sense): number {
  view.setUint8(at, SenseFormat.descriptor);
  view.setUint8(at + 1, sense.senseKey);
  view.setUint16(at + 2, sense.additionalSense);
  view.setUint32(at + 4, 0);
  let end = at + 8;
  if (sense.information >= 0) {
    view.setUint16(end, 0x000a);
    view.setUint16(end + 2, VALID << 8);
    view.setUint32(end + 4, Math.floor(sense.information / 2 ** 32));
    view.setUint32(end + 8, sense.information >>> 0);
    end += 12;
  }
  if (sense.commandSpecific >= 0) {
    view.setUint16(end, 0x010a);
    view.setUint16(end + 2, 0);
    view.setUint32(end + 4, 0);
    view.setUint32(end + 8, sense.commandSpecific);
    end += 12;
  }
  if (sense.fieldPointer >= 0) {
    view.setUint32(end, 0x0206_0000);
    writeFieldPointer(view, end + 4, sense);
    view.setUint8(end + 7, 0);
    end += 8;
  }
  view.setUint8(at + 7, end - at - 8);
  return end - at;
}

const SENSE_KEY_SPECIFIC_VALID = 0x80;
/** C/D: the pointer is into the CDB. */
const IN_CDB = 0x40;

/** Three bytes: which byte of the CDB or of the parameter list is at fault. */
function writeFieldPointer(view: DataView, at: number, sense: Sense): void {
  const present = sense.fieldPointer >= 0;
  view.setUint8(at, present ? SENSE_KEY_SPECIFIC_VALID | (sense.fieldInData ? 0 : IN_CDB) : 0);
  view.setUint16(at + 1, present ? sense.fieldPointer : 0);
}
