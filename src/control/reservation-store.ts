// Reservations that outlast a restart (APTPL, SPC-5): one small file for each unit, replaced as a whole.
// Written and synced before the command that asked for it is answered.

import { z } from 'zod';
import { NO_RESERVATIONS, type ReservationSnapshot, ReservationType } from '../ring/reservations.ts';
import { removeDurably, replaceDurably } from './durable-file.ts';
import { readKept } from './kept-file.ts';

const key = z.string().regex(/^[0-9a-f]{16}$/);
const stored = z.strictObject({
  version: z.literal(1),
  /** PRGENERATION, in files of earlier versions; nobody asks for it. */
  generation: z.int().nonnegative().optional(),
  type: z.literal(Object.values(ReservationType)),
  holder: z.int().min(-1),
  registrations: z.array(
    z.strictObject({
      nexus: z.strictObject({
        initiatorName: z.string(),
        isid: z.string().regex(/^([0-9a-f]{12})?$/),
        portalGroupTag: z.int().nonnegative(),
      }),
      key,
      allTargetPorts: z.boolean(),
    }),
  ),
});

/** Where the reservations of a unit are kept whose files begin so. */
export function reservationPath(statePath: string): string {
  return `${statePath}.reservations.json`;
}

/**
 * The reservations kept in the file at `path`; none when there is no file. PRGENERATION is 0 after power on, APTPL or not (SPC-4 §6.13.2).
 * Throws as {@link readKept} does.
 */
export function loadReservations(path: string): ReservationSnapshot {
  const kept = readKept(path, stored, {
    code: 'LUNARING_RESERVATIONS',
    what: 'reservations',
    remedy: 'restore it, or remove it if no host relies on its reservations',
  });
  if (kept === null) return NO_RESERVATIONS;
  const { type, holder, registrations } = kept;
  return { ...NO_RESERVATIONS, type, holder, registrations, aptpl: true };
}

/** Keeps `state`, or forgets what was kept if it is not to outlast a restart. On stable storage when it returns. */
export function storeReservations(path: string, state: ReservationSnapshot): void {
  if (!state.aptpl || state.registrations.length === 0) {
    removeDurably(path);
    return;
  }
  const { type, holder, registrations } = state;
  replaceDurably(path, `${JSON.stringify({ version: 1, type, holder, registrations }, null, 2)}\n`);
}
