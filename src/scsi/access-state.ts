// What may run over a target port whose group is not active (SPC-5, asymmetric access states): what tells of the unit and of its ports, and
// what brings them back. Setting the states is port-groups.ts's.

import { AccessState, accessOf } from '../ring/unit-state.ts';
import { MaintenanceIn, MaintenanceOut, OperationCode, ServiceActionIn16, serviceActionOf } from './cdb.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { AdditionalSense, fail, SenseKey } from './sense.ts';
import type { Task } from './task.ts';

function isAllowedWhileUnavailable(cdb: DataView): boolean {
  const action = serviceActionOf(cdb);
  switch (cdb.getUint8(0)) {
    case OperationCode.INQUIRY:
    case OperationCode.REPORT_LUNS:
    case OperationCode.REQUEST_SENSE:
    // The echo buffer is the nexus' own, and there is no other.
    case OperationCode.READ_BUFFER_10:
    case OperationCode.WRITE_BUFFER:
      return true;
    case OperationCode.MAINTENANCE_IN:
      return action === MaintenanceIn.REPORT_TARGET_PORT_GROUPS;
    case OperationCode.MAINTENANCE_OUT:
      return action === MaintenanceOut.SET_TARGET_PORT_GROUPS;
    default:
      return false;
  }
}

function isAllowedInStandby(cdb: DataView): boolean {
  switch (cdb.getUint8(0)) {
    case OperationCode.LOG_SELECT:
    case OperationCode.LOG_SENSE:
    case OperationCode.MODE_SELECT_6:
    case OperationCode.MODE_SELECT_10:
    case OperationCode.MODE_SENSE_6:
    case OperationCode.MODE_SENSE_10:
    case OperationCode.RECEIVE_DIAGNOSTIC_RESULTS:
    case OperationCode.SEND_DIAGNOSTIC:
    case OperationCode.PERSISTENT_RESERVE_IN:
    case OperationCode.PERSISTENT_RESERVE_OUT:
    case OperationCode.MAINTENANCE_IN:
    // The standard leaves READ CAPACITY to us. LIO allows it: a disk that Linux finds over such a port would have no blocks, and be no path.
    case OperationCode.READ_CAPACITY_10:
      return true;
    case OperationCode.SERVICE_ACTION_IN_16:
      return serviceActionOf(cdb) === ServiceActionIn16.READ_CAPACITY_16;
    default:
      return isAllowedWhileUnavailable(cdb);
  }
}

/** Whether the task may run over the port that it came through. Allocates nothing. */
export function checkAccess(task: Task, unit: LogicalUnit): boolean {
  switch (accessOf(unit.state, task.nexus!.name.portalGroupTag)) {
    case AccessState.standby:
      if (isAllowedInStandby(task.cdb)) return true;
      return fail(task, SenseKey.NOT_READY, AdditionalSense.LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_STANDBY_STATE);
    case AccessState.unavailable:
      if (isAllowedWhileUnavailable(task.cdb)) return true;
      return fail(
        task,
        SenseKey.NOT_READY,
        AdditionalSense.LOGICAL_UNIT_NOT_ACCESSIBLE_TARGET_PORT_IN_UNAVAILABLE_STATE,
      );
    default:
      return true;
  }
}
