// The benchmark stays alive: it runs, small, and what it writes is whole. What it measures here means nothing.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingClients } from '../support/clients.ts';
import { Daemon } from '../support/daemon.ts';
import { repositoryRoot } from '../support/repository.ts';
import { run, succeed } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';

const PROGRAM = join(repositoryRoot(), 'dist/bench/main.js');
/** What npm runs. */
const SCRIPT = join(repositoryRoot(), 'scripts/bench.mjs');

describe.skipIf(missingClients().length > 0)('npm run bench', () => {
  test('measures ours beside tgt, and writes what it found', async () => {
    using scratch = new Scratch('bench-test');
    const [json, html] = [scratch.file('result.json'), scratch.file('result.html')];
    const only = ['--cells', 'randread-4k-qd32', '--peers', 'lunaring-direct,tgt-aio', '--size', '16'];
    // What is set around it changes nothing, and a user's PATH lacks the place where tgtd is.
    const env = { LUNARING_ENGINE: 'uring', LUNARING_WORKERS: '2', PATH: '/usr/bin:/bin' };
    const told = ['--engine', 'posix', '--json', json, '--html', html];
    const { stdout } = await succeed(process.execPath, [PROGRAM, '--quick', ...only, ...told], { env });
    expect(stdout).toContain('lunaring-direct / tgt-aio');
    const { results, ratios, targets } = JSON.parse(readFileSync(json, 'utf8'));
    expect(results.map((series: { peer: string }) => series.peer)).toEqual(['lunaring-direct', 'tgt-aio']);
    for (const { median } of results) {
      expect(median.iops).toBeGreaterThan(0);
      expect(median.cpuUsPerIo).toBeGreaterThan(0);
      expect(median.p999Us).toBeGreaterThanOrEqual(median.p99Us);
    }
    expect(ratios).toHaveLength(1);
    expect(targets).toEqual({ 'lunaring-direct': 'engine posix, 1 worker(s)' });
    expect(readFileSync(html, 'utf8')).toContain('</html>');
  });

  test('has other eyes than fio: data digests, and sessions that are idle', async () => {
    using scratch = new Scratch('bench-test');
    const json = scratch.file('result.json');
    const only = ['--cells', 'raw-data-digest', '--peers', 'lunaring-memory', '--size', '16', '--idle', '20'];
    const small = ['--seconds', '1', '--rounds', '1', '--no-system-calls', '--json', json];
    await succeed(process.execPath, [PROGRAM, ...only, ...small]);
    const { results, manySessions } = JSON.parse(readFileSync(json, 'utf8'));
    expect(results[0].median.iops).toBeGreaterThan(0);
    expect(manySessions.idleSessions).toBe(20);
    expect(manySessions.busyAmong[0].iops).toBeGreaterThan(0);
  });

  test('says how it is used, and refuses what it does not know', async () => {
    expect((await run(process.execPath, [PROGRAM, '--help'])).stdout).toContain('--client-cpus');
    const refused = await run(process.execPath, [PROGRAM, '--quikc']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--quikc');
    const absent = await run(process.execPath, [PROGRAM, '--floor', '/nowhere/floor.c']);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain('/nowhere/floor.c');
    const unwritable = await run(process.execPath, [PROGRAM, '--quick', '--json', '/nowhere/result.json']);
    expect(unwritable.code).toBe(2);
    expect(unwritable.stderr).toContain('/nowhere/result.json');
  });

  test('what was measured is kept when something fails later', async () => {
    using scratch = new Scratch('bench-test');
    const json = scratch.file('result.json');
    const only = [
      '--cells',
      'randread-4k-qd32',
      '--peers',
      'disk-direct',
      '--size',
      '16',
      '--idle',
      '400',
      '--json',
      json,
    ];
    // Too few descriptors for so many sessions.
    const limited = ['--nofile=200:200', process.execPath, PROGRAM, '--quick', ...only];
    const { code, stderr } = await run('prlimit', limited);
    expect(stderr).toContain('400 idle sessions: ');
    expect(code).toBe(1);
    const { results, manySessions } = JSON.parse(readFileSync(json, 'utf8'));
    expect(results[0].median.iops).toBeGreaterThan(0);
    expect(manySessions).toBeNull();
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('interrupted by %s it leaves no disk behind', async (signal) => {
    using scratch = new Scratch('bench-test');
    const only = ['--cells', 'randread-4k-qd32', '--peers', 'disk-direct', '--size', '16', '--directory', scratch.path];
    const command = [process.execPath, SCRIPT, '--quick', ...only];
    const bench = await Daemon.start(command, { ready: (output) => output.includes('time  ') });
    expect(readdirSync(scratch.path)).toHaveLength(1);
    process.kill(bench.pid, signal);
    await expect.poll(() => bench.running, { timeout: 20_000 }).toBe(false);
    expect(bench.ending).toBe('exit status 1');
    expect(readdirSync(scratch.path)).toEqual([]);
  });
});
