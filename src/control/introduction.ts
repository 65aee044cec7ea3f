// How a worker learns of a unit, before anybody can address it: first what a ring of bytes can't carry, then the snapshot that names it,
// then who has reserved it and what initiators have made of it.
// When that is due, at a worker's start or at a unit's, is control-plane.ts's and administration.ts's to know.

import type { UnitSnapshot } from '../ring/messages.ts';
import type { Catalog } from './catalog.ts';
import type { ReservationAuthority } from './reservation-authority.ts';
import type { UnitStateAuthority } from './unit-state-authority.ts';
import type { Workers } from './workers.ts';

/** Who knows what there is to tell. */
export interface IntroductionContext {
  readonly workers: Workers;
  readonly catalog: Catalog;
  readonly reservations: ReservationAuthority;
  readonly unitStates: UnitStateAuthority;
}

/** Tells `worker` of a unit that is new to it. */
export function introduceUnit(context: IntroductionContext, worker: number, unit: UnitSnapshot): void {
  const { workers, reservations, unitStates } = context;
  const { store } = context.catalog;
  const { backend, id } = unit;
  if (backend.kind === 'memory') workers.sendBuffer(worker, id, store.memories.get(id)!);
  if (backend.kind === 'custom') workers.connectDisk(worker, id, store.disks.get(id)!);
  workers.send(worker, { type: 'unit', unit });
  if (backend.kind === 'custom') {
    store.disks.get(id)!.onLost(worker, () => workers.send(worker, { type: 'diskLost', unit: id }));
  }
  reservations.tell(worker, id);
  unitStates.tell(worker, id);
}
