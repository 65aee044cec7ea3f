// REQUEST SENSE (SPC-5): sense data as parameter data, for initiators that ask instead of reading the response.
// Sense of a failed command always goes with its response; what is left to report is what the unit has to say by itself.

import { Cdb6 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { notReadySense } from './condition.ts';
import { blank, reply } from './reply.ts';
import { AdditionalSense, SENSE_BYTES_MAX, type Sense, SenseFormat, SenseKey, senseOf, writeSense } from './sense.ts';
import type { Task } from './task.ts';

const DESC = 0x01;

/** The unit's condition, most urgent first. Reporting a unit attention ends it. */
function condition(task: Task): Sense {
  const unit = task.unit;
  if (unit === null) return senseOf(SenseKey.ILLEGAL_REQUEST, AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
  const attention = unit.takeAttention(task.nexus!);
  if (attention !== 0) return senseOf(SenseKey.UNIT_ATTENTION, attention);
  if (!unit.ready) return notReadySense(unit);
  return senseOf(SenseKey.NO_SENSE, AdditionalSense.NO_ADDITIONAL_SENSE_INFORMATION);
}

export const requestSense: ColdCommand = {
  ...REPLY,
  name: 'REQUEST SENSE',
  anyLun: true,
  beforeAttention: true,
  decode: ({ cdb }) => Cdb6.transferLength.get(cdb, 0),
  run: (task, _unit, services) => {
    const format = (task.cdb.getUint8(1) & DESC) === 0 ? SenseFormat.fixed : SenseFormat.descriptor;
    const { bytes, view } = blank(SENSE_BYTES_MAX);
    const size = writeSense(view, 0, condition(task), format);
    reply(task, services, bytes.subarray(0, size));
  },
};
