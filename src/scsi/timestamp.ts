// REPORT and SET TIMESTAMP (SPC-5): milliseconds since an initiator set them, or since the machine started, until one does.
// Wall-clock time is nothing that the data plane knows: hosts have better clocks.

import { Cdb12 } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, REPLY, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { blank, reply } from './reply.ts';
import { failListLength } from './sense.ts';
import type { Task } from './task.ts';

/** TIMESTAMP ORIGIN: zero at power-on; as SET TIMESTAMP said. */
const Origin = { powerOn: 0b000, set: 0b010 } as const;
const LIST_BYTES = 12;
const TIMESTAMP_AT = 4;
const TWO_32 = 2 ** 32;

export const reportTimestamp: ColdCommand = {
  ...REPLY,
  name: 'REPORT TIMESTAMP',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const { timestamp } = unit.state;
    const { bytes, view } = blank(LIST_BYTES);
    view.setUint16(0, bytes.length - 2);
    bytes[2] = timestamp === null ? Origin.powerOn : Origin.set;
    const elapsed = Math.floor(services.now() - (timestamp?.at ?? 0));
    const milliseconds = (timestamp?.value ?? 0) + elapsed;
    view.setUint16(TIMESTAMP_AT, Math.floor(milliseconds / TWO_32));
    view.setUint32(TIMESTAMP_AT + 2, milliseconds >>> 0);
    reply(task, services, bytes);
  },
};

function* set(task: Task, _unit: LogicalUnit, services: CommandServices): Steps {
  if (task.transferLength === 0) return;
  if (task.dataLength < LIST_BYTES) {
    failListLength(task);
    return;
  }
  const { view } = services;
  const at = task.at + TIMESTAMP_AT;
  const value = view.getUint16(at) * TWO_32 + view.getUint32(at + 2);
  services.changeState(task, { kind: 'timestamp', value, at: services.now() });
  yield;
}

export const setTimestamp: ColdCommand = {
  ...LIST,
  name: 'SET TIMESTAMP',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: set,
};
