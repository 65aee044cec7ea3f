#!/usr/bin/env node
// `npm run bench`: builds, then measures ours beside its peers. What follows `--` goes to bench/main.ts; `-- micro` runs the
// micro-benchmarks instead, `-- micro NAME` one of them. How to read the figures is in bench/README.md.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { buildIfStale, TOP } from './build.mjs';

/** Runs a program of dist/bench; its standard output is ours. */
function node(program, args) {
  const { status, error } = spawnSync(process.execPath, [`${TOP}/dist/bench/${program}`, ...args], {
    stdio: 'inherit',
  });
  if (error) throw error;
  return status ?? 1;
}

/** Runs the named micro-benchmarks, or all of them. */
function micro(names) {
  const built = readdirSync(`${TOP}/dist/bench/micro`).filter((file) => file.endsWith('.js'));
  const wanted = built.filter((file) => names.length === 0 || names.includes(file.slice(0, -'.js'.length)));
  return wanted.length === 0 ? 2 : Math.max(...wanted.map((file) => node(`micro/${file}`, [])));
}

buildIfStale();
const args = process.argv.slice(2);
process.exitCode = args[0] === 'micro' ? micro(args.slice(1)) : node('main.js', args);
