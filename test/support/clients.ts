// The real initiators' command-line tools, each run once under a time limit and read for what it said.
// They hang when a target misbehaves, so none runs without a limit. fio has a file of its own.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findFio } from './fio.ts';
import { findGuest } from './linux-guest.ts';
import { type Outcome, run, succeed } from './run.ts';

const TOOL_LIMIT_SECONDS = 100;

/** Whether `program` is on PATH. */
function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const TOOLS = ['iscsi-ls', 'iscsi-inq', 'iscsi-readcapacity16', 'iscsi-perf', 'iscsi-test-cu', 'qemu-img'] as const;

/** What of the real initiators this machine lacks. In CI that is an error; elsewhere the tests that need them are left out. */
export function missingClients(): readonly string[] {
  const missing: string[] = TOOLS.filter((tool) => !onPath(tool));
  if (findFio() === null) missing.push('fio with the libiscsi engine');
  return notInCi(missing);
}

/** The same of what runs initiators that want a machine of their own. */
export function missingMachines(): readonly string[] {
  const missing = onPath('qemu-system-x86_64') ? [] : ['qemu-system-x86_64'];
  if (findGuest() === null) missing.push("a guest with Linux's initiator");
  return notInCi(missing);
}

function notInCi(missing: readonly string[]): readonly string[] {
  if (missing.length > 0 && process.env['CI'] === 'true') {
    throw new Error(`missing: ${missing.join(', ')}; scripts/setup-clients.mjs installs them`);
  }
  return missing;
}

/** A line of iscsi-ls. */
export interface ListedTarget {
  readonly name: string;
  /** `address:port,tag`. */
  readonly portal: string;
  readonly luns: readonly string[];
}

/** iscsi-ls: discovers the targets of a portal, and with `withLuns` logs in to each and asks for its units. */
export async function iscsiLs(portal: string, withLuns = false): Promise<ListedTarget[]> {
  const options = withLuns ? ['--show-luns'] : [];
  const { stdout } = await succeed('iscsi-ls', [...options, `iscsi://${portal}`], {
    limitSeconds: TOOL_LIMIT_SECONDS,
  });
  const targets: { name: string; portal: string; luns: string[] }[] = [];
  for (const line of stdout.split('\n')) {
    const target = /^Target:(\S+) Portal:(\S+)$/.exec(line);
    if (target !== null) targets.push({ name: target[1]!, portal: target[2]!, luns: [] });
    else if (line.startsWith('Lun:')) targets.at(-1)!.luns.push(line.replace(/\s+/g, ' ').trim());
  }
  return targets;
}

/** iscsi-inq: the standard data, or a vital product data page; field names and values as printed. */
export async function iscsiInq(url: string, page?: number): Promise<ReadonlyMap<string, string>> {
  const options = page === undefined ? [] : ['-e', '1', '-c', String(page)];
  const { stdout } = await succeed('iscsi-inq', [...options, url], { limitSeconds: TOOL_LIMIT_SECONDS });
  return fields(stdout);
}

/** iscsi-readcapacity16: field names and values as printed. */
export async function iscsiReadCapacity16(url: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await succeed('iscsi-readcapacity16', [url], { limitSeconds: TOOL_LIMIT_SECONDS });
  return fields(stdout);
}

/** Lines of `name:value`; a name that comes again keeps its first value. */
function fields(stdout: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !found.has(line.slice(0, colon))) found.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return found;
}

export interface PerfOptions {
  readonly depth: number;
  /** Logical blocks of each READ. */
  readonly blocks: number;
  readonly seconds: number;
  readonly random?: boolean;
  /** As `taskset -c` takes them. */
  readonly cpus?: string | undefined;
}

/** iscsi-perf: reads for some seconds; I/Os per second on average. Throws when a READ fails. */
export async function iscsiPerf(url: string, options: PerfOptions): Promise<number> {
  const { depth, blocks, seconds, random = false, cpus } = options;
  const args = ['-m', String(depth), '-b', String(blocks), '-t', String(seconds), ...(random ? ['-r'] : []), url];
  const { stdout } = await succeed('iscsi-perf', args, { limitSeconds: seconds + TOOL_LIMIT_SECONDS, cpus });
  const average = [...stdout.matchAll(/iops average (\d+)/g)].at(-1);
  if (average === undefined) throw new Error(`iscsi-perf measured nothing\n${stdout}`);
  return Number(average[1]);
}

/** What became of one test of iscsi-test-cu; `empty`: it ended well without having asserted anything. */
export type CuVerdict = 'passed' | 'skipped' | 'empty' | 'failed';

export interface CuReport {
  readonly verdict: CuVerdict;
  /** Why it was skipped, or everything it printed. */
  readonly detail: string;
}

export interface CuOptions {
  /** Another way to the unit, for the tests of multipath I/O. */
  readonly secondUrl?: string | undefined;
  /** A permission that is not given. */
  readonly withheld?: string | undefined;
}

/**
 * One test of iscsi-test-cu, in a process of its own. CUnit counts a skipped test as passed, and one that it does not know, or that
 * asserted nothing, as no failure: they are told apart here.
 */
export async function iscsiTestCu(test: string, url: string, options: CuOptions = {}): Promise<CuReport> {
  const { secondUrl, withheld } = options;
  const urls = secondUrl === undefined ? [url] : [url, secondUrl];
  const permissions = ['--dataloss', '--allow-sanitize'].filter((permission) => permission !== withheld);
  const args = [...permissions, '--Verbose-scsi', '--test', test, ...urls];
  const outcome = await run('iscsi-test-cu', args, { limitSeconds: TOOL_LIMIT_SECONDS });
  return judge(outcome);
}

/** The names of all tests, as `Family.Test`. */
export async function listCuTests(): Promise<ReadonlySet<string>> {
  const { stdout } = await succeed('iscsi-test-cu', ['--list'], { limitSeconds: TOOL_LIMIT_SECONDS });
  // Every test is in the suite ALL, and again in that of its kind.
  return new Set([...stdout.matchAll(/^\s*ALL\.(\w+\.\S+)$/gm)].map(([, name]) => name!));
}

function judge(outcome: Outcome): CuReport {
  const output = `${outcome.stdout}${outcome.stderr}`;
  if (outcome.timedOut) return { verdict: 'failed', detail: `ran out of time\n${output}` };
  // Total, ran, passed, failed.
  const tests = /^\s+tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/m.exec(output);
  const asserts = /^\s+asserts\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/m.exec(output);
  const ranOne = tests?.[2] === '1' && tests[3] === '1';
  if (outcome.code !== 0 || !ranOne || asserts?.[4] !== '0') return { verdict: 'failed', detail: output };
  // What it says before and after concerns the tool's own preparations.
  const own = /^\s+Test: [\s\S]*?^(?:passed|FAILED)/m.exec(output)?.[0] ?? output;
  const skipped = /\[SKIPPED\]\s*(.*)/.exec(own);
  if (skipped !== null) return { verdict: 'skipped', detail: skipped[1]! };
  // Some say that all is well, and assert only that it is not.
  const empty = asserts[2] === '0' && !own.includes('[SUCCESS]');
  return { verdict: empty ? 'empty' : 'passed', detail: output };
}

/** qemu-img, with any arguments. */
export async function qemuImg(...args: string[]): Promise<string> {
  return (await succeed('qemu-img', args, { limitSeconds: TOOL_LIMIT_SECONDS })).stdout;
}
