// Writes the targets as they are served back to the configuration file, whole or not at all, and only if it then says just that.
// How the file's text is changed is config/rewrite.ts's.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { LunaringError } from '../base/error.ts';
import { LoadingError } from '../config/finding.ts';
import type { Loaded, LoadedSettings } from '../config/load.ts';
import { sameSettings, writable } from '../config/plain.ts';
import { rewriteConfiguration, type Wanted } from '../config/rewrite.ts';
import type { TuningSettings } from '../config/settings.ts';
import { rehearseReplacement, replaceDurably } from './durable-file.ts';

/** Nothing can be written; the message says why, and what to do. */
export class SavingError extends LunaringError {
  constructor(message: string, options?: ErrorOptions) {
    super('LUNARING_SAVING', message, options);
  }
}

/** Loads the configuration again: as it stands, or as it would with `text` in the file. */
export type Load = (text?: string) => Loaded;

/** The configuration file of a running target. */
export class Saving {
  readonly #load: Load;
  readonly #log: Logger;

  constructor(load: Load, log: Logger) {
    this.#load = load;
    this.#log = log;
  }

  /**
   * Does what {@link save} does, but for replacing the file: what would be in its way is found out before anything is changed. Throws what
   * that would throw.
   */
  check(wanted: Wanted): void {
    const { path, text } = this.#compose(wanted);
    attempt(path, () => rehearseReplacement(path, text, statSync(path)));
  }

  /**
   * Writes; answers the path. Throws {@link SavingError} where there is no file to write to, it can't be written, or it would not say what is
   * wanted, and {@link LoadingError} where what is in it can't be loaded.
   */
  save(wanted: Wanted): string {
    const { path, text } = this.#compose(wanted);
    attempt(path, () => replaceDurably(path, text, statSync(path)));
    this.#log.info({ path }, 'the configuration was saved');
    return path;
  }

  /** What is to be written, and where: where a link leads to, not the link. */
  #compose(wanted: Wanted): { readonly path: string; readonly text: string } {
    const { settings, location, originOf } = this.#loaded();
    if (location === null) {
      throw new SavingError('the target was started without a configuration file; start it with --config FILE');
    }
    const origin = originOf(['targets']);
    if (isVariable(origin)) {
      throw new SavingError(`${origin} says what is served, whatever is in ${location}; unset it, and start again`);
    }
    const path = realpathSync(location);
    const text = rewriteConfiguration(readFileSync(path, 'utf8'), settings, wanted);
    const contrary = contradiction(this.#load(text), wanted);
    if (contrary === null) return { path, text };
    throw new SavingError(`${path} can't be made to say what is served: ${contrary}, or change it by hand`);
  }

  #loaded(): LoadedSettings {
    const loaded = this.#load();
    if (loaded.settings === null) throw new LoadingError(loaded.findings);
    return loaded;
  }
}

/** Does something to the file. Throws {@link SavingError} where the system refuses it. */
function attempt(path: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const said = `${path}: ${(cause as NodeJS.ErrnoException).code}; check its permissions and those of its directory, and the disk`;
    throw new SavingError(said, { cause });
  }
}

/** Why what was loaded again is not what was to be written, and what to do; null where it is. */
function contradiction(again: Loaded, wanted: Wanted): string | null {
  if (again.settings === null) return 'it could not be loaded; start again with a file that is written in plain YAML';
  const { settings, originOf } = again;
  for (const [key, value] of Object.entries(wanted.tuning)) {
    if (sameSettings(settings.tuning[key as keyof TuningSettings], value)) continue;
    return elsewhere(originOf(['tuning', key]), `tuning.${key}`);
  }
  if (settings.log.level !== wanted.logLevel) return elsewhere(originOf(['log', 'level']), 'log.level');
  if (sameSettings(settings.targets.map(writable), wanted.targets.map(writable))) return null;
  const origins = settings.targets.flatMap(({ luns }, target) =>
    luns.map((_, lun) => originOf(['targets', target, 'luns', lun, 'direct'])),
  );
  return elsewhere(origins.find(isVariable) ?? '', 'targets');
}

const isVariable = (origin: string): boolean => origin.startsWith('LUNARING_');

/** Where it is said what the file can't overrule. */
function elsewhere(origin: string, key: string): string {
  if (isVariable(origin)) return `${origin} says otherwise; unset it and start again`;
  return `the way the file is written says otherwise of ${key}; write it out in plain YAML`;
}
