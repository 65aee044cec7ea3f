#!/usr/bin/env node
// npm run bench: builds, then runs the benchmark with the arguments given. What it measures is in bench/.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

run('npm', ['run', '--silent', 'build']);
run(process.execPath, [join(root, 'dist/bench/main.js'), ...process.argv.slice(2)]);
