#!/usr/bin/env node
// `npm run faults`: builds, then has the target fail in every way that a process can. What follows `--` goes to test/faults/main.ts.
// Failures of disks, networks and power are the simulator's: `npm run sim`.

import { runBuilt } from './build.mjs';

await runBuilt('test/faults/main.js');
