// Mode parameters that outlast a restart (MODE SELECT with SP, SPC-5): one small file beside each unit's own.
// Written and synced before the command that asked for it is answered.

import { z } from 'zod';
import { type ControlParameters, FRESH_STATE, type UnitState } from '../ring/unit-state.ts';
import { removeDurably, replaceDurably } from './durable-file.ts';
import { readKept } from './kept-file.ts';

const stored = z.strictObject({ version: z.literal(1), descriptorSense: z.boolean(), writeProtected: z.boolean() });

/** Where the mode parameters of the unit served from `path` are kept. */
export function modeParametersPath(path: string): string {
  return `${path}.mode.json`;
}

/** The state that a unit starts with, from the file at `path`; a fresh one when there is no file. Throws as {@link readKept} does. */
export function loadState(path: string): UnitState {
  const kept = readKept(path, stored, {
    code: 'LUNARING_MODE_PARAMETERS',
    what: 'mode parameters',
    remedy: 'restore it, or remove it if nobody relies on what was saved',
  });
  if (kept === null) return FRESH_STATE;
  const { descriptorSense, writeProtected } = kept;
  const saved = { descriptorSense, writeProtected };
  return { ...FRESH_STATE, ...saved, saved };
}

/** Keeps what was saved; nothing, if that is what a unit has at first. On stable storage when it returns. */
export function storeSaved(path: string, { descriptorSense, writeProtected }: ControlParameters): void {
  if (!descriptorSense && !writeProtected) removeDurably(path);
  else replaceDurably(path, `${JSON.stringify({ version: 1, descriptorSense, writeProtected }, null, 2)}\n`);
}
