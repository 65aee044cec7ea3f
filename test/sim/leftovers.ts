// What a simulated target still has when every session has left, and should not have: memory, tasks, turns, sockets, descriptors.
// When that is looked at, simulation.ts says.

import { CELL_BYTES } from '../../src/engine/slab.ts';
import { Counter } from '../../src/ring/counters.ts';
import type { SimTarget } from './target.ts';
import type { SimUnit } from './unit.ts';

/** What no session has any use for any more; null: nothing. */
export function leftoversOf(target: SimTarget, units: readonly SimUnit[]): string | null {
  const { plane, workers, openDescriptors } = target;
  if (plane.sessions.size !== 0) return `${plane.sessions.size} sessions on main`;
  if (openDescriptors !== 0) return `${openDescriptors} descriptors`;
  for (const [index, { engine, host }] of workers.all.entries()) {
    const { counters } = host;
    const { bytesInUse } = engine.slab;
    // The cell for what will never be sent.
    if (bytesInUse !== CELL_BYTES) return `${bytesInUse} bytes of worker ${index}`;
    if (engine.open !== 0) return `${engine.open} sockets of worker ${index}`;
    if (counters[Counter.sessions] !== 0) return `${counters[Counter.sessions]} sessions of worker ${index}`;
    if (counters[Counter.connections] !== 0) return `${counters[Counter.connections]} connections of worker ${index}`;
  }
  const turns = new Int32Array(workers.turns.memory);
  for (const unit of plane.catalog.units) {
    if (turns[unit.id] !== 0) return `the turn at LUN ${unit.lun}`;
    if (workers.unitInFlight(unit.figures) !== 0) return `tasks of LUN ${unit.lun}`;
    const isReserved = workers.all.some(({ host }) => host.units.find(unit.id)?.restriction != null);
    if (isReserved && units.find(({ lun }) => lun === unit.lun)!.reservations.free)
      return `a reservation of LUN ${unit.lun}`;
  }
  return null;
}
