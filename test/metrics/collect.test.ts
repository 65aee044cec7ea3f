// All metrics of a target that is made up: every one is told, hostile names do no harm, and the text does not grow without bound.

import { describe, expect, it, vi } from 'vitest';
import type { Readings } from '../../src/control/readings.ts';
import { collect, SESSIONS_LISTED_MAX } from '../../src/metrics/collect.ts';
import { Format } from '../../src/metrics/exposition.ts';
import { LoopDelay } from '../../src/metrics/loop-delay.ts';
import { METRICS, sampleNames } from '../../src/metrics/metrics.ts';
import { WorkerCpu } from '../../src/metrics/worker-cpu.ts';
import { COUNTERS_PER_BLOCK, Counter } from '../../src/ring/counters.ts';
import { Figure, privateFigures } from '../../src/ring/figures.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { Samples } from '../support/exposition-reader.ts';
import { checkMetrics, promtoolMissing } from '../support/promtool.ts';

const TARGET = 'iqn.2026-11.io.lunaring:disk0';
const HOSTILE = 'iqn.x:"} 1\n# EOF\n\\<img src=x onerror=alert(1)>';

function blockOf(values: Readonly<Record<number, number>>): Float64Array {
  const block = privateFigures();
  for (const [index, value] of Object.entries(values)) block[Number(index)] = value;
  return block;
}

const UNIT = blockOf({
  [Figure.reads]: 3,
  [Figure.readMicros]: 700,
  [Figure.readLatency + 8]: 3,
  [Figure.writes]: 2,
  [Figure.bytesWritten]: 8192,
  [Figure.deviceLatency]: 5,
  [Figure.senseKeys + SenseKey.MEDIUM_ERROR]: 1,
  [Figure.taskSetFull]: 4,
});

function source(sessions = 1): Parameters<typeof collect>[0] {
  const counters = new Float64Array(COUNTERS_PER_BLOCK);
  counters[Counter.threadId] = process.pid;
  counters[Counter.taskManagement + 5] = 6;
  counters[Counter.digestErrors] = 7;
  counters[Counter.snacks + 1] = 9;
  const readings = {
    draining: true,
    refusalCount: 2,
    sessionCount: sessions,
    logins: new Map([
      ['0000', 9],
      ['0203', 2],
    ]),
    targets: () => [{ name: TARGET, state: 'online', sessions, connections: sessions }],
    units: () => [{ id: 1, targetName: TARGET, lun: 3, bytes: 4096, lostWrites: false, figures: UNIT }],
    sessions: () =>
      Array.from({ length: sessions }, (_, index) => ({
        targetName: TARGET,
        initiatorName: HOSTILE,
        initiatorAlias: '',
        tsih: index + 1,
        worker: 0,
        since: new Date(0),
        peers: ['127.0.0.1:1'],
        figures: UNIT,
      })),
    workers: () => [{ worker: 0, running: true, restarts: 1, channel: { out: 12, in: 0 }, counters }],
    unitTotals: () => [UNIT],
  } satisfies { [Name in keyof Readings]: unknown };
  const about = { version: '1.2.3', engine: 'uring', startedAt: new Date(1000) };
  return {
    readings: readings as unknown as Readings,
    loopDelay: new LoopDelay(),
    workerCpu: new WorkerCpu(),
    ...about,
  };
}

function text(format: Format, sessions?: number): string {
  const from = source(sessions);
  using _ = from.loopDelay;
  return [...collect(from, format)].join('');
}

describe('The metrics', () => {
  it('are all told, each under its own name', () => {
    const { names } = new Samples(text(Format.openMetrics));
    const expected = Object.values(METRICS).flatMap(sampleNames);
    expect([...names].sort()).toEqual([...expected].sort());
  });

  it('have the labels that the table says', () => {
    const written = text(Format.text);
    for (const metric of Object.values(METRICS)) {
      const [name] = sampleNames(metric);
      const line = written.split('\n').find((each) => each.startsWith(`${name}{`) || each.startsWith(`${name} `))!;
      const given = [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label!).filter((label) => label !== 'le');
      expect(given, name).toEqual([...metric.labels]);
    }
  });

  it('are what the blocks say', () => {
    const samples = new Samples(text(Format.openMetrics));
    expect(samples.sum('lunaring_lun_commands_total', 'lun="3"', 'operation="read"')).toBe(3);
    expect(samples.sum('lunaring_lun_bytes_total', 'operation="write"')).toBe(8192);
    expect(samples.sum('lunaring_lun_errors_total', 'error="medium error"')).toBe(1);
    expect(samples.sum('lunaring_lun_errors_total', 'error="task set full"')).toBe(4);
    expect(samples.sum('lunaring_lun_latency_seconds_sum', 'operation="read"')).toBe(0.0007);
    expect(samples.sum('lunaring_lun_latency_seconds_bucket', 'operation="read"', 'le="0.000128"')).toBe(0);
    expect(samples.sum('lunaring_lun_latency_seconds_bucket', 'operation="read"', 'le="0.000256"')).toBe(3);
    expect(samples.sum('lunaring_lun_stage_seconds_count', 'stage="device"')).toBe(5);
    expect(samples.sum('lunaring_worker_stage_seconds_count', 'stage="device"')).toBe(5);
    expect(samples.sum('lunaring_worker_task_management_total', 'function="logical unit reset"')).toBe(6);
    expect(samples.sum('lunaring_worker_digest_errors_total', 'digest="data"')).toBe(7);
    expect(samples.sum('lunaring_worker_snacks_total', 'type="status"')).toBe(9);
    expect(samples.sum('lunaring_logins_total', 'status="0203"', 'name="TargetNotFound"')).toBe(2);
    expect(samples.sum('lunaring_draining')).toBe(1);
    expect(samples.sum('lunaring_thread_cpu_seconds_total', 'thread="worker-0"')).toBeGreaterThan(0);
  });

  it('leave out what can’t be read, and tell the rest', () => {
    const full = new Samples(text(Format.text)).names;
    vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
      throw new Error('EMFILE: too many open files, uv_resident_set_memory');
    });
    const { names } = new Samples(text(Format.text));
    vi.restoreAllMocks();
    expect([...full].filter((name) => !names.has(name))).toEqual(['lunaring_process_resident_memory_bytes']);
  });

  it('keep a name that wants to be more than a name inside its label', () => {
    const written = text(Format.openMetrics);
    expect(written.match(/# EOF/g)?.length).toBeGreaterThan(1);
    expect(written.split('\n').filter((line) => line.startsWith('# EOF'))).toEqual(['# EOF']);
    expect(written.endsWith('\n# EOF\n')).toBe(true);
    const odd = written
      .split('\n')
      .filter((line) => line !== '' && !/^(# (HELP|TYPE|EOF)|lunaring_\w+(\{.*\})? [\d.e+-]+$)/.test(line));
    expect(odd).toEqual([]);
  });

  it('list a bounded number of sessions, and say how many they leave out', () => {
    const many = new Samples(text(Format.openMetrics, SESSIONS_LISTED_MAX + 100));
    expect(many.sum('lunaring_sessions_unlisted')).toBe(100);
    expect(many.sum('lunaring_sessions')).toBe(SESSIONS_LISTED_MAX + 100);
    expect(many.sum('lunaring_initiator_commands_total', 'operation="read"')).toBe(3 * SESSIONS_LISTED_MAX);
  });

  it.skipIf(promtoolMissing())('are well formed, promtool says', () => {
    checkMetrics(text(Format.text, 3));
  });
});
