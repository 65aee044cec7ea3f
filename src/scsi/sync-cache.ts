// SYNCHRONIZE CACHE(10) and (16) (SBC-4): what was acknowledged is on stable storage afterwards.
// All of the unit is, whatever range is named: storage below has no smaller unit of it.

import { type ColdCommand, type CommandServices, NO_DATA, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkRange, checkReady, decodeBlocks } from './medium.ts';
import { failWrite } from './sense.ts';
import type { Task } from './task.ts';

/** Waits until the storage has it all. IMMED asks for the status before that; it may come after, and then says more. */
export function* synchronize(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  const piece = services.barePiece(task);
  services.sync(piece, unit);
  const errno = yield;
  if (errno !== 0) failWrite(task, errno, -1);
}

export const synchronizeCache: ColdCommand = {
  ...NO_DATA,
  name: 'SYNCHRONIZE CACHE',
  run: (task, unit, services) => {
    decodeBlocks(task);
    if (!checkReady(task, unit) || !checkRange(task, unit, task.lba, task.blockCount)) return;
    return synchronize(task, unit, services);
  },
};
