#!/usr/bin/env node
// `npm run soak`: builds, then works a target for hours. What follows `--` goes to test/faults/soak.ts.
// fio is brought by `npm test`, or by scripts/setup-clients.mjs.

import { runBuilt } from './build.mjs';

await runBuilt('test/faults/soak.js');
