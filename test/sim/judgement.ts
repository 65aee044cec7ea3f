// Whether an initiator may get an answer: by what the unit's reservations, the operator and the disk's faults allow.
// What the answer means for the blocks is commands.ts's.

import { Violation } from './clock.ts';
import type { SimDisk } from './disk.ts';
import type { Initiator } from './initiator.ts';
import { type Answer, type Command, type SimTask, Status, type Touch } from './task.ts';
import type { SimUnit } from './unit.ts';

const SenseKey = {
  NOT_READY: 2,
  MEDIUM_ERROR: 3,
  HARDWARE_ERROR: 4,
  ILLEGAL_REQUEST: 5,
  UNIT_ATTENTION: 6,
  DATA_PROTECT: 7,
  COPY_ABORTED: 0xa,
  ABORTED_COMMAND: 0xb,
  MISCOMPARE: 0xe,
} as const;

/** COMMANDS CLEARED BY DEVICE SERVER. */
const CLEARED = 0x2f02;
/** LOGICAL UNIT COMMUNICATION TIME-OUT. */
const TIME_OUT = 0x0801;

/** Judges how a command of the initiator's ended. */
export function judge(initiator: Initiator, task: SimTask, { status, senseKey, additionalSense }: Answer): void {
  const { command } = task;
  const unit = initiator.unit(command.lun);
  const { reservations } = unit;
  const who = `${initiator.initiatorName} ${command.name} on LUN ${command.lun}`;
  if (senseKey === SenseKey.UNIT_ATTENTION) unit.attentions.told(initiator.initiatorName, additionalSense);
  if (status === Status.GOOD) unit.countRun(task);
  if (status === Status.GOOD && task.alone) unit.attentions.ran(initiator, task.sentAt);
  reservations.heed(initiator.world.isServed);
  const constant = reservations.known && !reservations.busy && reservations.version === task.reservations;
  if (command.access !== 'order' && constant) {
    const permitted = reservations.permits(initiator.initiatorName, command.access);
    const ran = status === Status.GOOD || senseKey === SenseKey.MISCOMPARE;
    if (ran && !permitted) throw new Violation('reservations are obeyed', who);
    if (permitted && status === Status.RESERVATION_CONFLICT) throw new Violation('only reservations conflict', who);
  }
  if (status === Status.GOOD && command.isRefused) throw new Violation('what makes no sense is refused', who);
  if (status === Status.GOOD) judgeCopy(initiator, command, who);
  if (status === Status.GOOD && command.lasts !== undefined) judgePromise(initiator.world.diskOf(unit), task, who);
  if (status !== Status.CHECK_CONDITION || senseKey === SenseKey.UNIT_ATTENTION) {
    const known: readonly number[] = Object.values(Status);
    if (!known.includes(status) || status === Status.TASK_ABORTED)
      throw new Violation('a status that exists', `${who}: ${status}`);
    return;
  }
  if (senseKey === SenseKey.COPY_ABORTED && mayAbort(initiator, task)) return;
  if (senseKey === SenseKey.MISCOMPARE || (senseKey === SenseKey.ILLEGAL_REQUEST && unit.wasAway(task.sentAt))) return;
  if (senseKey === SenseKey.ABORTED_COMMAND && additionalSense === CLEARED && unit.wasAway(task.sentAt)) return;
  if (initiator.world.diskFailedAt(unit, senseKey) >= task.sentAt) return;
  if (senseKey === SenseKey.ABORTED_COMMAND && additionalSense === TIME_OUT && mayTimeOut(initiator, unit, task))
    return;
  const lost = (initiator.world.diskOf(unit)?.lostUntil ?? Number.NEGATIVE_INFINITY) >= task.sentAt;
  if (senseKey === SenseKey.HARDWARE_ERROR && command.lasts !== undefined && lost) return;
  const isRefused = command.access === 'order' || command.isRefused === true;
  if (isRefused && senseKey === SenseKey.ILLEGAL_REQUEST) return;
  // Data of it were damaged on their way, and there is no recovery.
  if (senseKey === SenseKey.ABORTED_COMMAND && Number.isFinite(task.damagedFrom)) return;
  throw new Violation('a command fails for a reason', `${who}: sense key ${senseKey}`);
}

/** What is promised to last does, as far as the disk knows. */
function judgePromise(disk: SimDisk | undefined, { command, sentAt }: SimTask, who: string): void {
  if (disk === undefined) return;
  const isKept = command.lasts === 'own' ? disk.durableAt >= sentAt : !disk.mayLose(sentAt);
  if (!isKept) throw new Violation('what is promised to last is made to', who);
  if (disk.lostKnownAt < sentAt) throw new Violation('nothing is promised once writes are lost', who);
}

/** Whether the disk may have had the time that a command's operation has. */
function mayTimeOut({ world }: Initiator, unit: SimUnit, { sentAt }: SimTask): boolean {
  return world.clock.now - sentAt >= world.diskTimeoutMs(unit);
}

/** Whether the initiator certainly may, or may not, read or write the unit that a copy touches; null: that is not known. */
function permission(initiator: Initiator, { lun, access, reservations: version }: Touch): boolean | null {
  const { reservations } = initiator.unit(lun);
  reservations.heed(initiator.world.isServed);
  const constant = reservations.known && !reservations.busy && reservations.version === version;
  return constant ? reservations.permits(initiator.initiatorName, access) : null;
}

/** A copy touches nothing that its initiator could not. */
function judgeCopy(initiator: Initiator, { touches = [] }: Command, who: string): void {
  const forbidden = touches.find((touch) => permission(initiator, touch) === false);
  if (forbidden !== undefined) throw new Violation('reservations are obeyed', `${who}: LUN ${forbidden.lun}`);
}

/** Whether a copy may have failed half-way: for want of a unit, for a reservation of one, or with its disk. */
function mayAbort(initiator: Initiator, task: SimTask): boolean {
  const { command, sentAt } = task;
  const { touches = [] } = command;
  return touches.some((touch) => {
    const unit = initiator.unit(touch.lun);
    const failed = Object.values(SenseKey).some((key) => initiator.world.diskFailedAt(unit, key) >= sentAt);
    return failed || mayTimeOut(initiator, unit, task) || unit.wasAway(sentAt) || permission(initiator, touch) !== true;
  });
}
