#!/usr/bin/env node
// `npm run sim`: builds, then simulates a target from seeds. What follows `--` goes to test/sim/main.ts: `--seed N`, `--minutes M`.
// What it found once is in test/sim/failures.ts, and `npm test` plays it again.

import { runBuilt } from './build.mjs';

await runBuilt('test/sim/main.js');
