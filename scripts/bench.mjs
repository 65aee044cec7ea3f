#!/usr/bin/env node
// `npm run bench`: builds, then measures ours beside its peers. What follows `--` goes to bench/main.ts; `-- micro` runs the
// micro-benchmarks instead, `-- micro NAME` one of them. How to read the figures is in bench/README.md.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { buildIfStale, runBuilt, TOP } from './build.mjs';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Runs one in a process of its own, as V8 would make code for it of what it saw in others. A signal for this process is one for it. */
async function runMicro(name) {
  const child = spawn(process.execPath, [`${TOP}/dist/bench/micro/${name}.js`], { stdio: 'inherit' });
  const passOn = (signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, passOn);
  const [status] = await once(child, 'exit');
  for (const signal of SIGNALS) process.off(signal, passOn);
  return status ?? EXIT_FAILURE;
}

/** Runs the named micro-benchmarks, or all of them, until one fails. Returns the exit status. */
async function micro(names) {
  buildIfStale();
  const there = readdirSync(`${TOP}/dist/bench/micro`)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -'.js'.length));
  const list = `micro-benchmarks: ${there.join(', ')}\n`;
  if (names.includes('--help') || names.includes('-h')) {
    process.stdout.write(`usage: npm run bench -- micro [NAME ...]\n${list}`);
    return 0;
  }
  const unknown = names.filter((name) => !there.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`bench: there is no ${unknown.join(' and no ')} among the ${list}`);
    return EXIT_USAGE;
  }
  let status = 0;
  for (const name of names.length === 0 ? there : names) {
    status ||= await runMicro(name);
  }
  return status;
}

const args = process.argv.slice(2);
if (args[0] === 'micro') process.exitCode = await micro(args.slice(1));
else await runBuilt('bench/main.js');
