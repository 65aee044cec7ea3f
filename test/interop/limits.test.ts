// Limits under fio: what passes in the time that fio took is no more than what is allowed, over two workers, on either engine.
// That it is no less is for a simulated clock to say: test/ring/meters.test.ts and test/scsi/pacer.test.ts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { missingClients } from '../support/clients.ts';
import { fio } from '../support/fio.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const IOPS = 500;
const BANDWIDTH = 8 * MIB;
const BURST_MS = 200;
const SECONDS = 2;
const UNIT = { backend: 'memory' as const, size: 64 * MIB };
const Lun = { IOPS: 0, BANDWIDTH: 1, FREE: 2 } as const;
const INITIATORS = 'iqn.2026-11.io.lunaring:initiators';

/** Allowed within `milliseconds`, with what was saved up. */
function allowed(perSecond: number, milliseconds: number): number {
  return Math.ceil((perSecond * (milliseconds + BURST_MS)) / 1000);
}

const jobOptions = { time_based: 1, runtime: SECONDS, norandommap: 1, size: 32 * MIB };

describe.skipIf(missingClients().length > 0).each(['uring', 'posix'] as const)('limits on %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    const luns = [
      { lun: Lun.IOPS, ...UNIT, limits: { iops: IOPS, burstMs: BURST_MS } },
      { lun: Lun.BANDWIDTH, ...UNIT, limits: { bandwidth: BANDWIDTH, burstMs: BURST_MS } },
      { lun: Lun.FREE, ...UNIT },
    ];
    target = await TargetProcess.start({
      targets: [
        { name: TARGET_NAME, luns },
        {
          name: INITIATORS,
          initiatorLimits: [{ initiators: ['*'], iops: IOPS, burstMs: BURST_MS }],
          luns: [
            { lun: 0, ...UNIT },
            { lun: 1, ...UNIT },
          ],
        },
      ],
      tuning: { engine, workers: 2 },
    });
  });
  afterAll(() => target.stop());

  test('two sessions at one unit share its I/Os per second', async () => {
    const job = {
      url: target.url(Lun.IOPS),
      rw: 'randread',
      blockSize: 4 * KIB,
      depth: 32,
      options: jobOptions,
    } as const;
    const before = performance.now();
    const results = await Promise.all([fio(job), fio(job)]);
    const milliseconds = performance.now() - before;
    const ios = results.reduce((sum, { read }) => sum + read.ios, 0);
    expect(ios).toBeGreaterThan(0);
    expect(ios).toBeLessThanOrEqual(allowed(IOPS, milliseconds));
  });

  test('large writes are held to bytes per second', async () => {
    const job = {
      url: target.url(Lun.BANDWIDTH),
      rw: 'write',
      blockSize: 256 * KIB,
      depth: 4,
      options: jobOptions,
    } as const;
    const before = performance.now();
    const { write, errors } = await fio(job);
    const milliseconds = performance.now() - before;
    expect(errors).toBe(0);
    expect(write.ios).toBeGreaterThan(0);
    expect(write.ios * 256 * KIB).toBeLessThanOrEqual(allowed(BANDWIDTH, milliseconds) + 256 * KIB);
  });

  test('an initiator is held to its own at all units together, with all its sessions', async () => {
    const job = (lun: number) =>
      fio({ url: target.url(lun, INITIATORS), rw: 'randwrite', blockSize: 4 * KIB, depth: 16, options: jobOptions });
    const before = performance.now();
    const results = await Promise.all([job(0), job(1)]);
    const milliseconds = performance.now() - before;
    const ios = results.reduce((sum, { write }) => sum + write.ios, 0);
    expect(ios).toBeGreaterThan(0);
    expect(ios).toBeLessThanOrEqual(allowed(IOPS, milliseconds));
  });

  test('a unit without limits beside them has none', async () => {
    const job = {
      url: target.url(Lun.FREE),
      rw: 'randread',
      blockSize: 4 * KIB,
      depth: 32,
      options: { ...jobOptions, time_based: 0, runtime: 100 },
    } as const;
    const limited = fio({ ...job, url: target.url(Lun.IOPS), options: jobOptions });
    const free = await fio(job);
    await limited;
    expect(free.read.ios).toBe((32 * MIB) / (4 * KIB));
  });

  test('data are right under limits', async () => {
    const options = { size: 2 * MIB, verify: 'crc32c', do_verify: 1, verify_fatal: 1, randseed: 1 };
    const result = await fio({
      url: target.url(Lun.BANDWIDTH),
      rw: 'randwrite',
      blockSize: 64 * KIB,
      depth: 8,
      options,
    });
    expect(result.errors).toBe(0);
    expect(result.read.ios).toBe(32);
  });
});
