// Operation code to command, for everything but READ and WRITE.
// The same list for initiators is operation-codes.ts's.

import { readCapacity10, readCapacity16 } from './capacity.ts';
import {
  Cdb32,
  MaintenanceIn,
  MaintenanceOut,
  OperationCode,
  ServiceActionIn16,
  serviceActionOf,
  ThirdPartyCopyIn,
  ThirdPartyCopyOut,
  VariableLength,
} from './cdb.ts';
import { type ColdCommand, NO_DATA } from './cold-command.ts';
import { compareAndWriteCommand } from './compare-and-write.ts';
import {
  receiveCopyFailureDetails,
  receiveCopyOperatingParameters,
  receiveCopyStatus1,
  receiveCopyStatus4,
} from './copy-results.ts';
import { readDefectData } from './defect-data.ts';
import { receiveDiagnosticResults, sendDiagnostic } from './diagnostic.ts';
import { readBuffer, writeBuffer } from './echo-buffer.ts';
import { extendedCopy1, extendedCopy4 } from './extended-copy.ts';
import { formatUnit } from './format-unit.ts';
import { inquiry } from './inquiry.ts';
import { getLbaStatus16, getLbaStatus32 } from './lba-status.ts';
import { logSelect, logSense } from './log-sense.ts';
import { modeSelect6, modeSelect10 } from './mode-select.ts';
import { modeSense6, modeSense10 } from './mode-sense.ts';
import { reportSupportedOperationCodes } from './operation-codes.ts';
import { orwrite16 } from './orwrite.ts';
import { persistentReserveIn } from './persistent-reserve-in.ts';
import { persistentReserveOut } from './persistent-reserve-out.ts';
import { reportTargetPortGroups, setTargetPortGroups } from './port-groups.ts';
import { prefetch } from './prefetch.ts';
import { reportLuns } from './report-luns.ts';
import { requestSense } from './request-sense.ts';
import { release6, release10, reserve6, reserve10 } from './reserve-release.ts';
import { sanitize } from './sanitize.ts';
import { failField } from './sense.ts';
import { preventAllowMediumRemoval, startStopUnit } from './start-stop.ts';
import { synchronizeCache } from './sync-cache.ts';
import type { Task } from './task.ts';
import { reportSupportedTaskManagementFunctions } from './task-management-report.ts';
import { testUnitReady } from './test-unit-ready.ts';
import { reportTimestamp, setTimestamp } from './timestamp.ts';
import { unmap } from './unmap.ts';
import { verifyFor } from './verify.ts';
import { writeAndVerify } from './write-and-verify.ts';
import { writeAtomic16 } from './write-atomic.ts';
import { writeSame10, writeSameLong } from './write-same.ts';

/** The command of the task's CDB, or null when its operation code is none of ours. Allocates nothing. */
export function commandFor(task: Task): ColdCommand | null {
  switch (task.cdb.getUint8(0)) {
    case OperationCode.TEST_UNIT_READY:
      return testUnitReady;
    case OperationCode.REQUEST_SENSE:
      return requestSense;
    case OperationCode.FORMAT_UNIT:
      return formatUnit;
    case OperationCode.INQUIRY:
      return inquiry;
    case OperationCode.MODE_SELECT_6:
      return modeSelect6;
    case OperationCode.MODE_SELECT_10:
      return modeSelect10;
    case OperationCode.MODE_SENSE_6:
      return modeSense6;
    case OperationCode.MODE_SENSE_10:
      return modeSense10;
    case OperationCode.START_STOP_UNIT:
      return startStopUnit;
    case OperationCode.PREVENT_ALLOW_MEDIUM_REMOVAL:
      return preventAllowMediumRemoval;
    case OperationCode.READ_CAPACITY_10:
      return readCapacity10;
    case OperationCode.VERIFY_10:
    case OperationCode.VERIFY_12:
    case OperationCode.VERIFY_16:
      return verifyFor(task.cdb);
    case OperationCode.SYNCHRONIZE_CACHE_10:
    case OperationCode.SYNCHRONIZE_CACHE_16:
      return synchronizeCache;
    case OperationCode.PRE_FETCH_10:
    case OperationCode.PRE_FETCH_16:
      return prefetch;
    case OperationCode.RESERVE_6:
      return reserve6;
    case OperationCode.RELEASE_6:
      return release6;
    case OperationCode.RESERVE_10:
      return reserve10;
    case OperationCode.RELEASE_10:
      return release10;
    case OperationCode.PERSISTENT_RESERVE_IN:
      return persistentReserveIn;
    case OperationCode.PERSISTENT_RESERVE_OUT:
      return persistentReserveOut;
    case OperationCode.THIRD_PARTY_COPY_OUT:
      return actionOf(task, thirdPartyCopyOut);
    case OperationCode.THIRD_PARTY_COPY_IN:
      return actionOf(task, thirdPartyCopyIn);
    case OperationCode.COMPARE_AND_WRITE:
      return compareAndWriteCommand;
    case OperationCode.ORWRITE_16:
      return orwrite16;
    case OperationCode.WRITE_AND_VERIFY_10:
    case OperationCode.WRITE_AND_VERIFY_12:
    case OperationCode.WRITE_AND_VERIFY_16:
      return writeAndVerify;
    case OperationCode.WRITE_SAME_10:
      return writeSame10;
    case OperationCode.WRITE_SAME_16:
      return writeSameLong;
    case OperationCode.WRITE_ATOMIC_16:
      return task.unit?.backend.atomic === true ? writeAtomic16 : null;
    case OperationCode.UNMAP:
      return task.unit?.snapshot.thin === true ? unmap : null;
    case OperationCode.SANITIZE:
      return sanitize;
    case OperationCode.READ_DEFECT_DATA_10:
    case OperationCode.READ_DEFECT_DATA_12:
      return readDefectData;
    case OperationCode.LOG_SENSE:
      return logSense;
    case OperationCode.LOG_SELECT:
      return logSelect;
    case OperationCode.SEND_DIAGNOSTIC:
      return sendDiagnostic;
    case OperationCode.RECEIVE_DIAGNOSTIC_RESULTS:
      return receiveDiagnosticResults;
    case OperationCode.READ_BUFFER_10:
      return readBuffer;
    case OperationCode.WRITE_BUFFER:
      return writeBuffer;
    case OperationCode.SERVICE_ACTION_IN_16:
      return actionOf(task, serviceActionIn16);
    case OperationCode.REPORT_LUNS:
      return reportLuns;
    case OperationCode.MAINTENANCE_IN:
      return actionOf(task, maintenanceIn);
    case OperationCode.MAINTENANCE_OUT:
      return actionOf(task, maintenanceOut);
    case OperationCode.VARIABLE_LENGTH:
      return variableLength(task);
    default:
      return null;
  }
}

function variableLength(task: Task): ColdCommand {
  switch (Cdb32.serviceAction.get(task.cdb, 0)) {
    case VariableLength.VERIFY_32:
      return verifyFor(task.cdb);
    case VariableLength.WRITE_AND_VERIFY_32:
      return writeAndVerify;
    case VariableLength.WRITE_SAME_32:
      return writeSameLong;
    case VariableLength.GET_LBA_STATUS_32:
      return getLbaStatus32;
    default:
      return unknownServiceAction;
  }
}

/** The commands of an operation code, by service action. */
type Actions = Readonly<Record<number, ColdCommand>>;

const thirdPartyCopyOut: Actions = {
  [ThirdPartyCopyOut.EXTENDED_COPY_LID1]: extendedCopy1,
  [ThirdPartyCopyOut.EXTENDED_COPY_LID4]: extendedCopy4,
};

const thirdPartyCopyIn: Actions = {
  [ThirdPartyCopyIn.RECEIVE_COPY_STATUS_LID1]: receiveCopyStatus1,
  [ThirdPartyCopyIn.RECEIVE_COPY_OPERATING_PARAMETERS]: receiveCopyOperatingParameters,
  [ThirdPartyCopyIn.RECEIVE_COPY_FAILURE_DETAILS]: receiveCopyFailureDetails,
  [ThirdPartyCopyIn.RECEIVE_COPY_STATUS_LID4]: receiveCopyStatus4,
};

const serviceActionIn16: Actions = {
  [ServiceActionIn16.READ_CAPACITY_16]: readCapacity16,
  [ServiceActionIn16.GET_LBA_STATUS]: getLbaStatus16,
};

const maintenanceIn: Actions = {
  [MaintenanceIn.REPORT_TARGET_PORT_GROUPS]: reportTargetPortGroups,
  [MaintenanceIn.REPORT_SUPPORTED_OPERATION_CODES]: reportSupportedOperationCodes,
  [MaintenanceIn.REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS]: reportSupportedTaskManagementFunctions,
  [MaintenanceIn.REPORT_TIMESTAMP]: reportTimestamp,
};

const maintenanceOut: Actions = {
  [MaintenanceOut.SET_TARGET_PORT_GROUPS]: setTargetPortGroups,
  [MaintenanceOut.SET_TIMESTAMP]: setTimestamp,
};

/** Allocates nothing. */
function actionOf(task: Task, actions: Actions): ColdCommand {
  return actions[serviceActionOf(task.cdb)] ?? unknownServiceAction;
}

/** A known operation code with a service action that is none of ours: a field of the CDB is wrong, not the command (SPC-5). */
const unknownServiceAction: ColdCommand = {
  ...NO_DATA,
  name: 'unknown service action',
  run: (task) => {
    failField(task, task.cdb.getUint8(0) === OperationCode.VARIABLE_LENGTH ? Cdb32.serviceAction.offset : 1);
  },
};
