// Brings node_modules and dist/ up to date, and does nothing where they are. The other scripts begin with it.
// Needs nothing but Node and npm.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's top. */
export const TOP = resolve(fileURLToPath(import.meta.url), '../..');

/** Runs a command at the top; its output goes to standard error, so that standard output stays the program's. */
export function run(command, ...parameters) {
  const { status, error } = spawnSync(command, parameters, { cwd: TOP, stdio: ['ignore', 2, 2] });
  if (error) throw error;
  return status ?? 1;
}

/** Runs a command that the rest depends on. When it fails the process ends with 1, and `lastLine` on standard output. */
function require(lastLine, command, ...parameters) {
  const status = run(command, ...parameters);
  if (status === 0) return;
  process.stderr.write(`failed with status ${status}: ${command} ${parameters.join(' ')}\n`);
  process.stdout.write(lastLine);
  process.exit(1);
}

/** When a file was last changed; 0 when there is none. */
function changed(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

/** When the newest file below a folder was changed. A folder's own time tells of files that went away. */
function newest(folder) {
  let latest = changed(folder);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    latest = Math.max(latest, entry.isDirectory() ? newest(path) : changed(path));
  }
  return latest;
}

/** `npm ci`, when node_modules is missing or older than the lock file. See {@link require} for `lastLine`. */
export function installIfStale(lastLine = '') {
  const installed = changed(`${TOP}/node_modules/.package-lock.json`);
  if (installed === 0 || installed < changed(`${TOP}/package-lock.json`)) require(lastLine, 'npm', 'ci');
}

/** Installs if needed, and compiles when dist/ is missing or older than what it is made of. */
export function buildIfStale(lastLine = '') {
  installIfStale(lastLine);
  const stamp = `${TOP}/dist/.built`;
  // bench/, fuzzer, faults and simulator are compiled with what they use of test/support.
  const folders = ['src', 'workers', 'bench', 'docs/examples', 'test/support', 'test/fuzz', 'test/faults', 'test/sim'];
  const sources = folders.map((folder) => newest(`${TOP}/${folder}`));
  const latest = Math.max(...sources, changed(`${TOP}/tsconfig.json`), changed(`${TOP}/package-lock.json`));
  if (changed(stamp) <= latest) build(lastLine);
}

/**
 * The data path, and what measures it alone. V8 knows what a constant or a function of the same module is; imported ones it loads and looks
 * at wherever they are used, which makes the data path's machine code a third longer.
 */
const ONE_MODULE = ['workers/io-worker', 'bench/micro/command'];

/** Compiles. See {@link require} for `lastLine`. */
function build(lastLine = '') {
  const stamp = `${TOP}/dist/.built`;
  const begun = new Date();
  require(lastLine, 'node_modules/.bin/tsc', '-p', 'tsconfig.json');
  for (const program of ONE_MODULE) bundle(program, lastLine);
  // The live page's files are served as they are: they go beside the code that reads them.
  cpSync(`${TOP}/src/admin/page`, `${TOP}/dist/src/admin/page`, { recursive: true });
  prune();
  // As old as the build's beginning: what changes while it runs is built the next time.
  writeFileSync(stamp, '');
  utimesSync(stamp, begun, begun);
}

/** Puts a program and all that it imports of ours into one module. */
function bundle(program, lastLine) {
  const target = ['--file', `dist/${program}.js`, '--platform', 'node', '--sourcemap', '--logLevel', 'warn'];
  const others = ['@node-rs/crc32', 'tinybench'].flatMap((name) => ['--external', name]);
  require(lastLine, 'node_modules/.bin/rolldown', `${program}.ts`, ...target, ...others);
}

/** Below `top`, removes from dist/ what was made of sources that have gone: it would still run, and go into a package. */
export function prune(top = TOP, folder = '') {
  for (const entry of readdirSync(`${top}/dist/${folder}`, { withFileTypes: true })) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory() && existsSync(`${top}/${path}`)) prune(top, `${path}/`);
    // What lies at the top of dist/ is the compiler's and this script's own.
    else if (entry.isDirectory() || (folder !== '' && !hasSource(`${top}/${path}`))) {
      rmSync(`${top}/dist/${path}`, { recursive: true });
    }
  }
}

/** Whether a file was compiled from one that is there, or is a copy of it. */
function hasSource(path) {
  return existsSync(path) || existsSync(path.replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts'));
}

/** Builds if needed, and runs a program of dist/ with this script's arguments: in this very process, so that signals and the exit status need nobody to pass them on. */
export async function runBuilt(program) {
  buildIfStale();
  process.argv[1] = `${TOP}/dist/${program}`;
  await import(process.argv[1]);
}

// `npm run build`.
if (process.argv[1] === fileURLToPath(import.meta.url)) build();
