// Where the repository is, from the sources and from what is built of them alike.
// Knows nothing of what lies in it.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The directory that holds package.json: above test/ as written and dist/test/ as built. */
export function repositoryRoot(): string {
  let directory = import.meta.dirname;
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}
