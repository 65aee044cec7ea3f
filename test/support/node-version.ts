// What tests have to know of the version of Node that they run on: any from 20 on.
// What the product makes of it is its own business.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './repository.ts';

const { platform, arch, versions } = process;

/** Whether the admin interface has its native server: it is built for some versions, and others have the JavaScript one. */
export const hasNativeServer = existsSync(
  join(repositoryRoot(), `node_modules/uWebSockets.js/binaries/uws_${platform}_${arch}_${versions.modules}.node`),
);

/**
 * For NODE_OPTIONS of a process whose memory is measured: its young generation grows no further than that of Node 20 does by itself.
 * That of newer versions takes up to 100 MiB more, and gives it back when nobody looks.
 */
export const STEADY_HEAP = '--max-semi-space-size=16';
