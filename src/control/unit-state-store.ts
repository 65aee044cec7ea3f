// Mode parameters that outlast a restart (MODE SELECT with SP, SPC-5): one small file beside each unit's own.
// Written and synced before the command that asked for it is answered.

import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { LunaringError } from '../base/error.ts';
import { type ControlParameters, FRESH_STATE, type UnitState } from '../ring/unit-state.ts';
import { removeDurably, replaceDurably } from './durable-file.ts';

const stored = z.strictObject({ version: z.literal(1), descriptorSense: z.boolean(), writeProtected: z.boolean() });

/** Where the mode parameters of the unit served from `path` are kept. */
export function modeParametersPath(path: string): string {
  return `${path}.mode.json`;
}

/** The state that a unit starts with, from the file at `path`; a fresh one when there is no file. Throws {@link LunaringError} for one that can't be read. */
export function loadState(path: string): UnitState {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return FRESH_STATE;
    throw new LunaringError('LUNARING_MODE_PARAMETERS', `${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    const { descriptorSense, writeProtected } = stored.parse(JSON.parse(text));
    const saved = { descriptorSense, writeProtected };
    return { ...FRESH_STATE, ...saved, saved };
  } catch (cause) {
    const remedy = 'restore it, or remove it if nobody relies on what was saved';
    throw new LunaringError('LUNARING_MODE_PARAMETERS', `${path}: not a file of mode parameters; ${remedy}`, { cause });
  }
}

/** Keeps what was saved; nothing, if that is what a unit has at first. On stable storage when it returns. */
export function storeSaved(path: string, { descriptorSense, writeProtected }: ControlParameters): void {
  if (!descriptorSense && !writeProtected) removeDurably(path);
  else replaceDurably(path, `${JSON.stringify({ version: 1, descriptorSense, writeProtected }, null, 2)}\n`);
}
