// Writes the pages of docs/ that are made from the program: the configuration's JSON Schema and reference, the login status codes, the
// metrics, and the description of the admin interface.
// Run it after a change to what they describe; tests compare the pages with the program.

import { writeFileSync } from 'node:fs';
import { buildIfStale } from './build.mjs';

buildIfStale();
const { configurationReference, configurationSchema } = await import('../dist/src/config/reference.js');
const { describeApi } = await import('../dist/src/admin/openapi.js');
const { ROUTES } = await import('../dist/src/admin/parts.js');
const { VERSION } = await import('../dist/src/cli/version.js');
const { renderLoginStatusMarkdown } = await import('../dist/src/login/status-page.js');
const { metricsReference } = await import('../dist/src/metrics/reference.js');
const docs = new URL('../docs/', import.meta.url);
writeFileSync(new URL('lunaring.schema.json', docs), `${JSON.stringify(configurationSchema(), null, 2)}\n`);
writeFileSync(new URL('configuration.md', docs), configurationReference());
writeFileSync(new URL('login-status.md', docs), renderLoginStatusMarkdown());
writeFileSync(new URL('observability/README.md', docs), metricsReference());
writeFileSync(new URL('openapi.json', docs), `${JSON.stringify(describeApi(ROUTES, VERSION), null, 2)}\n`);
