#!/usr/bin/env node
// The `lunaring` program: gives command-line.ts the process to work in, and ends with its exit status.
// Importing it runs it, which is how scripts/start.mjs does without a second process.

import { text } from 'node:stream/consumers';
import { startAdmin } from '../admin/admin.ts';
import { startTarget } from '../control/target.ts';
import { run } from './command-line.ts';

const status = await run(process.argv.slice(2), {
  environment: process.env,
  workingDirectory: process.cwd(),
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  readInput: () => text(process.stdin),
  startTarget,
  startAdmin,
});
process.exit(status);
