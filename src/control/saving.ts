// Writes the targets as they are served back to the configuration file, whole or not at all, and only if it then says just that.
// How the file's text is changed is config/rewrite.ts's.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { LunaringError } from '../base/error.ts';
import { ConfigurationError } from '../config/finding.ts';
import type { Loaded } from '../config/load.ts';
import { sameSettings, writable } from '../config/plain.ts';
import { rewriteConfiguration, type Wanted } from '../config/rewrite.ts';
import type { Settings } from '../config/settings.ts';
import { replaceDurably } from './durable-file.ts';

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

  /** Throws {@link SavingError} where there is no file to write to, and ConfigurationError where what is in it can't be loaded. */
  check(): { readonly path: string; readonly settings: Settings } {
    const loaded = this.#load();
    if (loaded.settings === null) throw new ConfigurationError(loaded.findings);
    const { settings, location, originOf } = loaded;
    if (location === null) {
      throw new SavingError('the target was started without a configuration file; start it with --config FILE');
    }
    const origin = originOf(['targets']);
    if (origin.startsWith('LUNARING_')) {
      throw new SavingError(`${origin} says what is served, whatever is in ${location}; unset it, and start again`);
    }
    // Where a link leads to is written, not the link.
    return { path: realpathSync(location), settings };
  }

  /** Writes; answers the path. Throws as {@link check}, and {@link SavingError} where the file can't be written. */
  save(wanted: Wanted): string {
    const { path, settings } = this.check();
    const text = rewriteConfiguration(readFileSync(path, 'utf8'), settings, wanted);
    const again = this.#load(text);
    if (!saysSo(again.settings, wanted)) {
      const why = 'the environment, or the way the file is written, says otherwise';
      throw new SavingError(`${path} can't be made to say what is served: ${why}; change it by hand`);
    }
    try {
      replaceDurably(path, text, statSync(path));
    } catch (cause) {
      throw new SavingError(`${path}: ${(cause as NodeJS.ErrnoException).code}; check its permissions and the disk`, {
        cause,
      });
    }
    this.#log.info({ path }, 'the configuration was saved');
    return path;
  }
}

/** Whether what was loaded again is what was to be written. */
function saysSo(settings: Settings | null, wanted: Wanted): boolean {
  if (settings === null) return false;
  const targets = sameSettings(settings.targets.map(writable), wanted.targets.map(writable));
  return targets && sameSettings({ ...settings.tuning, ...wanted.tuning }, settings.tuning);
}
