// CPU times as /proc has them, of this very process.

import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpuTimeOf, openDescriptors, threadCpu } from '../../src/metrics/process-figures.ts';

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
    const before = openDescriptors();
    const opened = openSync('/dev/null', 'r');
    expect(openDescriptors()).toBe(before + 1);
    closeSync(opened);
    expect(openDescriptors()).toBe(before);
  });
});
