// What of a unit's state outlasts a restart, in one small file: mode parameters (MODE SELECT with SP, SPC-5), and that a
// SANITIZE has yet to succeed (SBC-4). Written and synced before the command that asked for it is answered, or touches a block.

import { z } from 'zod';
import { FRESH_STATE, UnitCondition, type UnitState } from '../ring/unit-state.ts';
import { removeDurably, replaceDurably } from './durable-file.ts';
import { readKept } from './kept-file.ts';

const stored = z.strictObject({
  version: z.literal(1),
  descriptorSense: z.boolean(),
  writeProtected: z.boolean(),
  /** Only of a unit that a SANITIZE has begun to erase; see {@link UnitState.exitAllowed}. */
  sanitize: z.strictObject({ exitAllowed: z.boolean() }).optional(),
});

/** Where the mode parameters of a unit are kept whose files begin so. */
export function modeParametersPath(statePath: string): string {
  return `${statePath}.mode.json`;
}

/** The state that a unit starts with, from the file at `path`; a fresh one when there is no file. Throws as {@link readKept} does. */
export function loadState(path: string): UnitState {
  const kept = readKept(path, stored, {
    code: 'LUNARING_MODE_PARAMETERS',
    what: 'mode parameters',
    remedy: 'restore it, or remove it if nobody relies on what was saved',
  });
  if (kept === null) return FRESH_STATE;
  const { descriptorSense, writeProtected, sanitize } = kept;
  const saved = { descriptorSense, writeProtected };
  const state = { ...FRESH_STATE, ...saved, saved };
  // What had not ended when the target did has failed: the blocks are in pieces, and nobody may take them for erased.
  return sanitize === undefined ? state : { ...state, ...sanitize, condition: UnitCondition.sanitizeFailed };
}

/** Of a SANITIZE that has begun and not succeeded, whether EXIT FAILURE MODE may end it; null: there is none. */
export function unfinishedSanitize({ condition, exitAllowed }: UnitState): boolean | null {
  return condition === UnitCondition.sanitizing || condition === UnitCondition.sanitizeFailed ? exitAllowed : null;
}

/** Keeps what is to outlast a restart; nothing, if that is what a unit has at first. On stable storage when it returns. */
export function storeState(path: string, state: UnitState): void {
  const { descriptorSense, writeProtected } = state.saved;
  const exitAllowed = unfinishedSanitize(state);
  if (!descriptorSense && !writeProtected && exitAllowed === null) {
    removeDurably(path);
    return;
  }
  const sanitize = exitAllowed === null ? {} : { sanitize: { exitAllowed } };
  const kept = { version: 1, descriptorSense, writeProtected, ...sanitize };
  replaceDurably(path, `${JSON.stringify(kept, null, 2)}\n`);
}
