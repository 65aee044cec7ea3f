// The choice of engine, on whatever machine this is: what it says must be so.

import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { probeEngine } from '../../src/engine/choose.ts';
import { Uring } from '../../src/kernel/uring.ts';

function uringWorks(): boolean {
  try {
    new Uring(8).close();
    return true;
  } catch {
    return false;
  }
}

describe('probeEngine', () => {
  it('takes io_uring where there is one, and says why not where there is none', () => {
    const choice = probeEngine('auto');
    expect(choice.engine).toBe(uringWorks() ? 'uring' : 'posix');
    expect(choice.asWished).toBe(true);
    expect(choice.reason).toMatch(uringWorks() ? /^io_uring: Linux \d+\.\d+.*, \w+, provided buffer/ : /^posix: \S.*/);
    expect(choice.reason).not.toContain('\n');
    if (uringWorks()) expect(choice.remedy).toBe('');
    else expect(choice.reason).toContain(choice.remedy);
  });

  it('falls back from a wish for io_uring, and says that it did', () => {
    expect(probeEngine('uring')).toMatchObject({ asWished: uringWorks() });
  });

  it('takes posix when that is asked for', () => {
    expect(probeEngine('posix')).toEqual({
      engine: 'posix',
      reason: 'posix, as configured',
      remedy: '',
      asWished: true,
    });
  });

  it('leaves no descriptor behind', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let count = 0; count < 5; count++) probeEngine('auto');
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before);
  });
});
