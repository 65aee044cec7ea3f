// fio writes patterns at every size and depth, and reads them back with a checksum in each block.
// How fast that goes is for bench/ to say.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { missingClients } from '../support/clients.ts';
import { fio } from '../support/fio.ts';
import type { TargetProcess } from '../support/target-process.ts';
import { Lun, MAIN_SETTING, startTarget } from './configurations.ts';

/** Each job writes this much, every block once, in random order. */
const JOB_BYTES = 16 * MIB;

const VERIFY = { size: JOB_BYTES, verify: 'crc32c', do_verify: 1, verify_fatal: 1, randseed: 1 };

const JOBS = [4, 16, 64, 256, 1024].flatMap((kib) =>
  [1, 8, 32].flatMap((depth) =>
    [Lun.FILE, Lun.MEMORY].map((lun) => ({
      blockSize: kib * KIB,
      depth,
      unit: lun === Lun.FILE ? 'file' : 'memory',
      lun,
    })),
  ),
);

describe.skipIf(missingClients().length > 0)('fio', () => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await startTarget(MAIN_SETTING);
  });
  afterAll(() => target.stop());

  test.each(JOBS)('what was written is read: $unit unit, $blockSize bytes at depth $depth', async (job) => {
    const { blockSize, depth } = job;
    const result = await fio({ url: target.url(job.lun), rw: 'randwrite', blockSize, depth, options: VERIFY });
    expect(result.errors).toBe(0);
    expect(result.write.ios).toBe(JOB_BYTES / blockSize);
    expect(result.read.ios).toBe(JOB_BYTES / blockSize);
  });

  test('reads and writes of mixed sizes do not get into each other', async () => {
    const options = { ...VERIFY, bsrange: '4k-512k', rwmixread: 40 };
    const job = { url: target.url(Lun.FILE), rw: 'randrw', blockSize: 4 * KIB, depth: 16, options } as const;
    expect((await fio(job)).errors).toBe(0);
  });

  test('four sessions at once each read what they wrote', async () => {
    const jobs = [0, 1, 2, 3].map((session) =>
      fio({
        url: target.url(Lun.FILE),
        rw: 'randwrite',
        blockSize: 64 * KIB,
        depth: 8,
        options: { ...VERIFY, size: 8 * MIB, offset: session * 8 * MIB, randseed: session + 1 },
      }),
    );
    for (const result of await Promise.all(jobs)) expect(result.errors).toBe(0);
    // libiscsi connects again without a word: a connection that is lost would not be seen otherwise.
    expect(target.log).not.toMatch(/connection lost|data digest|rejected a PDU/);
  });
});
