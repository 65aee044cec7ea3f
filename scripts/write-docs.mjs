// Writes the pages of docs/ that are made from the program: the configuration's JSON Schema and reference, the login status codes, the metrics.
// Run it after a change to what they describe; tests compare the pages with the program.

import { writeFileSync } from 'node:fs';
import { buildIfStale } from './build.mjs';

buildIfStale();
const { configurationReference, configurationSchema } = await import('../dist/src/config/reference.js');
const { renderLoginStatusMarkdown } = await import('../dist/src/login/status-page.js');
const { metricsReference } = await import('../dist/src/metrics/reference.js');
const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('lunaring.schema.json', docs), `${JSON.stringify(configurationSchema(), null, 2)}\n`);
writeFileSync(new URL('configuration.md', docs), configurationReference());
writeFileSync(new URL('login-status.md', docs), renderLoginStatusMarkdown());
writeFileSync(new URL('observability/README.md', docs), metricsReference());
