// What is counted of commands that have been answered: for their worker, their unit and their session (ring/figures.ts, ring/counters.ts).
// When a command is answered is session.ts's.

import { Counter } from '../ring/counters.ts';
import { countLatencyTwice, Figure, privateFigures } from '../ring/figures.ts';
import { AdditionalSense, SenseKey } from '../scsi/sense.ts';
import { Movement, Status } from '../scsi/task.ts';
import type { IscsiTask } from './iscsi-task.ts';
import type { Session } from './session.ts';

/** Counts a command of the session's that has been answered. Allocates nothing. */
export function countAnswered({ host, figures }: Session, task: IscsiTask): void {
  const { counters } = host;
  const micros = (host.engine.now() - task.arrivedAt) * 1000;
  countCommand(task.unit === null ? NO_UNIT : task.unit.figures, figures, task, micros);
  if (task.status !== Status.GOOD) {
    counters[Counter.errors]!++;
  } else if (task.movement === Movement.streamIn) {
    counters[Counter.reads]!++;
    counters[Counter.bytesRead]! += task.moveLength;
  } else if (storesData(task)) {
    counters[Counter.writes]!++;
    counters[Counter.bytesWritten]! += task.moveLength;
  }
}

/** A WRITE, whichever it is; data of VERIFY come the same way, and are only compared. Allocates nothing. */
function storesData({ movement, command }: IscsiTask): boolean {
  if (command === null) return movement === Movement.streamOut;
  return command.movement === Movement.streamOut && command.stores === true;
}

/** For its unit and its session. Allocates nothing. */
function countCommand(unit: Float64Array, session: Float64Array, task: IscsiTask, micros: number): void {
  if (task.status !== Status.GOOD) {
    countError(unit, task);
    countError(session, task);
  } else if (task.movement === Movement.streamIn) {
    unit[Figure.reads]!++;
    session[Figure.reads]!++;
    unit[Figure.bytesRead]! += task.moveLength;
    session[Figure.bytesRead]! += task.moveLength;
    countLatencyTwice(unit, session, Figure.readMicros, Figure.readLatency, micros);
  } else if (storesData(task)) {
    unit[Figure.writes]!++;
    session[Figure.writes]!++;
    unit[Figure.bytesWritten]! += task.moveLength;
    session[Figure.bytesWritten]! += task.moveLength;
    countLatencyTwice(unit, session, Figure.writeMicros, Figure.writeLatency, micros);
  } else {
    unit[Figure.others]!++;
    session[Figure.others]!++;
  }
}

/** What is counted of commands that address no unit. */
const NO_UNIT = privateFigures();

/** The figure for each status that carries no sense data. */
const ERRORS_WITHOUT_SENSE: Readonly<Record<number, Figure>> = {
  [Status.BUSY]: Figure.busy,
  [Status.RESERVATION_CONFLICT]: Figure.reservationConflicts,
  [Status.TASK_SET_FULL]: Figure.taskSetFull,
};

function countError(figures: Float64Array, task: IscsiTask): void {
  figures[Figure.errors]!++;
  const sense = task.status === Status.CHECK_CONDITION;
  const figure = sense ? Figure.senseKeys + task.senseKey : ERRORS_WITHOUT_SENSE[task.status];
  if (figure !== undefined) figures[figure]!++;
  if (!sense || (task.senseKey !== SenseKey.MEDIUM_ERROR && task.senseKey !== SenseKey.HARDWARE_ERROR)) return;
  const reading =
    task.movement === Movement.streamIn || task.additionalSense === AdditionalSense.UNRECOVERED_READ_ERROR;
  figures[reading ? Figure.readFailures : Figure.writeFailures]!++;
}
