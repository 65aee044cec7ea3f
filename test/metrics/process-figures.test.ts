// CPU times as /proc has them, of this very process.

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuTimeOf, openDescriptors, threadCpu } from '../../src/metrics/process-figures.ts';
import { repositoryRoot } from '../support/repository.ts';
import { succeed } from '../support/run.ts';

describe('CPU time', () => {
  it('is read past a name that holds spaces and brackets', () => {
    const stat = '71 (a (b) c) R 1 2 3 4 5 6 7 8 9 10 1234 567 0 0 20 0 8 0 99';
    expect(cpuTimeOf(stat)).toEqual({ user: 12.34, system: 5.67 });
  });

  it('of a thread is what the process has used at most, and of no thread is nothing', () => {
    const own = threadCpu(process.pid);
    const { user, system } = process.cpuUsage();
    expect(own!.user + own!.system).toBeGreaterThan(0);
    expect(own!.user + own!.system).toBeLessThanOrEqual((user + system) / 1e6 + 0.02);
    expect(threadCpu(0)).toBeNull();
  });
});

describe('descriptors', () => {
  it('are counted, the one of the look itself left out', () => {
    const before = openDescriptors()!;
    const opened = openSync('/dev/null', 'r');
    expect(openDescriptors()).toBe(before + 1);
    closeSync(opened);
    expect(openDescriptors()).toBe(before);
  });

  it('that have run out leave figures untold, and break nothing', async () => {
    const figures = join(repositoryRoot(), 'dist/src/metrics/process-figures.js');
    const script = `
      import { openSync } from 'node:fs';
      import { openDescriptors, residentMemory, threadCpu } from ${JSON.stringify(figures)};
      const told = () => [openDescriptors(), residentMemory(), threadCpu(process.pid)].map((figure) => figure !== null);
      const before = told();
      try {
        for (;;) openSync('/dev/null');
      } catch {
        process.stdout.write(JSON.stringify([before, told()]));
      }`;
    const options = ['--nofile=64:64', process.execPath, '--input-type=module', '--eval', script];
    const { stdout } = await succeed('prlimit', options);
    expect(JSON.parse(stdout)).toEqual([
      [true, true, true],
      [false, false, false],
    ]);
  });
});
