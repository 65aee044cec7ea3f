// Why a unit is not ready, and what may run on it even so (SBC-4: sanitize and format operations).
// Main says what condition it is in (control/unit-state.ts); READ and WRITE ask no more than whether it is ready.

import { UnitCondition } from '../ring/unit-state.ts';
import { MaintenanceIn, OperationCode, ServiceActionIn16, serviceActionOf } from './cdb.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { AdditionalSense, failWith, progressSense, type Sense, SenseKey, senseOf } from './sense.ts';
import type { Task } from './task.ts';

/** Of a unit that is not `ready`. */
export function notReadySense(unit: LogicalUnit): Sense {
  switch (unit.state.condition) {
    case UnitCondition.sanitizing:
      return progressSense(AdditionalSense.LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS, unit.progress);
    case UnitCondition.formatting:
      return progressSense(AdditionalSense.LOGICAL_UNIT_NOT_READY_FORMAT_IN_PROGRESS, unit.progress);
    case UnitCondition.sanitizeFailed:
      return senseOf(SenseKey.MEDIUM_ERROR, AdditionalSense.SANITIZE_COMMAND_FAILED);
    default:
      return senseOf(SenseKey.NOT_READY, AdditionalSense.MEDIUM_NOT_PRESENT);
  }
}

/** SBC-4, "commands allowed during sanitize": what tells of the unit, and of nothing on its medium. */
function isAllowedDuringSanitize(cdb: DataView): boolean {
  const action = serviceActionOf(cdb);
  switch (cdb.getUint8(0)) {
    case OperationCode.READ_CAPACITY_10:
      return true;
    case OperationCode.SERVICE_ACTION_IN_16:
      return action === ServiceActionIn16.READ_CAPACITY_16;
    case OperationCode.MAINTENANCE_IN:
      return (
        action === MaintenanceIn.REPORT_SUPPORTED_OPERATION_CODES ||
        action === MaintenanceIn.REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS
      );
    case OperationCode.MODE_SENSE_6:
    case OperationCode.MODE_SENSE_10:
      return MODE_PAGES_ALLOWED.includes(cdb.getUint8(2) & MODE_PAGE_MASK);
    default:
      return false;
  }
}

/** Caching, control, informational exceptions control. */
const MODE_PAGES_ALLOWED: readonly number[] = [0x08, 0x0a, 0x1c];
const MODE_PAGE_MASK = 0x3f;

/**
 * Whether a command may run on a unit that is not ready. Without a medium each command decides for itself. While the medium is being
 * erased, or after that has failed, few may; and SANITIZE, to end a failure.
 */
export function checkCondition(task: Task, unit: LogicalUnit): boolean {
  const { condition } = unit.state;
  if (condition === UnitCondition.usable || task.command?.beforeAttention === true) return true;
  if (condition !== UnitCondition.formatting && isAllowedDuringSanitize(task.cdb)) return true;
  const repairs = condition === UnitCondition.sanitizeFailed && task.cdb.getUint8(0) === OperationCode.SANITIZE;
  return repairs || failWith(task, notReadySense(unit));
}
