// Figures of a target that is being used: they agree with what fio says that it did, and Prometheus' own tool reads them.
// What the text is made of is test/metrics'.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { collect, type MetricsSource } from '../../src/metrics/collect.ts';
import { Format } from '../../src/metrics/exposition.ts';
import { LoopDelay } from '../../src/metrics/loop-delay.ts';
import { WorkerCpu } from '../../src/metrics/worker-cpu.ts';
import { missingClients } from '../support/clients.ts';
import { Samples } from '../support/exposition-reader.ts';
import { fio } from '../support/fio.ts';
import { checkMetrics, promtoolMissing } from '../support/promtool.ts';
import { TargetInProcess } from '../support/target-in-process.ts';
import { TARGET_NAME } from '../support/target-process.ts';

const SIZE = 32 * MIB;
const MISSING = missingClients().length > 0 || promtoolMissing();

describe.skipIf(MISSING).each(['uring', 'posix'] as const)('metrics on %s', (engine) => {
  let target: TargetInProcess;
  let source: MetricsSource;

  beforeAll(async () => {
    const luns = [
      { lun: 0, backend: 'memory' as const, size: SIZE },
      { lun: 1, backend: 'file' as const, path: 'disk.img', size: SIZE, direct: false },
    ];
    target = await TargetInProcess.start(
      { targets: [{ name: TARGET_NAME, luns }] },
      {
        alter: (settings) => ({ ...settings, tuning: { ...settings.tuning, engine, workers: 2 } }),
      },
    );
    const about = { version: 'test', engine, startedAt: new Date() };
    source = { readings: target.readings, loopDelay: new LoopDelay(), workerCpu: new WorkerCpu(), ...about };
  });

  afterAll(async () => {
    source?.loopDelay[Symbol.dispose]();
    await target?.[Symbol.asyncDispose]();
  });

  const scrape = (format: Format = Format.openMetrics) => [...collect(source, format)].join('');
  const url = (lun: number) => `iscsi://127.0.0.1:${target.port}/${TARGET_NAME}/${lun}`;

  test.each([
    ['reads', 'randread', 4 * KIB, 0],
    ['reads', 'read', 128 * KIB, 1],
    ['writes', 'write', 512 * KIB, 1],
  ] as const)('%s of fio (%s, %i bytes) on LUN %i are counted, every one', async (_, rw, blockSize, lun) => {
    const operation = rw === 'write' ? 'write' : 'read';
    const before = new Samples(scrape());
    const options = { size: 16 * MIB, number_ios: 400 };
    const result = await fio({ url: url(lun), rw, blockSize, depth: 8, options });
    const after = new Samples(scrape());
    const grown = (name: string, ...parts: string[]) => after.sum(name, ...parts) - before.sum(name, ...parts);
    const { ios } = operation === 'write' ? result.write : result.read;
    expect(result.errors).toBe(0);
    expect(ios).toBeGreaterThan(20);
    const of = [`lun="${lun}"`, `operation="${operation}"`];
    expect(grown('lunaring_lun_commands_total', ...of)).toBe(ios);
    expect(grown('lunaring_lun_bytes_total', ...of)).toBe(ios * blockSize);
    expect(grown('lunaring_lun_latency_seconds_count', ...of)).toBe(ios);
    expect(grown('lunaring_worker_commands_total', of[1]!)).toBe(ios);
    expect(grown('lunaring_worker_bytes_total', of[1]!)).toBe(ios * blockSize);
    expect(grown('lunaring_worker_latency_seconds_count', of[1]!)).toBe(ios);
    // Commands beside fio's: those that libiscsi sends when it connects.
    expect(grown('lunaring_lun_stage_seconds_count', of[0]!, 'stage="queue"')).toBeGreaterThanOrEqual(ios);
    expect(grown('lunaring_lun_stage_seconds_count', of[0]!, 'stage="device"')).toBeGreaterThanOrEqual(ios);
    const bursts = grown('lunaring_lun_stage_seconds_count', of[0]!, 'stage="network"');
    expect(grown('lunaring_lun_r2ts_total', of[0]!)).toBe(bursts);
    // FirstBurstLength lets a part come unasked, and no more.
    expect(bursts > 0).toBe(operation === 'write');
    expect(grown('lunaring_logins_total', 'status="0000"')).toBeGreaterThan(0);
    expect(after.sum('lunaring_lun_in_flight')).toBe(0);
  });

  test('a scrape under load is well formed, and knows the session and the threads that serve it', async () => {
    const options = { time_based: 1, runtime: 200, norandommap: 1, size: 16 * MIB };
    const job = { url: url(0), rw: 'randrw', blockSize: 4 * KIB, depth: 32, options } as const;
    // As long as it takes to see it.
    const enough = new AbortController();
    const load = fio(job, { limitSeconds: 240, stop: enough.signal });
    let samples: Samples;
    do {
      await new Promise((resolve) => setTimeout(resolve, 50));
      checkMetrics(scrape(Format.text));
      samples = new Samples(scrape());
    } while (samples.sum('lunaring_sessions') === 0 || samples.sum('lunaring_initiator_commands_total') < 100);
    expect(
      samples.sum('lunaring_initiator_commands_total', `target="${TARGET_NAME}"`, 'initiator="iqn.'),
    ).toBeGreaterThan(0);
    expect(samples.sum('lunaring_worker_sessions')).toBe(1);
    enough.abort();
    expect((await load).errors).toBe(0);
    samples = new Samples(scrape());
    for (const thread of ['main', 'worker-0', 'worker-1']) {
      expect(samples.sum('lunaring_thread_cpu_seconds_total', `thread="${thread}"`)).toBeGreaterThan(0);
    }
    expect(samples.sum('lunaring_worker_up')).toBe(2);
    expect(samples.sum('lunaring_worker_slab_bytes')).toBeGreaterThan(0);
  });
});
