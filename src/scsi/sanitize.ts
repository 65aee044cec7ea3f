// SANITIZE (SBC-4): all blocks overwritten, or cleared, so that nobody can read what was there.
// Keeping others away meanwhile is whole-unit.ts's; what a failure means for everybody, condition.ts's.

import { bytes, layout, reserved, u8, u16 } from '../base/layout.ts';
import { UnitCondition } from '../ring/unit-state.ts';
import { SanitizeAction, serviceActionOf } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkLoaded, checkUnprotected } from './medium.ts';
import { AdditionalSense, failField, failListLength, failParameter, failSaving } from './sense.ts';
import { Attribute, Status, type Task } from './task.ts';
import { overhaul, type Pass } from './whole-unit.ts';

const Cdb = layout(10, {
  opcode: u8(0),
  flags: u8(1),
  reserved2: bytes(2, 5),
  parameterListLength: u16(7),
  control: u8(9),
});
const IMMED = 0x80;
/** ZNR, of zoned devices. */
const ZNR = 0x40;
const AUSE = 0x20;

/** The parameter list of OVERWRITE, before its INITIALIZATION PATTERN. */
const Parameters = layout(4, {
  flags: u8(0),
  reserved1: reserved(1, 1),
  patternLength: u16(2),
});
const INVERT = 0x80;
const TEST_MASK = 0x60;
const COUNT_MASK = 0x1f;

/** What the CDB says; the bytes of parameter list. */
function decode(task: Task): number {
  const { cdb, unit } = task;
  const length = Cdb.parameterListLength.get(cdb, 0);
  const action = serviceActionOf(task.cdb);
  const known: readonly number[] = Object.values(SanitizeAction);
  // Erasing blocks means to unmap them.
  const erases = action === SanitizeAction.BLOCK_ERASE && unit?.snapshot.thin !== true;
  const most = action === SanitizeAction.OVERWRITE ? Parameters.size + (unit?.blockSize ?? 0) : 0;
  const least = action === SanitizeAction.OVERWRITE ? Parameters.size + 1 : 0;
  if ((Cdb.flags.get(cdb, 0) & ZNR) !== 0 || !known.includes(action) || erases) {
    failField(task, Cdb.flags.offset);
  } else if (cdb.getUint32(2) !== 0 || cdb.getUint8(6) !== 0) {
    failField(task, Cdb.reserved2.offset);
  } else if (length < least || length > most) {
    failField(task, Cdb.parameterListLength.offset);
  }
  // SBC-4: whatever its attribute says.
  task.attribute = Attribute.HEAD_OF_QUEUE;
  return length;
}

/** The passes that OVERWRITE's parameter list asks for; null when it was refused. */
function overwrites(task: Task, unit: LogicalUnit, services: CommandServices): Pass[] | null {
  // The initiator may have sent less of the list than its CDB says, or nothing: then there is nowhere to read it from.
  if (task.dataLength < task.transferLength) {
    failListLength(task);
    return null;
  }
  const { view } = services;
  const flags = Parameters.flags.get(view, task.at);
  const length = Parameters.patternLength.get(view, task.at);
  const count = flags & COUNT_MASK;
  if (count === 0 || (flags & TEST_MASK) !== 0) {
    failParameter(task, Parameters.flags.offset);
  } else if (length === 0 || length > unit.blockSize) {
    failParameter(task, Parameters.patternLength.offset);
  } else if (Parameters.size + length > task.dataLength) {
    failListLength(task);
  }
  if (task.status !== Status.GOOD) return null;
  const start = task.at + Parameters.size;
  const pattern = services.bytes.slice(start, start + length);
  const inverted = pattern.map((byte) => ~byte);
  // With INVERT the pattern changes from pass to pass, and the last one writes it as it came.
  return Array.from({ length: count }, (_, index) => ({
    pattern: (flags & INVERT) !== 0 && (count - index) % 2 === 0 ? inverted : pattern,
  }));
}

/**
 * There is no key to change for a cryptographic erase: the blocks are cleared, which leaves the initiator as little. What a file
 * system or a disk keeps of blocks that it was told to forget, no initiator can read; OVERWRITE is for whoever does not trust that.
 */
function passesOf(task: Task, unit: LogicalUnit, services: CommandServices): Pass[] | null {
  if (serviceActionOf(task.cdb) === SanitizeAction.OVERWRITE) return overwrites(task, unit, services);
  return [{ deallocate: unit.snapshot.thin }];
}

function* exitFailureMode(task: Task, services: CommandServices): Steps {
  services.changeState(task, { kind: 'exitFailure' });
  yield;
  if (task.stateResult === 'notSaved') failSaving(task);
  else if (task.stateResult !== 'good') failField(task, Cdb.flags.offset);
}

function* run(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  // Not whether the unit is ready: after a failure it is not, and this is what mends it.
  if (!checkLoaded(task, unit) || !checkUnprotected(task, unit)) return;
  if (serviceActionOf(task.cdb) === SanitizeAction.EXIT_FAILURE_MODE) {
    yield* exitFailureMode(task, services);
    return;
  }
  const passes = passesOf(task, unit, services);
  if (passes === null) return;
  const flags = Cdb.flags.get(task.cdb, 0);
  yield* overhaul(task, services, {
    condition: UnitCondition.sanitizing,
    exitAllowed: (flags & AUSE) !== 0,
    immediate: (flags & IMMED) !== 0,
    inProgress: AdditionalSense.LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS,
    failure: AdditionalSense.SANITIZE_COMMAND_FAILED,
    passes,
  });
}

export const sanitize: ColdCommand = {
  ...LIST,
  name: 'SANITIZE',
  decode,
  run,
};
