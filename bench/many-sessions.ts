// What sessions cost that only exist: CPU time and memory of the target, and the speed of eight busy ones among them.
// The idle ones are held by the tests' own initiator, the busy ones are fio's.

import { setTimeout as sleep } from 'node:timers/promises';
import { KIB, MIB } from '../src/config/limits.ts';
import { readProcess, runNs } from '../test/support/process-readings.ts';
import { TargetProcess } from '../test/support/target-process.ts';
import { cell } from './cells.ts';
import { measure } from './measure.ts';
import type { Measurement } from './measurement.ts';
import { type Options, SESSIONS_BESIDE_IDLE } from './options.ts';
import type { Peer } from './peers.ts';
import { withIdleSessions } from './raw-load.ts';
import { median } from './statistics.ts';

const BUSY_SESSIONS = 8;
const BUSY_DEPTH = 8;
/** Beside one descriptor for each session. */
const OTHER_DESCRIPTORS = 1000;

export interface ManySessions {
  readonly idleSessions: number;
  /** CPU time of the target in a second, with nobody and with the idle sessions. */
  readonly idleCpuUsPerSecond: { readonly none: number; readonly all: number };
  /** What each idle session adds to the target's resident set. */
  readonly rssBytesPerSession: number;
  /** {@link BUSY_SESSIONS} sessions by themselves, and with the idle ones beside them, round by round. */
  readonly busyAlone: readonly Measurement[];
  readonly busyAmong: readonly Measurement[];
}

async function idleCpu(pid: number, seconds: number): Promise<number> {
  const before = runNs(pid);
  await sleep(seconds * 1000);
  return (runNs(pid) - before) / 1000 / seconds;
}

/** Measures a target of its own, with a memory unit. */
export async function measureManySessions(options: Options): Promise<ManySessions> {
  const count = options.idleSessions;
  const unit = { lun: 0, backend: 'memory' as const, size: options.sizeMiB * MIB };
  const sessions = count + SESSIONS_BESIDE_IDLE;
  await using target = await TargetProcess.start(
    {
      targets: [
        {
          name: 'iqn.2026-11.io.lunaring:disk0',
          luns: [unit],
          sessionLimit: sessions,
          connectionLimit: sessions,
        },
      ],
      tuning: { workers: options.workers, engine: options.engine },
      log: { level: 'warn' },
    },
    { cpus: options.targetCpus, descriptors: 2 * sessions + OTHER_DESCRIPTORS },
  );
  const peer: Peer = {
    name: 'lunaring-memory',
    group: 'memory',
    subject: true,
    pid: target.pid,
    url: target.url(),
    excludes: () => null,
    prepare: () => undefined,
    stop: async () => undefined,
  };
  const busy = cell('randread', 4 * KIB, BUSY_DEPTH, BUSY_SESSIONS);
  const rss = () => readProcess(target.pid).rssBytes;
  const [busyAlone, busyAmong, none, all, perSession]: [Measurement[], Measurement[], number[], number[], number[]] = [
    [],
    [],
    [],
    [],
    [],
  ];
  for (let round = 0; round < options.rounds; round++) {
    none.push(await idleCpu(target.pid, options.seconds));
    busyAlone.push(await measure(peer, busy, options, round > 0));
    const before = rss();
    await withIdleSessions(peer.url, count, async () => {
      perSession.push((rss() - before) / count);
      all.push(await idleCpu(target.pid, options.seconds));
      busyAmong.push(await measure(peer, busy, options, true));
    });
  }
  return {
    idleSessions: count,
    idleCpuUsPerSecond: { none: median(none), all: median(all) },
    // What the first round takes from the system, later ones find there.
    rssBytesPerSession: perSession[0]!,
    busyAlone,
    busyAmong,
  };
}
