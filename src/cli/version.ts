// The version in package.json, which stands two folders above this file's source and three above what is built from it.

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
