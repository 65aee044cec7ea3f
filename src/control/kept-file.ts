// What a unit keeps beyond a restart, in small files of JSON beside its own or in the state directory: what such a file says.
// Writing it is durable-file.ts's; what is in it, that of the stores: reservation-store.ts, unit-state-store.ts.

import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { LunaringError } from '../base/error.ts';
import type { UnitSnapshot } from '../ring/messages.ts';

/** Where a unit keeps something, which `placeOf` tells from how its files begin; null: nowhere. */
export function keptAt({ statePath }: UnitSnapshot, placeOf: (statePath: string) => string): string | null {
  return statePath === null ? null : placeOf(statePath);
}

/** What is thrown for a file that can't be read. */
export interface UnreadableFile {
  /** Of the LunaringError. */
  readonly code: string;
  /** What should be in it. */
  readonly what: string;
  readonly remedy: string;
}

/** What the file at `path` says, if that is what `schema` takes; null when there is no file. Throws {@link LunaringError} for one that can't be read. */
export function readKept<Content>(
  path: string,
  schema: z.ZodType<Content>,
  { code, what, remedy }: UnreadableFile,
): Content | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new LunaringError(code, `${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new LunaringError(code, `${path}: not a file of ${what}; ${remedy}`, { cause });
  }
}
