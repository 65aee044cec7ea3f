#!/usr/bin/env node
// The `lunaring` program: gives command-line.ts the process to work in, and ends with its exit status.
// Importing it runs it, which is how scripts/start.mjs does without a second process.

// Before the others, which take their time.
import './early-signals.ts';

import { text } from 'node:stream/consumers';
import { startAdmin } from '../admin/admin.ts';
import { startTarget } from '../control/target.ts';
import { flushed, whenUnread } from './broken-pipe.ts';
import { run } from './command-line.ts';
import { shedPrivileges } from './privileges.ts';
import { ExitCode } from './world.ts';

/** A target goes on whether or not somebody reads what it says; whatever else says something to nobody is done. */
let serving = false;
const endUnlessServing = (status?: ExitCode): void => {
  if (!serving) process.exit(status);
};
whenUnread(process.stdout, endUnlessServing, (fault) => {
  if (!serving) process.stderr.write(`standard output: ${fault.message}\n`);
  endUnlessServing(ExitCode.failed);
});
// What can't be said there can't be said anywhere; the exit status says what there was to say.
whenUnread(process.stderr, endUnlessServing, () => {});

const status = await run(process.argv.slice(2), {
  environment: process.env,
  workingDirectory: process.cwd(),
  print: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  readInput: () => text(process.stdin),
  startTarget: (settings, log) => {
    serving = true;
    // Before any worker is started: threads have what the one has that starts them.
    shedPrivileges(log);
    return startTarget(settings, log);
  },
  startAdmin,
});
// A write that fails is heard of only later, so the end waits for it; not after serving, when the reader may have stopped reading.
if (!serving) await flushed(process.stdout);
process.exit(status);
