#!/usr/bin/env node
// `npm run fuzz`: builds, then sends a live target what no initiator should. What follows `--` goes to test/fuzz/main.ts.
// What it found once is in test/fuzz/corpus, and `npm test` says it again.

import { runBuilt } from './build.mjs';

await runBuilt('test/fuzz/main.js');
