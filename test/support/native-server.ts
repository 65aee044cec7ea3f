// Whether the admin interface has its native server here: it is built for some versions of Node, and others have the JavaScript one.
// For tests that try both.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

const { platform, arch, versions } = process;

/** See the head of this file. */
export const hasNativeServer = existsSync(
  join(repositoryRoot(), `node_modules/uWebSockets.js/binaries/uws_${platform}_${arch}_${versions.modules}.node`),
);
