// SYNCHRONIZE CACHE(10) and (16) (SBC-4): what was acknowledged is on stable storage afterwards.
// All of the unit is, whatever range is named: storage below has no smaller unit of it.

import { Cdb10, Cdb16 } from './cdb.ts';
import type { ColdCommand, CommandServices } from './cold-command.ts';
import { checkRange, checkReady } from './medium.ts';
import { NO_DATA } from './reply.ts';
import { failErrno, setBusy } from './sense.ts';
import type { Task } from './task.ts';

/** Waits until the storage has it all. IMMED asks for the status before that; it may come after, and then says more. */
export function* synchronize(task: Task, services: CommandServices): Generator<void, void, number> {
  const unit = task.unit!;
  const piece = services.takePiece(task, 0);
  if (piece === null) {
    setBusy(task);
    return;
  }
  services.sync(piece, unit);
  const errno = yield;
  if (errno !== 0) failErrno(task, errno, -1, true);
}

function run(task: Task, services: CommandServices, lba: number, count: number): Generator<void, void, number> | void {
  const unit = task.unit!;
  if (checkReady(task, unit) && checkRange(task, unit, lba, count)) return synchronize(task, services);
}

export const synchronizeCache10: ColdCommand = {
  ...NO_DATA,
  name: 'SYNCHRONIZE CACHE(10)',
  run: (task, services) => run(task, services, Cdb10.lba.get(task.cdb, 0), Cdb10.transferLength.get(task.cdb, 0)),
};

export const synchronizeCache16: ColdCommand = {
  ...NO_DATA,
  name: 'SYNCHRONIZE CACHE(16)',
  run: (task, services) => run(task, services, Cdb16.lba.get(task.cdb, 0), Cdb16.transferLength.get(task.cdb, 0)),
};
