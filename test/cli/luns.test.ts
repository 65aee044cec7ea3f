import { describe, expect, test } from 'vitest';
import { describeLun, formatLimits, unitTable } from '../../src/cli/luns.ts';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { FakeWorld } from './fake-world.ts';

const UNIT = {
  lun: 0,
  backend: 'file' as const,
  path: '/srv/a.img',
  bytes: 20 * 1024 ** 3,
  blockSize: 512,
  readOnly: false,
  removable: false,
  serial: 'S1',
  naa: '3000000000000001',
  limits: null,
  lostWrites: null,
};

describe('units', () => {
  test('are a table', () => {
    const memory = { ...UNIT, lun: 12, backend: 'memory' as const, path: '', bytes: 64 * 1024 ** 2, readOnly: true };
    const limited = { ...memory, limits: { iops: 500, bandwidth: 8 * 1024 ** 2, burstMs: 100 } };
    expect(unitTable([UNIT, limited])).toBe(
      [
        '  LUN      size  block  stored in   limits',
        '    0  20.0 GiB    512  /srv/a.img  -',
        '   12  64.0 MiB    512  memory      500 IO/s, 8.00 MiB/s, burst 100 ms  read-only',
        '',
      ].join('\n'),
    );
  });

  test('that may have lost writes say so', () => {
    expect(unitTable([{ ...UNIT, lostWrites: 'EIO', removable: true }])).toMatch(/-\s+removable, lost writes\n/);
  });

  test('with long paths fit a terminal', () => {
    const text = unitTable([{ ...UNIT, path: `/srv/${'long/'.repeat(60)}a.img`, removable: true }]);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
    expect(text).toMatch(/\/srv\/long\/.*….*\/a\.img/);
  });

  test('limits are said as far as there are any', () => {
    expect(formatLimits(null)).toBe('');
    expect(formatLimits({ burstMs: 100 })).toBe('');
    expect(formatLimits({ bandwidth: 1024 ** 3, burstMs: 10 })).toBe('1.00 GiB/s, burst 10 ms');
  });

  test('are described as in a configuration: what is not said is left out, paths are absolute', () => {
    const world = new FakeWorld({}, '/home/op');
    expect(describeLun(1, 'b.img', { direct: true }, world)).toEqual({ lun: 1, path: '/home/op/b.img' });
    expect(describeLun(2, '/dev/sdb', { direct: false, readOnly: true, iops: 9, burstMs: 50 }, world)).toEqual({
      lun: 2,
      path: '/dev/sdb',
      direct: false,
      readOnly: true,
      limits: { iops: 9, burstMs: 50 },
    });
    expect(describeLun(3, undefined, { backend: 'memory', size: '1GiB', atomicWrites: true }, world)).toEqual({
      lun: 3,
      backend: 'memory',
      size: '1GiB',
      atomicWrites: true,
    });
  });
});
