// The version of this program, as package.json has it: two folders above this file, three above what is built from it.
// Who prints it is the command line's and the banner's business.

import { readFileSync } from 'node:fs';

function readVersion(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'));
      if (name === 'lunaring') return version;
    } catch {
      // The other place, then.
    }
  }
  return 'unknown';
}

/** This program's version. */
export const VERSION = readVersion();
