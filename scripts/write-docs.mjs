// Writes the pages of docs/ that are made from the program: the configuration's JSON Schema and its reference.
// Run it after a change to src/config; a test compares the pages with the program.

import { writeFileSync } from 'node:fs';
import { buildIfStale } from './build.mjs';

buildIfStale();
const { configurationReference, configurationSchema } = await import('../dist/src/config/reference.js');
const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('lunaring.schema.json', docs), `${JSON.stringify(configurationSchema(), null, 2)}\n`);
writeFileSync(new URL('configuration.md', docs), configurationReference());
