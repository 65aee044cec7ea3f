// Why a unit is not ready, and what may run on it even so (SBC-4: sanitize and format operations).
// Main says what condition it is in (control/unit-state.ts); READ and WRITE ask no more than whether it is ready.

import { UnitCondition } from '../ring/unit-state.ts';
import { OperationCode } from './cdb.ts';
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

/**
 * Whether a command may run on a unit that is not ready. Without a medium each command decides for itself; while the medium is being
 * erased, or after that has failed, only those may that are served whatever happens, and SANITIZE to end a failure.
 */
export function checkCondition(task: Task, unit: LogicalUnit): boolean {
  const { condition } = unit.state;
  if (condition === UnitCondition.usable || task.command?.beforeAttention === true) return true;
  const repairs = condition === UnitCondition.sanitizeFailed && task.cdb.getUint8(0) === OperationCode.SANITIZE;
  return repairs || failWith(task, notReadySense(unit));
}
